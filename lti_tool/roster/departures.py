"""The end of a reading: who was not seen is marked as gone, unless that would be too many at once."""

from __future__ import annotations

from typing import cast

import structlog
from sqlalchemy import ColumnElement, CursorResult, and_, false, func, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.roster import groups
from lti_tool.roster.signals import roster_read
from lti_tool.roster.tables import Course, Enrolment, ReadingState, RosterReading

log = structlog.get_logger(__name__)

ALWAYS_ALLOWED = 5  # people who may leave at once from a course of any size
ALLOWED_SHARE = 3  # one in so many may


class NotHeldError(Exception):
    """The reading does not wait for an answer, or a later one has begun."""


def settle(session: Session, reading: RosterReading) -> None:
    """End a complete walk: mark the missing as gone, or hold the reading if they are too many.

    An entry that could not be read may be anybody's, so that nobody counts as missing then.
    """
    if reading.skipped:
        _complete(session, reading, actor_id=None, leaving=false())
        return
    leaving = session.scalar(select(func.count()).where(_missing(reading))) or 0
    known = session.scalar(select(func.count()).where(_was_known(reading))) or 0
    if leaving > ALWAYS_ALLOWED and leaving * ALLOWED_SHARE > known:
        reading.state = ReadingState.HELD
        reading.leaving = leaving
        reading.finished_at = clock.wall()
        reading.leased_until = None
        return
    _complete(session, reading, actor_id=None, leaving=_missing(reading))


def confirm(session: Session, reading: RosterReading, actor_id: int) -> int:
    """Mark the missing of a held reading as gone. Returns how many. Raises NotHeldError."""
    _take(session, reading)
    _complete(session, reading, actor_id=actor_id, leaving=_missing(reading))
    return reading.leaving


def dismiss(session: Session, reading: RosterReading, actor_id: int) -> None:
    """Leave everybody where they are; the next reading looks again. Raises NotHeldError."""
    _take(session, reading)
    reading.state = ReadingState.DISMISSED
    audit.record(
        session,
        "roster.dismissed",
        "roster_reading",
        reading.id,
        course_id=reading.course_id,
        actor_id=actor_id,
        after={"leaving": reading.leaving},
    )


def _take(session: Session, reading: RosterReading) -> None:
    """Two people may answer at once: the first answer counts."""
    later = select(RosterReading.id).where(
        RosterReading.course_id == reading.course_id, RosterReading.id > reading.id
    )
    taken = session.execute(
        update(RosterReading)
        .where(RosterReading.id == reading.id, RosterReading.state == ReadingState.HELD.value, ~later.exists())
        .values(state=ReadingState.COMPLETE.value)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[None]", taken).rowcount != 1:
        raise NotHeldError
    session.refresh(reading)


def _is_active(reading: RosterReading) -> ColumnElement[bool]:
    return and_(Enrolment.course_id == reading.course_id, Enrolment.left_at.is_(None))


def _missing(reading: RosterReading) -> ColumnElement[bool]:
    """Who is active and was not seen. Who was launched since the reading began is there, roster or not."""
    return and_(
        _is_active(reading),
        or_(Enrolment.reading_id.is_(None), Enrolment.reading_id < reading.id),
        or_(Enrolment.launched_at.is_(None), Enrolment.launched_at < reading.started_at),
    )


def _was_known(reading: RosterReading) -> ColumnElement[bool]:
    was_listed = func.coalesce(Enrolment.joined_reading_id, 0) <= _last_complete(reading)
    return and_(_is_active(reading), or_(was_listed, Enrolment.launched_at < reading.started_at))


def _has_joined(reading: RosterReading) -> ColumnElement[bool]:
    """Who was seen for the first time, or again, since the last complete reading; perhaps by one that failed."""
    return and_(_is_active(reading), Enrolment.joined_reading_id > _last_complete(reading))


def _last_complete(reading: RosterReading) -> ColumnElement[int]:
    earlier = select(func.coalesce(func.max(RosterReading.id), 0)).where(
        RosterReading.course_id == reading.course_id,
        RosterReading.id < reading.id,
        RosterReading.state == ReadingState.COMPLETE.value,
    )
    return earlier.scalar_subquery()


def _complete(
    session: Session, reading: RosterReading, *, actor_id: int | None, leaving: ColumnElement[bool]
) -> None:
    now = clock.wall()
    left = list(
        session.scalars(
            update(Enrolment)
            .where(leaving)
            .values(left_at=now)
            .returning(Enrolment.person_id)
            .execution_options(synchronize_session=False)
        )
    )
    groups.forget_departed(session, reading.course_id)
    joined = list(session.scalars(select(Enrolment.person_id).where(_has_joined(reading))))
    course = session.get_one(Course, reading.course_id)
    is_first = course.roster_read_at is None
    reading.state = ReadingState.COMPLETE
    reading.leaving = len(left)
    reading.problem = None
    reading.leased_until = None
    reading.finished_at = reading.finished_at or now
    course.roster_read_at = reading.finished_at
    session.flush()
    if left or joined:
        audit.record(
            session,
            "roster.changed",
            "roster_reading",
            reading.id,
            course_id=course.id,
            actor_id=actor_id,
            after={"joined": len(joined) if is_first else joined, "left": left},
        )
    _tell(session, course.id)


def _tell(session: Session, course_id: int) -> None:
    """Let other rooms follow. Where one fails, the reading stands, and the next one tells them again."""
    try:
        with session.begin_nested():
            roster_read.send(course_id, session=session)
    except Exception:
        log.exception("the roster was read, but not followed", course=course_id)
