"""One person in a program, row by row: what every total on the other pages is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, joinedload

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook import overview as grades
from lti_tool.gradebook import progress
from lti_tool.gradebook.progress import Progress
from lti_tool.meetings.members import belongs
from lti_tool.meetings.tables import Attendance, Meeting
from lti_tool.programs.tables import Module
from lti_tool.roster.tables import Enrolment
from lti_tool.work.due import due_at
from lti_tool.work.tables import Assignment, Credit, Extension, Submission


@dataclass(frozen=True, slots=True)
class Week:
    """One session of a person, and the micro-assignment after it."""

    meeting: Meeting
    presence: str | None
    assignment: Assignment | None
    submission: Submission | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Story:
    """A person's whole program."""

    enrolment: Enrolment
    memberships: Sequence[Membership]
    cohorts: Mapping[int, Cohort]
    weeks: Sequence[Week]
    counts: Mapping[str, Progress]
    grades: Sequence[grades.Standing]


def story_of(session: Session, enrolment: Enrolment, program_id: int, now: datetime) -> Story:
    """Gather a person's rows by a fixed number of queries."""
    person_id = enrolment.person_id
    memberships = session.scalars(
        select(Membership)
        .where(Membership.program_id == program_id, Membership.person_id == person_id)
        .order_by(Membership.since)
    ).all()
    cohort_ids = {membership.cohort_id for membership in memberships}
    cohorts = session.scalars(select(Cohort).where(Cohort.id.in_(cohort_ids)))
    return Story(
        enrolment=enrolment,
        memberships=memberships,
        cohorts={cohort.id: cohort for cohort in cohorts},
        weeks=_weeks(session, person_id, memberships),
        counts=progress.of_person(session, program_id, person_id, now),
        grades=grades.cells_of(session, program_id, person_id),
    )


def _weeks(session: Session, person_id: int, memberships: Sequence[Membership]) -> list[Week]:
    by_cohort = {membership.cohort_id: membership for membership in memberships}
    rows = session.execute(
        select(Meeting, Attendance.presence, Assignment, Submission, Extension)
        .join(Module, Module.id == Meeting.module_id)
        .outerjoin(Attendance, and_(Attendance.meeting_id == Meeting.id, Attendance.person_id == person_id))
        .outerjoin(Assignment, Assignment.meeting_id == Meeting.id)
        .outerjoin(Credit, and_(Credit.assignment_id == Assignment.id, Credit.person_id == person_id))
        .outerjoin(Submission, Submission.id == Credit.submission_id)
        .outerjoin(Extension, and_(Extension.assignment_id == Assignment.id, Extension.person_id == person_id))
        .where(Meeting.cohort_id.in_(by_cohort))
        .options(joinedload(Submission.grade), joinedload(Meeting.module))
        .order_by(Module.number, Meeting.starts_at)
    )
    return [
        Week(meeting, presence, assignment, submission, due_at(assignment, extension) if assignment else None)
        for meeting, presence, assignment, submission, extension in rows
        if presence is not None or submission is not None or belongs(by_cohort[meeting.cohort_id], meeting)
    ]
