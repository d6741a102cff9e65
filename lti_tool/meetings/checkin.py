"""What learners say of themselves: that they are here, by the code that the room shows, or that they cannot come."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import clock, settings
from lti_tool.meetings import attendance, room, script
from lti_tool.meetings.rows import lock
from lti_tool.meetings.tables import HERE, Attendance, Meeting, Presence, Room
from lti_tool.programs.fields import FormError

LETTERS = "BCDFGHJKLMNPRSTVWXYZ"  # none that is taken for another, and no vowels, so that no word comes out
CODE_LENGTH = 4
GRACE = timedelta(minutes=5)


def code_of(meeting_id: int) -> str:
    """The code of a session: an HMAC, so that it needs no storage and nobody outside of the room can tell it."""
    key = settings.current().signing_secret.encode()
    number = int.from_bytes(hmac.digest(key, f"check-in:{meeting_id}".encode(), hashlib.sha256))
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(CODE_LENGTH))


def check_in(session: Session, meeting: Meeting, person_id: int, code: str) -> None:
    """Mark a member as here, or as late from five minutes after the beginning; who is here already stays so.

    Raises FormError for a wrong code, and when the session cannot be entered.
    """
    lock(session, meeting)
    now = clock.now()
    if not room.is_open(meeting, now):
        text = _("You can check in from ten minutes before a session until it is closed.")
        raise FormError({"code": text})
    if not hmac.compare_digest("".join(code.split()).upper().encode(), code_of(meeting.id).encode()):
        raise FormError({"code": _("That is not the code of this session. Look at the shared screen, or ask.")})
    row = _mark_of(session, meeting, person_id)
    if row is not None and row.presence in HERE:
        return
    started = session.get(Room, meeting.id)
    began = script.from_rows(started.parts)[0].began if started else None
    is_late = now > max(began or now, meeting.starts_at) + GRACE
    attendance.mark(session, meeting, {person_id: Presence.LATE if is_late else Presence.PRESENT}, person_id)


def excuse(session: Session, meeting: Meeting, person_id: int) -> None:
    """Note beforehand that a member cannot come. What somebody else has marked stays.

    Raises FormError once the session has begun.
    """
    lock(session, meeting)
    _must_lie_ahead(session, meeting)
    if _mark_of(session, meeting, person_id) is None:
        attendance.mark(session, meeting, {person_id: Presence.EXCUSED}, person_id)


def come_after_all(session: Session, meeting: Meeting, person_id: int) -> None:
    """Take back what `excuse` noted.

    Raises FormError once the session has begun: then checking in says it.
    """
    lock(session, meeting)
    _must_lie_ahead(session, meeting)
    row = _mark_of(session, meeting, person_id)
    if is_own_excuse(row):
        attendance.unmark(session, meeting, person_id, person_id)


def is_own_excuse(row: Attendance | None) -> bool:
    """Whether somebody has excused themselves."""
    return row is not None and row.presence == Presence.EXCUSED and row.marked_by_id == row.person_id


def _must_lie_ahead(session: Session, meeting: Meeting) -> None:
    if session.get(Room, meeting.id) is not None or clock.now() >= meeting.starts_at or meeting.closed_at is not None:
        text = _("This session has begun. Tell your facilitator, who can still excuse you.")
        raise FormError({"excuse": text})


def _mark_of(session: Session, meeting: Meeting, person_id: int) -> Attendance | None:
    return attendance.marks_of(session, meeting.id).get(person_id)
