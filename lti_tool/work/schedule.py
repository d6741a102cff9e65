"""When micro-assignments are due, and the moment from which an undone one counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.gradebook import progress
from lti_tool.meetings.members import members_of
from lti_tool.meetings.planning import program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.schedule import local_time
from lti_tool.programs.tables import Program
from lti_tool.work.tables import Assignment

DAYS_AFTER_SESSION = 6
DUE_AT = time(18, 0)


def due_after(starts_at: datetime, zone: str) -> datetime:
    """Six days after the session, at 18:00 in the program's zone."""
    day = starts_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=DAYS_AFTER_SESSION)
    return local_time(day, DUE_AT, zone)


def plan_assignments(program: Program, *, session: Session, meetings: Sequence[Meeting]) -> None:
    """Give each newly planned session its micro-assignment."""
    session.add_all(
        Assignment(meeting_id=meeting.id, due_at=due_after(meeting.starts_at, program.zone)) for meeting in meetings
    )


def move_assignment(program: Program, *, session: Session, meeting: Meeting) -> None:
    """Let the due time follow a session that was moved, unless it has counted already."""
    assignment = session.scalar(select(Assignment).where(Assignment.meeting_id == meeting.id))
    if assignment is not None and assignment.lapsed_at is None:
        assignment.due_at = due_after(meeting.starts_at, program.zone)


def lapse_next() -> bool:
    """Job: count one assignment whose due time has passed as due for everybody of its cohort."""
    with transaction() as session:
        now = clock.now()
        assignment = session.scalar(
            select(Assignment)
            .where(Assignment.lapsed_at.is_(None), Assignment.due_at <= now)
            .order_by(Assignment.due_at, Assignment.id)
            .limit(1)
            .with_for_update(skip_locked=True, key_share=True)
        )
        if assignment is None:
            return False
        assignment.lapsed_at = now
        session.flush()
        meeting = session.get_one(Meeting, assignment.meeting_id)
        people = [person.id for person in members_of(session, meeting)]
        progress.changed(session, program_of_meeting(session, meeting).id, people)
        return True
