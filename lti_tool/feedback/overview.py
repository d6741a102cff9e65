"""Feedback of a whole program in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, joinedload

from lti_tool.cohorts.tables import Cohort
from lti_tool.feedback.asking import is_over, practised
from lti_tool.feedback.tables import FeedbackRound, PeerFeedback
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Module


@dataclass(frozen=True, slots=True)
class FeedbackCount:
    """One session: how many were asked about a partner, how many gave what they were asked for."""

    meeting: Meeting
    asked: int
    given: int
    is_due: bool  # the time to give it is over


def of_program(session: Session, program_id: int, now: datetime) -> list[FeedbackCount]:
    """All sessions that are over, by cohort, then by week; in two queries."""
    query = (
        select(Meeting, FeedbackRound.due_at)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(FeedbackRound, FeedbackRound.meeting_id == Meeting.id)
        .where(Cohort.program_id == program_id, Meeting.starts_at <= now)
        .options(joinedload(Meeting.cohort), joinedload(Meeting.module))
        .order_by(Cohort.position, Module.number)
    )
    pairs = practised().subquery()
    counted = session.execute(
        select(pairs.c.meeting_id, func.count(), func.count(PeerFeedback.given_at))
        .select_from(pairs)
        .join(Meeting, Meeting.id == pairs.c.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .outerjoin(
            PeerFeedback,
            and_(
                PeerFeedback.meeting_id == pairs.c.meeting_id,
                PeerFeedback.giver_id == pairs.c.giver_id,
                PeerFeedback.receiver_id == pairs.c.receiver_id,
            ),
        )
        .where(Cohort.program_id == program_id)
        .group_by(pairs.c.meeting_id)
    )
    counts = {meeting_id: (asked, given) for meeting_id, asked, given in counted}
    return [
        FeedbackCount(meeting, *counts.get(meeting.id, (0, 0)), is_due=now >= due_at)
        for meeting, due_at in session.execute(query)
        if is_over(meeting, now)
    ]
