"""What home pages and lists show of sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import url_for
from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from lti_tool import clock
from lti_tool.cohorts.tables import Cohort, Facilitator, Membership
from lti_tool.meetings.members import enrolment_of_membership, running
from lti_tool.meetings.room import EARLY
from lti_tool.meetings.tables import Attendance, Meeting, Presence, Room
from lti_tool.programs.schedule import Scheduled
from lti_tool.programs.tables import Module, Program
from lti_tool.roster.tables import Enrolment

LONGEST = timedelta(minutes=60)


class Stage(StrEnum):
    """Where a session stands."""

    COMING = "coming"
    RUNNING = "running"
    OVER = "over"  # it waits to be closed
    CLOSED = "closed"


def stage(meeting: Meeting, now: datetime) -> Stage:
    """Where a session stands at `now`."""
    if meeting.closed_at is not None:
        return Stage.CLOSED
    if now < meeting.starts_at:
        return Stage.COMING
    return Stage.RUNNING if now < meeting.ends_at else Stage.OVER


def next_meeting_of(session: Session, person_id: int, program_id: int, now: datetime) -> Meeting | None:
    """A learner's running or next session, with its cohort and module; None after the last."""
    query = (
        _meetings()
        .join(Membership, Membership.cohort_id == Meeting.cohort_id)
        .where(
            Membership.person_id == person_id,
            Membership.program_id == program_id,
            Membership.until.is_(None),
            Meeting.closed_at.is_(None),
            Meeting.starts_at > now - LONGEST,
        )
        .order_by(Meeting.starts_at)
    )
    return next((meeting for meeting in session.scalars(query.limit(2)) if meeting.ends_at > now), None)


def facilitated_meetings(session: Session, person_id: int, course_id: int, now: datetime) -> list[Meeting]:
    """A facilitator's sessions that are not closed, those that wait to be closed first, with cohort and module."""
    query = (
        _meetings()
        .join(Facilitator, Facilitator.cohort_id == Meeting.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(Facilitator.person_id == person_id, Program.course_id == course_id, Meeting.closed_at.is_(None))
    )
    found = session.scalars(query).all()
    return sorted(found, key=lambda meeting: (stage(meeting, now) is not Stage.OVER, meeting.starts_at))


def _meetings() -> Select[Meeting]:
    return (
        select(Meeting)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(takes_place())
        .options(joinedload(Meeting.cohort), joinedload(Meeting.module))
    )


def takes_place() -> ColumnElement[bool]:
    """Whether a session's cohort, which the query joins, had not ended before it began."""
    return or_(Cohort.ended_at.is_(None), Meeting.starts_at < Cohort.ended_at)


@dataclass(frozen=True, slots=True)
class MeetingCount:
    """One session in numbers. `members` are those who were or are expected, the excused included."""

    meeting: Meeting
    counts: Mapping[str, int]
    members: int

    @property
    def attended(self) -> int:
        """How many were there, in time or late."""
        return self.counts.get(Presence.PRESENT, 0) + self.counts.get(Presence.LATE, 0)

    @property
    def expected(self) -> int:
        """How many could have been there."""
        return self.members - self.counts.get(Presence.EXCUSED, 0)


def attendance_overview(session: Session, program_id: int) -> list[MeetingCount]:
    """All sessions of a program with their attendance, by cohort, then by week; in three queries."""
    query = _meetings().join(Module, Module.id == Meeting.module_id).where(Cohort.program_id == program_id)
    meetings = session.scalars(query.order_by(Cohort.position, Module.number)).all()
    counts = _counts(session, program_id)
    members = _members(session, program_id)
    return [
        MeetingCount(
            meeting,
            counts[meeting.id],
            sum(counts[meeting.id].values()) if meeting.closed_at else members.get(meeting.cohort_id, 0),
        )
        for meeting in meetings
    ]


def _counts(session: Session, program_id: int) -> Mapping[int, Mapping[str, int]]:
    query = (
        select(Attendance.meeting_id, Attendance.presence, func.count())
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(Cohort.program_id == program_id)
        .group_by(Attendance.meeting_id, Attendance.presence)
    )
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for meeting_id, presence, number in session.execute(query):
        counts[meeting_id][presence] = number
    return counts


def _members(session: Session, program_id: int) -> Mapping[int, int]:
    query = (
        select(Membership.cohort_id, func.count())
        .join(Program, Program.id == Membership.program_id)
        .join(Enrolment, enrolment_of_membership())
        .where(Membership.program_id == program_id, *running())
        .group_by(Membership.cohort_id)
    )
    return dict(iter(session.execute(query)))


def schedule(session: Session, program_id: int) -> Mapping[int, Sequence[Scheduled]]:
    """The sessions of every cohort by module, for the plan."""
    by_module: dict[int, list[Scheduled]] = defaultdict(list)
    query = _meetings().where(Cohort.program_id == program_id).order_by(Cohort.position)
    for meeting in session.scalars(query):
        by_module[meeting.module_id].append(
            Scheduled(
                cohort=meeting.cohort.name,
                starts_at=meeting.starts_at,
                closed=meeting.closed_at is not None,
                href=url_for("meetings.show", meeting_id=meeting.id),
            )
        )
    return by_module


def held_since(session: Session, program_id: int, since: datetime) -> bool:
    """Whether a session of a program's cohorts, of ended ones too, went on then or could be entered since.

    One that was started or marked counts even if its time was changed then; who excused themselves held nothing.
    """
    begun = or_(
        Meeting.starts_at <= clock.now() + EARLY,
        Meeting.closed_at.is_not(None),
        exists().where(Room.meeting_id == Meeting.id),
        exists().where(Attendance.meeting_id == Meeting.id, Attendance.presence != Presence.EXCUSED),
    )
    query = select(Meeting.id).join(Cohort, Cohort.id == Meeting.cohort_id)
    found = query.where(Cohort.program_id == program_id, Meeting.starts_at > since - LONGEST, begun)
    return session.scalar(found.limit(1)) is not None
