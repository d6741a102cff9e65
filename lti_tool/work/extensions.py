"""Giving one person more time for an assignment, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.schedule import local_time
from lti_tool.programs.tables import Program
from lti_tool.work.overview import is_for
from lti_tool.work.rows import lock
from lti_tool.work.schedule import DUE_AT
from lti_tool.work.tables import Assignment, Extension

FARTHEST = timedelta(days=120)


def extend(
    session: Session,
    program: Program,
    assignment: Assignment,
    person_id: int,
    fields: Mapping[str, str],
    actor_id: int,
    now: datetime,
) -> Extension:
    """Give somebody until 18:00 of `day` on the program's clocks, in place of what they were given before.

    Raises FormError.
    """
    if not is_for(session, assignment.id, person_id):
        raise FormError({"day": _("This assignment is not one of theirs.")})
    reader = Reader(fields)
    today = now.astimezone(ZoneInfo(program.zone)).date()
    until = local_time(reader.day("day", today, today + FARTHEST), DUE_AT, program.zone)
    reader.check()
    if until <= max(now, assignment.due_at):
        raise FormError({"day": _("Choose a later day: this is no more time than everybody has.")})
    lock(session, assignment)
    extension = session.get(Extension, (assignment.id, person_id), with_for_update={"key_share": True})
    if extension is None:
        extension = Extension(assignment_id=assignment.id, person_id=person_id)
        session.add(extension)
    extension.due_at, extension.lapsed_at = until, None
    _count(session, program, assignment, person_id, "more time given", actor_id, until)
    return extension


def take_back(session: Session, program: Program, assignment: Assignment, person_id: int, actor_id: int) -> None:
    """Let somebody have as much time as everybody. Doing it twice does no harm."""
    extension = session.get(Extension, (assignment.id, person_id), with_for_update={"key_share": True})
    if extension is not None:
        session.delete(extension)
        _count(session, program, assignment, person_id, "more time taken back", actor_id, None)


def _count(
    session: Session,
    program: Program,
    assignment: Assignment,
    person_id: int,
    action: str,
    actor_id: int,
    until: datetime | None,
) -> None:
    audit.record(
        session,
        action,
        "assignment",
        assignment.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"person": person_id, "until": until and until.isoformat()},
    )
    progress.changed(session, program.id, [person_id])
