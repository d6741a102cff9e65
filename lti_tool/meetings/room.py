"""The room of a session while it is held: its clock, and pairs that follow who is here.

Two facilitators may press the same button at once: each says which state of the clock they saw, and the second one
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from lti_tool import audit, clock
from lti_tool.meetings import pairs, script
from lti_tool.meetings.rows import course_of_meeting, lock
from lti_tool.meetings.script import Script
from lti_tool.meetings.tables import Meeting, Room
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Module

EARLY = timedelta(minutes=10)
FORGOTTEN = timedelta(hours=1)

# (script, now, the session's end) -> the script after it
Step = Callable[[Script, datetime, datetime], Script]
STEPS: dict[str, Step] = {
    "next": script.go_on,
    "back": lambda played, _now, end: script.go_back(played, end),
    "more": script.add_time,
}


def is_open(meeting: Meeting, now: datetime) -> bool:
    """Whether people may enter: from ten minutes before the session until it is closed."""
    return meeting.closed_at is None and now >= meeting.starts_at - EARLY


def played(room: Room | None, meeting: Meeting, now: datetime) -> Script | None:
    """The script of a session under way; None before it is started, or when it was left open and forgotten."""
    if room is None or meeting.closed_at is not None or now > meeting.ends_at + FORGOTTEN:
        return None
    return script.from_rows(room.parts)


def start(session: Session, meeting: Meeting, actor_id: int | None) -> None:
    """Begin the script, and pair those who are here. Starting twice does no harm.

    Raises FormError when the session is closed, or begins only later.
    """
    lock(session, meeting)
    now = clock.now()
    if not is_open(meeting, now):
        text = _("A session can be started from ten minutes before its time until it is closed.")
        raise FormError({"clock": text})
    if _room(session, meeting) is not None:
        return
    agenda = select(Module).where(Module.id == meeting.module_id).options(selectinload(Module.agenda))
    begun = script.begin(script.of_module(session.scalars(agenda).one(), meeting.minutes), now, meeting.ends_at)
    session.add(Room(meeting_id=meeting.id, parts=script.to_rows(begun), paired=False))
    session.flush()
    meeting.version += 1
    _pair_if_anybody(session, meeting)
    audit.record(
        session,
        "session started",
        "meeting",
        meeting.id,
        course_id=course_of_meeting(session, meeting),
        actor_id=actor_id,
    )


def step(session: Session, meeting: Meeting, name: str, seen: str) -> bool:
    """Move the clock by one of STEPS, unless it no longer stands as `seen`. Returns whether it was moved.

    Raises FormError when the session is not under way.
    """
    lock(session, meeting)
    now = clock.now()
    room = _room(session, meeting)
    before = played(room, meeting, now)
    if room is None or before is None:
        raise FormError({"clock": _("This session is not under way. Reload the page to see where it stands.")})
    if script.seen(before) != seen:
        return False
    after = STEPS[name](before, now, meeting.ends_at)
    room.parts = script.to_rows(after)
    meeting.version += 1
    if after[script.current(after)].practice and not room.paired:
        _pair_if_anybody(session, meeting)
    return True


def pair(session: Session, meeting: Meeting) -> None:
    """Make the pairs from those who are here; while the session is under way they follow from now on.

    Raises FormError as `pairs.pair_present` does.
    """
    pairs.pair_present(session, meeting)
    _follow(session, meeting)


def follow_who_is_here(session: Session, meeting: Meeting, here: Sequence[int]) -> None:
    """Make the pairs again if they follow who is here and somebody came or left; the caller has locked the session.

    Once the practice is over they stay: then they are who practised with whom.
    """
    room = _room(session, meeting)
    if room is None or not room.paired or script.practice_is_over(script.from_rows(room.parts)):
        return
    pairs.pair_again(session, meeting, here)


def move(session: Session, meeting: Meeting) -> None:
    """After a session was moved: one that now lies ahead is no longer under way."""
    room = _room(session, meeting)
    if room is not None and not is_open(meeting, clock.now()):
        session.delete(room)


def _pair_if_anybody(session: Session, meeting: Meeting) -> None:
    if pairs.people_here(session, meeting.id):
        pair(session, meeting)


def _follow(session: Session, meeting: Meeting) -> None:
    room = _room(session, meeting)
    if room is not None:
        room.paired = True


def _room(session: Session, meeting: Meeting) -> Room | None:
    return session.get(Room, meeting.id, populate_existing=True)
