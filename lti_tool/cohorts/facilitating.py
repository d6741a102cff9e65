"""Who facilitates a cohort: appointed by the instructor from everybody who is in the course."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.cohorts.proposing import take
from lti_tool.cohorts.tables import Cohort, Facilitator
from lti_tool.database import db
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment, Person
from lti_tool.web.visits import Visit


class NotInCourseError(Exception):
    """The person is not in the course now, or is a test user."""


def facilitates(visit: Visit, cohort_id: int) -> bool:
    """Whether the visitor was appointed for the cohort."""
    appointed = (
        select(Facilitator.id)
        .join(Cohort, Cohort.id == Facilitator.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(
            Facilitator.cohort_id == cohort_id,
            Facilitator.person_id == visit.person_id,
            Program.course_id == visit.course_id,
        )
    )
    return db.session.scalar(appointed) is not None


def appoint(session: Session, program: Program, cohort: Cohort, person_id: int, *, actor_id: int | None) -> Person:
    """Make somebody a facilitator of a cohort; once is as good as twice. Raises NotInCourseError."""
    take(session, program.id)
    active = exists().where(
        Enrolment.course_id == program.course_id,
        Enrolment.person_id == Person.id,
        Enrolment.left_at.is_(None),
        Enrolment.is_test.is_(False),
    )
    person = session.scalar(select(Person).where(Person.id == person_id, active))
    if person is None:
        raise NotInCourseError
    if _appointment(session, cohort, person_id) is None:
        session.add(Facilitator(cohort_id=cohort.id, person_id=person_id))
        session.flush()
        _note(session, program, cohort, person_id, actor_id, "facilitator appointed")
    return person


def dismiss(session: Session, program: Program, cohort: Cohort, person_id: int, *, actor_id: int | None) -> None:
    """Take the appointment back; nothing happens when there is none."""
    take(session, program.id)
    appointment = _appointment(session, cohort, person_id)
    if appointment is not None:
        session.delete(appointment)
        session.flush()
        _note(session, program, cohort, person_id, actor_id, "facilitator dismissed")


def _appointment(session: Session, cohort: Cohort, person_id: int) -> Facilitator | None:
    return session.scalar(
        select(Facilitator).where(Facilitator.cohort_id == cohort.id, Facilitator.person_id == person_id)
    )


def _note(
    session: Session, program: Program, cohort: Cohort, person_id: int, actor_id: int | None, action: str
) -> None:
    audit.record(
        session,
        action,
        "cohort",
        cohort.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"person": person_id},
    )
