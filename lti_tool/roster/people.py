"""Who is in a course: the queries that pages and other rooms ask."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, select, true
from sqlalchemy.orm import Session, contains_eager

from lti_tool.lti import launch
from lti_tool.lti.launch import Role
from lti_tool.roster.tables import Enrolment, Person, PersonAttribute

PAGE_SIZE = 50
STAFF = tuple(sorted(role.value for role in launch.STAFF))


class Show(StrEnum):
    """Which people of a course a list shows."""

    ALL = "all"
    PLACEABLE = "placeable"
    STAFF = "staff"
    UNPLACEABLE = "unplaceable"  # active, neither placeable nor staff
    GONE = "gone"


_IS_ACTIVE = Enrolment.left_at.is_(None)
_IS_STAFF = Enrolment.role.in_(STAFF)
_FILTERS: dict[Show, ColumnElement[bool]] = {
    Show.ALL: true(),
    Show.PLACEABLE: and_(Enrolment.may_learn),
    Show.STAFF: and_(_IS_ACTIVE, _IS_STAFF),
    Show.UNPLACEABLE: and_(_IS_ACTIVE, ~_IS_STAFF, ~Enrolment.may_learn),
    Show.GONE: Enrolment.left_at.is_not(None),
}


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list of people. `total` counts all that were found."""

    enrolments: Sequence[Enrolment]
    total: int
    page: int
    pages: int


def active(session: Session, course_id: int, role: Role | None = None) -> Sequence[Enrolment]:
    """Who is in the course now, with `person` loaded, by name; in one role, or all."""
    query = _enrolments(course_id).where(_IS_ACTIVE)
    if role is not None:
        query = query.where(Enrolment.role == role.value)
    return session.scalars(query.order_by(Person.name, Person.id)).all()


def placeable(session: Session, course_id: int) -> Sequence[Person]:
    """Learners who may be placed in a cohort, by name: active, no test users, nobody of another role."""
    query = select(Person).join(Enrolment, Enrolment.person_id == Person.id)
    query = query.where(Enrolment.course_id == course_id, Enrolment.may_learn)
    return session.scalars(query.order_by(Person.name, Person.id)).all()


def counts(session: Session, course_id: int) -> dict[Show, int]:
    """How many people each list holds."""
    columns = [func.count().filter(condition) for condition in _FILTERS.values()]
    row = session.execute(select(*columns).where(Enrolment.course_id == course_id)).one()
    return dict(zip(_FILTERS, row, strict=True))


def attributes(
    session: Session, course_id: int, person_ids: Collection[int] | None = None
) -> dict[int, dict[str, str]]:
    """Attributes by person id and name, of everybody or of some; people without any are left out."""
    query = select(PersonAttribute).where(PersonAttribute.course_id == course_id)
    if person_ids is not None:
        query = query.where(PersonAttribute.person_id.in_(person_ids))
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for attribute in session.scalars(query.order_by(PersonAttribute.name)):
        found[attribute.person_id][attribute.name] = attribute.value
    return dict(found)


def search(session: Session, course_id: int, *, text: str = "", show: Show = Show.ALL, page: int = 1) -> Slice:
    """One page of the people whose name holds `text`, whatever its accents and capitals."""
    query = _enrolments(course_id).where(_FILTERS[show])
    if wanted := folded(text):
        # Databases differ in what they fold; a course's names are few enough to be looked at here.
        names = session.execute(query.with_only_columns(Enrolment.id, Person.name, maintain_column_froms=True))
        query = query.where(Enrolment.id.in_([id_ for id_, name in names if wanted in folded(name)]))
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(page, 1), pages)
    ordered = query.order_by(Person.name, Person.id).offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)
    return Slice(session.scalars(ordered).all(), total, page, pages)


def folded(text: str) -> str:
    """`text` as it is compared: without capitals, accents and double spaces.

    >>> folded(" Zoë  ÅNGSTRÖM ")
    'zoe angstrom'
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _enrolments(course_id: int) -> Select[Enrolment]:
    query = select(Enrolment).join(Enrolment.person).where(Enrolment.course_id == course_id)
    return query.options(contains_eager(Enrolment.person))
