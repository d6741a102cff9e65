"""Who may be placed in a cohort, by what, and who may not and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import LazyString, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.lti.launch import Role
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing
from lti_tool.roster import groups
from lti_tool.roster.people import STAFF
from lti_tool.roster.tables import Enrolment, Person, PersonAttribute

Slots = Mapping[int, Sequence[str]]
"""When people can meet, by person id ("mon-09"); who has not said is not in it."""

LARGEST = 1e9  # sums of squares of larger numbers lose what tells people apart


class Source(StrEnum):
    """Where an attribute comes from."""

    FILE = "file"
    LEARNERS = "learners"
    LMS = "lms"
    OWN = "own"


SOURCES = {
    Source.FILE: lazy_gettext("from a file"),
    Source.LEARNERS: lazy_gettext("learners say so"),
    Source.LMS: lazy_gettext("from the LMS"),
    Source.OWN: lazy_gettext("Peerloop knows it"),
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something known about people of a course; `values` by person id."""

    name: str
    values: Mapping[int, str]
    source: Source = Source.FILE

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number, so that cohorts can be balanced by it."""
        return all(number(value) is not None for value in self.values.values())


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some people are not placed."""

    text: LazyString
    people: list[Person]


def number(value: str) -> float | None:
    """The number that a value states, if it states one that people can be balanced by.

    >>> number("3.8"), number("senior"), number("nan"), number("1e200")
    (3.8, None, None, None)
    """
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) <= LARGEST else None


def placeable(session: Session, course_id: int) -> list[Person]:
    """The active learners of a course by name; never test users, observers, staff or those gone."""
    query = select(Person).join(Enrolment, Enrolment.person_id == Person.id)
    return list(
        session.scalars(
            query.where(Enrolment.course_id == course_id, Enrolment.may_learn).order_by(Person.name, Person.id)
        )
    )


def appointable(session: Session, course_id: int) -> list[tuple[Person, str]]:
    """Everybody who is in the course now, with their role: staff first, then by name; never test users."""
    query = (
        select(Person, Enrolment.role)
        .join(Enrolment, Enrolment.person_id == Person.id)
        .where(Enrolment.course_id == course_id, Enrolment.is_test.is_(False), Enrolment.left_at.is_(None))
        .order_by(Enrolment.role.not_in(STAFF), Person.name, Person.id)
    )
    return [(person, role) for person, role in session.execute(query)]


def attributes(session: Session, program: Program, person_ids: Collection[int]) -> list[Attribute]:
    """What a program's cohorts can be formed by: what is known about these people, by the attribute's name.

    What a file says takes the place of what learners or the LMS say under the same name: one must be meant.
    """
    found = {
        attribute.name.casefold(): attribute
        for source in (_by_lms, _told, _imported)
        for attribute in source(session, program, person_ids)
    }
    return sorted(found.values(), key=lambda attribute: attribute.name)


def _by_lms(session: Session, program: Program, person_ids: Collection[int]) -> list[Attribute]:
    sections, sets = groups.sections_and_sets(session, program.course_id)
    told = {"section": sections}
    told |= {set_.title: {person: " + ".join(names) for person, names in set_.members.items()} for set_ in sets}
    wanted = set(person_ids)
    inside = {name: {p: v for p, v in values.items() if p in wanted} for name, values in told.items()}
    return [Attribute(name, values, Source.LMS) for name, values in inside.items() if values]


def _told(session: Session, program: Program, person_ids: Collection[int]) -> list[Attribute]:
    told = knowing.attributes_of(session, program, person_ids)
    return [
        Attribute(name, values, Source.OWN if name == knowing.ANSWERED else Source.LEARNERS)
        for name, values in told.items()
    ]


def _imported(session: Session, program: Program, person_ids: Collection[int]) -> list[Attribute]:
    rows = session.execute(
        select(PersonAttribute.name, PersonAttribute.person_id, PersonAttribute.value).where(
            PersonAttribute.course_id == program.course_id
        )
    )
    wanted, found = set(person_ids), dict[str, dict[int, str]]()
    for name, person_id, value in rows:
        if person_id in wanted and value.strip():
            found.setdefault(name, {})[person_id] = value.strip()
    return [Attribute(name, values) for name, values in found.items()]


def slots_of(session: Session, program: Program, person_ids: Collection[int]) -> Slots:
    """When each of these people can meet in a program's first week, as far as they have said."""
    return knowing.slots_of(session, program, person_ids)


def set_aside(session: Session, course_id: int) -> list[Reason]:
    """The people of a course who are not staff and never placed, by reason."""
    query = select(Enrolment, Person).join(Person, Person.id == Enrolment.person_id)
    rows = session.execute(
        query.where(Enrolment.course_id == course_id, Enrolment.role.not_in(STAFF)).order_by(Person.name, Person.id)
    )
    found: dict[str, Reason] = {}
    for enrolment, person in rows:
        if not enrolment.may_learn:
            text = _why_not(enrolment)
            found.setdefault(str(text), Reason(text, [])).people.append(person)
    return list(found.values())


def _why_not(enrolment: Enrolment) -> LazyString:
    if enrolment.left_at is not None:
        return lazy_gettext("left the course")
    if enrolment.is_test:
        return lazy_gettext("test user")
    if enrolment.role == Role.NONE.value:
        return lazy_gettext("no role in the course")
    return lazy_gettext("observes only")


def labels(people: Iterable[Person]) -> dict[str, str]:
    """What to call people where several may have one name, by id as text: then with the address, or with the id where
    that is missing or shared as well.
    """
    people = list(people)
    names = Counter(plain(person.name) for person in people)
    addresses = Counter((plain(person.name), plain(person.email or "")) for person in people)

    def label(person: Person) -> str:
        name = plain(person.name)
        if names[name] == 1:
            return person.name
        alone = person.email and addresses[name, plain(person.email)] == 1
        return f"{person.name} ({person.email if alone else person.id})"

    return {str(person.id): label(person) for person in people}


def plain(name: str) -> str:
    """A name as it is compared: capitals and the width of spaces tell nobody apart.

    >>> plain("ANA  Berg ")
    'ana berg'
    """
    return " ".join(name.casefold().split())


def roll(session: Session, course_id: int) -> list[tuple[Person, bool]]:
    """Everybody who is or was in a course, and whether they can be placed now."""
    query = select(Person, Enrolment.may_learn).join(Enrolment, Enrolment.person_id == Person.id)
    return [(person, bool(may)) for person, may in session.execute(query.where(Enrolment.course_id == course_id))]


def everybody(session: Session, course_id: int) -> list[Person]:
    """Everybody who is or was in a course."""
    query = select(Person).join(Enrolment, Enrolment.person_id == Person.id)
    return list(session.scalars(query.where(Enrolment.course_id == course_id)))
