"""A page of the roster becomes rows, in a few statements however many people it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, literal, null, or_, select
from sqlalchemy.orm import Session

from lti_tool.database import Base
from lti_tool.lti.launch import Role
from lti_tool.lti.memberships import Member
from lti_tool.roster.names import made_up_name, stated_name
from lti_tool.roster.upserts import Insert, insert_into

PERSON, ENROLMENT = (Base.metadata.tables[name] for name in ("person", "enrolment"))
STAFF = (Role.INSTRUCTOR.value, Role.TEACHING_ASSISTANT.value)


def store(
    session: Session,
    members: Sequence[Member],
    *,
    tenant_id: int,
    course_id: int,
    reading_id: int,
    now: datetime,
) -> None:
    """Add or update `members` as seen by this reading. Who is there twice counts as the last row says."""
    if not members:
        return
    _store_people(session, members, tenant_id)
    rows = [
        {
            "subject": member.identity.subject,
            "stated_role": member.standing.role.value,
            "stated_test": member.standing.is_test,
        }
        for member in members
    ]
    session.execute(_enrolments(session, tenant_id, course_id, reading_id, now), rows)


def _store_people(session: Session, members: Iterable[Member], tenant_id: int) -> None:
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
        session.execute(_people(session, "name", "email", "locale"), named)
    if nameless:
        session.execute(_people(session, "email", "locale"), nameless)


def _people(session: Session, *updated: str) -> Insert:
    """What the LMS leaves out changes nothing, and a row that says so already is not written again."""
    query = insert_into(session, PERSON)
    values = {name: func.coalesce(query.excluded[name], PERSON.c[name]) for name in updated}
    return query.on_conflict_do_update(
        index_elements=["tenant_id", "subject"],
        set_=values,
        where=or_(*(PERSON.c[name].is_distinct_from(value) for name, value in values.items())),
    )


def _enrolments(session: Session, tenant_id: int, course_id: int, reading_id: int, now: datetime) -> Insert:
    columns = {
        "course_id": literal(course_id),
        "person_id": PERSON.c.id,
        "role": bindparam("stated_role", type_=ENROLMENT.c.role.type),
        "roster_role": bindparam("stated_role", type_=ENROLMENT.c.role.type),
        "is_test": bindparam("stated_test", type_=ENROLMENT.c.is_test.type),
        "joined_at": literal(now, ENROLMENT.c.joined_at.type),
        "reading_id": literal(reading_id),
        "joined_reading_id": literal(reading_id),
    }
    seen = select(*columns.values()).where(PERSON.c.tenant_id == tenant_id, PERSON.c.subject == bindparam("subject"))
    query = insert_into(session, ENROLMENT).from_select(list(columns), seen)
    old, new = ENROLMENT.c, query.excluded
    returns = old.left_at.is_not(None)
    taught_at_launch = (
        old.roster_role.is_(None)
        & old.launched_at.is_not(None)
        & or_(*(old.role == role for role in STAFF))  # IN cannot be executed for many rows
        & (new.role == Role.LEARNER.value)
    )
    is_news = returns | (old.roster_role.is_distinct_from(new.role) & ~taught_at_launch)
    return query.on_conflict_do_update(
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
