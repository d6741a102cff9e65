"""When an assignment can be handed in, and when it is due for one person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from lti_tool.meetings import room
from lti_tool.meetings.tables import Meeting
from lti_tool.work.tables import Assignment, Extension


def due_at(assignment: Assignment, extension: Extension | None) -> datetime:
    """When it is due for whoever has this extension, or none."""
    return assignment.due_at if extension is None else max(assignment.due_at, extension.due_at)


def has_opened(meeting: Meeting, now: datetime) -> bool:
    """Whether the assignment of a session can be handed in: what is done before nobody has practised."""
    return now >= meeting.starts_at - room.EARLY


def due_of(session: Session, assignment: Assignment, person_id: int) -> datetime:
    """When it is due for somebody."""
    return due_at(assignment, session.get(Extension, (assignment.id, person_id)))
