"""What one week of a program is for a person: a session and the micro-assignment after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, joinedload

from lti_tool.cohorts.tables import Membership
from lti_tool.meetings.members import belongs
from lti_tool.meetings.overview import MeetingCount, attendance_overview, facilitated_meetings
from lti_tool.meetings.pairs import partners
from lti_tool.meetings.tables import Attendance, Meeting
from lti_tool.programs.tables import Module, Program
from lti_tool.roster.tables import Person
from lti_tool.web.visits import Visit
from lti_tool.work.due import due_at
from lti_tool.work.overview import WorkCount, work_overview
from lti_tool.work.tables import Assignment, Credit, Extension, Submission


@dataclass(frozen=True, slots=True)
class StaffWeek:
    """A week of every cohort, in numbers."""

    sessions: Sequence[MeetingCount]
    assignments: Sequence[WorkCount]


@dataclass(frozen=True, slots=True)
class OwnWeek:
    """A learner's week. `presence` is None until somebody has marked it."""

    meeting: Meeting
    presence: str | None
    partners: Sequence[Person]
    assignment: Assignment
    submission: Submission | None
    due_at: datetime


def of_staff(session: Session, program: Program, module: Module) -> StaffWeek:
    """A week as the people see it who look after all cohorts; in five queries."""
    return StaffWeek(
        [one for one in attendance_overview(session, program.id) if one.meeting.module_id == module.id],
        [one for one in work_overview(session, program.id) if one.assignment.meeting.module_id == module.id],
    )


def of_learner(session: Session, person_id: int, module: Module) -> OwnWeek | None:
    """A learner's own week; None where no session of it is theirs. The last one counts for who was moved."""
    rows = session.execute(
        select(Meeting, Membership, Attendance.presence, Assignment, Submission, Extension)
        .join(Membership, Membership.cohort_id == Meeting.cohort_id)
        .join(Assignment, Assignment.meeting_id == Meeting.id)
        .outerjoin(Attendance, and_(Attendance.meeting_id == Meeting.id, Attendance.person_id == person_id))
        .outerjoin(Credit, and_(Credit.assignment_id == Assignment.id, Credit.person_id == person_id))
        .outerjoin(Submission, Submission.id == Credit.submission_id)
        .outerjoin(Extension, and_(Extension.assignment_id == Assignment.id, Extension.person_id == person_id))
        .where(Meeting.module_id == module.id, Membership.person_id == person_id)
        .options(joinedload(Submission.grade), joinedload(Meeting.cohort))
        .order_by(Meeting.starts_at.desc(), Membership.since.desc())
    )
    for meeting, membership, presence, assignment, submission, extension in rows:
        if presence is not None or submission is not None or belongs(membership, meeting):
            with_whom = partners(session, meeting.id, person_id)
            return OwnWeek(meeting, presence, with_whom, assignment, submission, due_at(assignment, extension))
    return None


def facilitated(session: Session, visit: Visit, module: Module, now: datetime) -> Sequence[Meeting]:
    """The sessions of a week that the visitor has to hold."""
    held = facilitated_meetings(session, visit.person_id, visit.course_id, now)
    return [meeting for meeting in held if meeting.module_id == module.id]
