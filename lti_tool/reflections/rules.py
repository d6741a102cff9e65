"""Writing a reflection down."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.meetings import room
from lti_tool.meetings.rows import lock, program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import Reader
from lti_tool.programs.tables import Program
from lti_tool.reflections import queries
from lti_tool.reflections.tables import Reflection

LONGEST_TEXT = 3_000


def write(session: Session, meeting: Meeting, person_id: int, text: str, now: datetime) -> Reflection:
    """Write down, or change, up to 3,000 characters about a session that has begun.

    Where catching up excuses an absence it counts in the same transaction. Raises FormError. The caller has checked
    that the session is theirs.
    """
    lock(session, meeting)
    reader = Reader({"text": text})
    text = reader.text("text", LONGEST_TEXT)
    if now < meeting.starts_at - room.EARLY:
        reader.errors["text"] = _("You can write this down once the session has begun.")
    reader.check()
    row = queries.own(session, meeting.id, person_id)
    if row is None:
        row = Reflection(meeting_id=meeting.id, person_id=person_id, written_at=now)
        session.add(row)
    else:
        session.refresh(row)
    if row.text == text:
        return row
    row.text, row.changed_at = text, now
    session.flush()
    meeting.version += 1  # the facilitator's page shows how many have written something
    program = program_of_meeting(session, meeting)
    audit.record(
        session,
        "reflection written",
        "reflection",
        row.id,
        course_id=program.course_id,
        actor_id=person_id,
    )
    progress.changed(session, program.id, [person_id])
    return row


def choose_effect(session: Session, program: Program, excuses: bool, actor_id: int) -> None:
    """Choose whether a session that somebody caught up with is held against them; everybody is counted anew."""
    before, program.catch_up_excuses = program.catch_up_excuses, excuses
    if before is excuses:
        return
    audit.record(
        session,
        "effect of catching up chosen",
        "program",
        program.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before={"excuses": before},
        after={"excuses": excuses},
    )
    progress.everybody(session, program.id)
