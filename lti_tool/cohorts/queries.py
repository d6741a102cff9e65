"""Questions about published cohorts, each answered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, selectinload

from lti_tool.cohorts.tables import Cohort, Facilitator, Membership
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment, Person


@dataclass(frozen=True, slots=True)
class CohortMembers:
    """A cohort with its people by name: who is in it now, who was and is no more, who facilitates it."""

    cohort: Cohort
    members: list[Person]
    former: list[Membership]
    facilitators: list[Person]


def cohort_of(session: Session, program_id: int, person_id: int) -> Cohort | None:
    """The cohort of a program in which a person is now."""
    return session.scalar(
        select(Cohort)
        .join(Membership, Membership.cohort_id == Cohort.id)
        .where(Membership.program_id == program_id, Membership.person_id == person_id, Membership.until.is_(None))
    )


def cohorts_with_members(session: Session, program_id: int) -> list[CohortMembers]:
    """The published cohorts of a program that go on, in their order."""
    query = select(Cohort).where(Cohort.program_id == program_id, Cohort.ended_at.is_(None)).order_by(Cohort.position)
    return _with_members(session.scalars(query.options(*_PEOPLE), execution_options=_FRESH).all())


def ended_cohorts(session: Session, program_id: int) -> Sequence[Cohort]:
    """The published cohorts of a program that have ended, in their order."""
    query = select(Cohort).where(Cohort.program_id == program_id, Cohort.ended_at.is_not(None))
    return session.scalars(query.order_by(Cohort.position)).all()


def with_members(session: Session, cohort_id: int) -> CohortMembers:
    """One cohort. Raises NoResultFound when there is none with this id."""
    query = select(Cohort).where(Cohort.id == cohort_id)
    [found] = _with_members([session.scalars(query.options(*_PEOPLE), execution_options=_FRESH).one()])
    return found


_PEOPLE = (
    selectinload(Cohort.memberships).joinedload(Membership.person),
    selectinload(Cohort.facilitators).selectinload(Facilitator.person),
)
# A cohort whose people were loaded before a change is asked about again after it.
_FRESH = {"populate_existing": True}


def _with_members(cohorts: Sequence[Cohort]) -> list[CohortMembers]:
    return [
        CohortMembers(
            cohort=cohort,
            members=_by_name([m.person for m in cohort.memberships if m.until is None]),
            former=_former(cohort),
            facilitators=_by_name([f.person for f in cohort.facilitators]),
        )
        for cohort in cohorts
    ]


def _former(cohort: Cohort) -> list[Membership]:
    """The last membership of everybody who is no longer in the cohort."""
    running = {m.person_id for m in cohort.memberships if m.until is None}
    ended = [(m.until, m) for m in cohort.memberships if m.until is not None and m.person_id not in running]
    last = {m.person_id: m for _until, m in sorted(ended, key=lambda pair: pair[0])}
    return sorted(last.values(), key=lambda m: (m.person.name, m.person_id))


def _by_name(people: Sequence[Person]) -> list[Person]:
    return sorted(people, key=lambda person: (person.name, person.id))


def unplaced(session: Session, program_id: int) -> list[Person]:
    """Active learners of a program's course who are in none of its cohorts, by name."""
    running = exists().where(
        Membership.program_id == Program.id, Membership.person_id == Person.id, Membership.until.is_(None)
    )
    query = (
        select(Person)
        .join(Enrolment, Enrolment.person_id == Person.id)
        .join(Program, Program.course_id == Enrolment.course_id)
        .where(Program.id == program_id, Enrolment.may_learn, ~running)
        .order_by(Person.name, Person.id)
    )
    return list(session.scalars(query))


def departed(session: Session, program_id: int) -> list[Membership]:
    """Running memberships of people who are no longer active learners of the course."""
    learning = exists().where(
        Enrolment.course_id == Program.course_id, Enrolment.person_id == Membership.person_id, Enrolment.may_learn
    )
    query = (
        select(Membership)
        .join(Program, Program.id == Membership.program_id)
        .where(Membership.program_id == program_id, Membership.until.is_(None), ~learning)
    )
    return list(session.scalars(query))


def programs_of_member(session: Session, course_id: int, person_id: int) -> list[Program]:
    """The programs of a course in whose cohorts this person is now, the newest first."""
    query = (
        select(Program)
        .join(Membership, Membership.program_id == Program.id)
        .where(Program.course_id == course_id, Membership.person_id == person_id, Membership.until.is_(None))
    )
    return list(session.scalars(query.order_by(Program.created_at.desc(), Program.id.desc())))


def present_ids(session: Session, course_id: int) -> set[int]:
    """The ids of everybody who is in the course now, in whatever role."""
    query = select(Enrolment.person_id).where(Enrolment.course_id == course_id, Enrolment.left_at.is_(None))
    return set(session.scalars(query))
