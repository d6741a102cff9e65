"""Until when partners are asked about each other, and what is written down when the time is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from lti_tool import audit, clock
from lti_tool.cohorts.tables import Cohort
from lti_tool.database import transaction
from lti_tool.feedback import asking
from lti_tool.feedback.tables import FeedbackRound, PeerFeedback
from lti_tool.gradebook import progress
from lti_tool.meetings.rows import lock, program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program

LEAST_DAYS, MOST_DAYS = 1, 6
A_DAY = timedelta(days=1)


def plan_rounds(program: Program, *, session: Session, meetings: Sequence[Meeting]) -> None:
    """Ask for feedback after each newly planned session. (A signal's handler.)"""
    days = timedelta(days=program.feedback_days)
    session.add_all(
        FeedbackRound(meeting_id=meeting.id, due_at=meeting.starts_at + days)
        for meeting in meetings
        if meeting.closed_at is None
    )
    _settle(session, program, Meeting.cohort_id.in_({meeting.cohort_id for meeting in meetings}))


def follow_move(program: Program, *, session: Session, meeting: Meeting) -> None:
    """Let the times of a cohort follow a session that was moved. (A signal's handler.)"""
    _settle(session, program, Meeting.cohort_id == meeting.cohort_id)


def allow_a_day(program: Program, *, session: Session, meeting: Meeting) -> None:
    """A session that is closed so late that nobody could give feedback is given a day. (A signal's handler.)"""
    del program
    row = session.get(FeedbackRound, meeting.id, populate_existing=True)
    given = exists().where(PeerFeedback.meeting_id == meeting.id, PeerFeedback.given_at.is_not(None))
    if row is not None and row.lapsed_at is None and not session.scalar(select(given)):
        row.due_at = max(row.due_at, clock.now() + A_DAY)


def choose_days(session: Session, program: Program, days: int, actor_id: int) -> None:
    """Give people so many days after a session; what is over stays over."""
    before, program.feedback_days = program.feedback_days, days
    if before == days:
        return
    audit.record(
        session,
        "time for feedback chosen",
        "program",
        program.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before={"days": before},
        after={"days": days},
    )
    _settle(session, program)


def _settle(session: Session, program: Program, *which: ColumnElement[bool]) -> None:
    """The program's days after each session, at the latest when the cohort's next one begins.

    What people see of each other once the time is over is never hidden again; and while they are being asked nobody's
    time is cut to less than a day.
    """
    session.flush()
    now, later = clock.now(), aliased(Meeting)
    following = select(func.min(later.starts_at)).where(
        later.cohort_id == Meeting.cohort_id, later.starts_at > Meeting.starts_at
    )
    rows = session.execute(
        select(FeedbackRound, Meeting.starts_at, following.correlate(Meeting).scalar_subquery())
        .join(Meeting, Meeting.id == FeedbackRound.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(Cohort.program_id == program.id, FeedbackRound.lapsed_at.is_(None), *which)
    )
    for row, starts_at, next_starts_at in rows:
        planned = starts_at + timedelta(days=program.feedback_days)
        planned = min(planned, next_starts_at) if next_starts_at else planned
        if starts_at > now:
            row.due_at = planned
        elif row.due_at > now:
            row.due_at = max(planned, min(row.due_at, now + A_DAY))


def lapse_next() -> bool:
    """Job: after one closed session whose time is over, write down who has given no feedback."""
    with transaction() as session:
        now = clock.now()
        over = (
            select(FeedbackRound.meeting_id)
            .join(Meeting, Meeting.id == FeedbackRound.meeting_id)
            .where(FeedbackRound.lapsed_at.is_(None), FeedbackRound.due_at <= now, Meeting.closed_at.is_not(None))
        )
        found = session.scalar(over.order_by(FeedbackRound.due_at, FeedbackRound.meeting_id).limit(1))
        if found is None:
            return False
        meeting = session.get_one(Meeting, found)
        lock(session, meeting)
        row = session.scalar(  # as it is now that nobody else changes it
            select(FeedbackRound)
            .where(FeedbackRound.meeting_id == found, FeedbackRound.meeting_id.in_(over))
            .execution_options(populate_existing=True)
        )
        if row is not None:
            _lapse(session, meeting, row, now)
        return True


def _lapse(session: Session, meeting: Meeting, row: FeedbackRound, now: datetime) -> None:
    row.lapsed_at = now
    known = {
        (given.giver_id, given.receiver_id)
        for given in session.scalars(select(PeerFeedback).where(PeerFeedback.meeting_id == meeting.id))
    }
    duos = asking.duos(session, meeting.id)
    session.add_all(_missed(meeting, row, (duo for duo in duos if duo not in known)))
    meeting.version += 1
    session.flush()
    people = {person_id for duo in duos for person_id in duo}
    progress.changed(session, program_of_meeting(session, meeting).id, people)


def _missed(meeting: Meeting, row: FeedbackRound, duos: Iterable[tuple[int, int]]) -> list[PeerFeedback]:
    return [
        PeerFeedback(meeting_id=meeting.id, giver_id=giver, receiver_id=receiver, due_at=row.due_at)
        for giver, receiver in duos
    ]
