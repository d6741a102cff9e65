"""When an assignment is due for one person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from lti_tool.work.tables import Assignment, Extension


def due_at(assignment: Assignment, extension: Extension | None) -> datetime:
    """When it is due for whoever has this extension, or none."""
    return assignment.due_at if extension is None else max(assignment.due_at, extension.due_at)


def due_of(session: Session, assignment: Assignment, person_id: int) -> datetime:
    """When it is due for somebody."""
    return due_at(assignment, session.get(Extension, (assignment.id, person_id)))
