"""A page of the roster becomes rows, in a few statements however many people it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, String, bindparam, case, func, literal_column, null, or_, select
from sqlalchemy.orm import Session

from lti_tool.database import Base
from lti_tool.lti import launch
from lti_tool.lti.launch import Role
from lti_tool.lti.memberships import Member
from lti_tool.roster.names import made_up_name, stated_name
from lti_tool.roster.upserts import ManyTimes, insert_into

PERSON, ENROLMENT, READING = (Base.metadata.tables[name] for name in ("person", "enrolment", "roster_reading"))
# Written into the statement: what is not a parameter need not be given for each row.
LEARNER = literal_column(f"'{Role.LEARNER}'", String)
STAFF = [literal_column(f"'{role}'", String) for role in sorted(launch.STAFF)]


ENROLMENT_KEYS = ("tenant", "reading", "who", "stated_role", "stated_test")
PERSON_KEYS = ("tenant_id", "subject", "name", "email", "locale")


def store(session: Session, members: Sequence[Member], *, tenant_id: int, reading_id: int) -> None:
    """Add or update `members` as seen by this reading. Who is there twice counts as the last row says."""
    if not members:
        return
    dialect = session.get_bind().dialect
    _store_people(session, dialect, members, tenant_id)
    _enrolments(dialect).execute(
        session,
        [
            {
                "tenant": tenant_id,
                "reading": reading_id,
                "who": member.identity.subject,
                "stated_role": member.standing.role.value,
                "stated_test": member.standing.is_test,
            }
            for member in members
        ],
    )


def _store_people(session: Session, dialect: Dialect, members: Iterable[Member], tenant_id: int) -> None:
    named: list[dict[str, Any]] = []
    nameless: list[dict[str, Any]] = []
    for member in members:
        identity = member.identity
        name = stated_name(identity)
        (named if name else nameless).append(
            {
                "tenant_id": tenant_id,
                "subject": identity.subject,
                "name": name or made_up_name(identity.subject, member.standing.role),
                "email": identity.email,
                "locale": identity.locale,
            }
        )
    if named:
        _people(dialect, "name", "email", "locale").execute(session, named)
    if nameless:
        _people(dialect, "email", "locale").execute(session, nameless)


@cache
def _people(dialect: Dialect, *updated: str) -> ManyTimes:
    """What the LMS leaves out changes nothing, and a row that says so already is not written again."""
    query = insert_into(dialect.name, PERSON)
    values = {name: func.coalesce(query.excluded[name], PERSON.c[name]) for name in updated}
    query = query.on_conflict_do_update(
        index_elements=["tenant_id", "subject"],
        set_=values,
        where=or_(*(PERSON.c[name].is_distinct_from(value) for name, value in values.items())),
    )
    return ManyTimes.compiled(query, dialect, PERSON_KEYS)


@cache
def _enrolments(dialect: Dialect) -> ManyTimes:
    """One member's enrolment; `Enrolment` says how a role of the roster and one of a launch get along."""
    role = bindparam("stated_role", type_=ENROLMENT.c.role.type)
    columns = {
        "course_id": READING.c.course_id,
        "person_id": PERSON.c.id,
        "role": role,
        "roster_role": role,
        "is_test": bindparam("stated_test", type_=ENROLMENT.c.is_test.type),
        "joined_at": READING.c.started_at,
        "reading_id": READING.c.id,
        "joined_reading_id": READING.c.id,
    }
    seen = select(*columns.values()).where(
        READING.c.id == bindparam("reading"),
        PERSON.c.tenant_id == bindparam("tenant"),
        PERSON.c.subject == bindparam("who"),
    )
    query = insert_into(dialect.name, ENROLMENT).from_select(list(columns), seen)
    old, new = ENROLMENT.c, query.excluded
    returns = old.left_at.is_not(None)
    taught_at_launch = (
        old.roster_role.is_(None) & old.launched_at.is_not(None) & old.role.in_(STAFF) & (new.role == LEARNER)
    )
    is_news = returns | (old.roster_role.is_distinct_from(new.role) & ~taught_at_launch)
    query = query.on_conflict_do_update(
        index_elements=["course_id", "person_id"],
        set_={
            "role": case((is_news, new.role), else_=old.role),
            "roster_role": new.roster_role,
            "is_test": or_(old.is_test, new.is_test),
            "joined_at": case((returns, new.joined_at), else_=old.joined_at),
            "left_at": null(),
            "reading_id": new.reading_id,
            "joined_reading_id": case(
                (returns | old.reading_id.is_(None), new.joined_reading_id), else_=old.joined_reading_id
            ),
        },
    )
    return ManyTimes.compiled(query, dialect, ENROLMENT_KEYS)
