"""When micro-assignments are due, and the moment from which an undone one counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.gradebook import progress
from lti_tool.meetings.members import members_of
from lti_tool.meetings.rows import program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.schedule import local_time
from lti_tool.programs.tables import Program
from lti_tool.work.tables import Assignment, Extension

D = TypeVar("D", Assignment, Extension)

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
    """Job: count one assignment whose due time has passed as due for everybody of its cohort, or, where somebody was
    given more time, for them.
    """
    with transaction() as session:
        now = clock.now()
        return _lapse_assignment(session, now) or _lapse_extension(session, now)


def _lapse_assignment(session: Session, now: datetime) -> bool:
    assignment = session.scalar(_due_first(Assignment, now).order_by(Assignment.id))
    if assignment is None:
        return False
    assignment.lapsed_at = now
    meeting = session.get_one(Meeting, assignment.meeting_id)
    people = [person.id for person in members_of(session, meeting)]
    progress.changed(session, program_of_meeting(session, meeting).id, people)
    return True


def _lapse_extension(session: Session, now: datetime) -> bool:
    extension = session.scalar(_due_first(Extension, now).order_by(Extension.assignment_id, Extension.person_id))
    if extension is None:
        return False
    extension.lapsed_at = now
    meeting = session.get_one(Meeting, session.get_one(Assignment, extension.assignment_id).meeting_id)
    progress.changed(session, program_of_meeting(session, meeting).id, [extension.person_id])
    return True


def _due_first(table: type[D], now: datetime) -> Select[D]:
    """What was due first of what nobody has counted yet."""
    waiting = select(table).where(table.lapsed_at.is_(None), table.due_at <= now).order_by(table.due_at).limit(1)
    return waiting.with_for_update(skip_locked=True, key_share=True)
