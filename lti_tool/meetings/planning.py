"""When cohorts meet: eight sessions week by week when they are published, and moving one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from flask_babel import format_datetime
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.cohorts.tables import Cohort
from lti_tool.gradebook import progress
from lti_tool.meetings import pairs, room
from lti_tool.meetings.rows import lock, program_of_meeting
from lti_tool.meetings.signals import meeting_moved, meetings_planned
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.schedule import WeeklyHour, local_time, session_start
from lti_tool.programs.tables import Module, Program

FARTHEST = timedelta(days=2 * 366)


def plan_meetings(program: Program, *, session: Session, cohorts: Sequence[Cohort]) -> None:
    """Give each newly published cohort its sessions, and its pairs for when everybody comes.

    A program may have begun before: what was over by then was nobody's here, and waits for nobody.
    """
    modules = session.scalars(select(Module).where(Module.program_id == program.id).order_by(Module.number)).all()
    meetings = [
        Meeting(
            cohort_id=cohort.id,
            module_id=module.id,
            starts_at=session_start(program, module.number, cohort.hour),
            minutes=program.session_minutes,
        )
        for cohort in cohorts
        for module in modules
    ]
    published = {cohort.id: cohort.published_at for cohort in cohorts}
    for meeting in meetings:
        if meeting.ends_at <= published[meeting.cohort_id]:
            meeting.closed_at = published[meeting.cohort_id]
    session.add_all(meetings)
    session.flush()
    for cohort in cohorts:
        pairs.plan(session, cohort.id)
    meetings_planned.send(program, session=session, meetings=meetings)


def follow_hour(
    program: Program, *, session: Session, cohort: Cohort, before: WeeklyHour | None, actor_id: int | None
) -> None:
    """Move a cohort's sessions to come from the hour `before` to its own.

    What was begun or is over stays as it was, so does a session that somebody moved to another time, and one whose
    new time is past already. Raises FormError where one that stays leaves another no room.
    """
    now = clock.now()
    query = select(Meeting, Module.number).join(Module).where(Meeting.cohort_id == cohort.id)
    for meeting, number in session.execute(query.order_by(Module.number)).all():
        starts_at = session_start(program, number, cohort.hour)
        waits = meeting.closed_at is None and not room.is_open(meeting, now)
        if waits and starts_at > now and meeting.starts_at == session_start(program, number, before):
            reschedule(session, meeting, starts_at, meeting.minutes, actor_id)


def read_time(values: Mapping[str, str], zone: str, now: datetime) -> tuple[datetime, int]:
    """Start and minutes from the fields `day`, `at` and `minutes`, read in `zone`. Raises FormError."""
    today = now.astimezone(UTC).date()
    reader = Reader(values)
    day = reader.day("day", today - FARTHEST, today + FARTHEST)
    at = reader.time_of_day("at")
    minutes = reader.minutes("minutes")
    reader.check()
    return local_time(day, at, zone), minutes


def reschedule(session: Session, meeting: Meeting, starts_at: datetime, minutes: int, actor_id: int | None) -> None:
    """Move a session within the room between the previous and the next one. Raises FormError."""
    # Two neighbours that move at once must see each other.
    session.execute(select(Cohort.id).where(Cohort.id == meeting.cohort_id).with_for_update())
    lock(session, meeting)
    if meeting.closed_at is not None:
        raise FormError({"day": _("This session is closed and can no longer be moved.")})
    if (meeting.starts_at, meeting.minutes) == (starts_at, minutes):
        return
    _check_room(session, meeting, starts_at, minutes)
    before = _told(meeting)
    meeting.starts_at, meeting.minutes = starts_at, minutes
    meeting.version += 1
    session.flush()
    room.move(session, meeting)
    program = program_of_meeting(session, meeting)
    audit.record(
        session,
        "session moved",
        "meeting",
        meeting.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before=before,
        after=_told(meeting),
    )
    meeting_moved.send(program, session=session, meeting=meeting)
    progress.changed(session, program.id, [])  # the program may end later now


def _check_room(session: Session, meeting: Meeting, starts_at: datetime, minutes: int) -> None:
    for other in _neighbours(session, meeting):
        if other is None:
            continue
        if other.starts_at < meeting.starts_at and starts_at < other.ends_at:
            text = _("The previous session ends %(at)s. Choose a time after it.", at=format_datetime(other.ends_at))
            raise FormError({"day": text})
        if other.starts_at > meeting.starts_at and starts_at + timedelta(minutes=minutes) > other.starts_at:
            text = _("The next session begins %(at)s. Choose a time before it.", at=format_datetime(other.starts_at))
            raise FormError({"day": text})


def _neighbours(session: Session, meeting: Meeting) -> tuple[Meeting | None, Meeting | None]:
    cohorts_own = (
        select(Meeting).where(Meeting.cohort_id == meeting.cohort_id).execution_options(populate_existing=True)
    )
    before = cohorts_own.where(Meeting.starts_at < meeting.starts_at).order_by(Meeting.starts_at.desc()).limit(1)
    after = cohorts_own.where(Meeting.starts_at > meeting.starts_at).order_by(Meeting.starts_at).limit(1)
    return session.scalar(before), session.scalar(after)


def _told(meeting: Meeting) -> dict[str, object]:
    return {"starts_at": meeting.starts_at.isoformat(), "minutes": meeting.minutes}
