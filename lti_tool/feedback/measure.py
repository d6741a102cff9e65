"""Feedback given, as the gradebook counts it: never what somebody was told, only whether they told it usefully."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from lti_tool.cohorts.tables import Cohort
from lti_tool.feedback.asking import practised
from lti_tool.feedback.tables import FeedbackConcern, FeedbackRound, PeerFeedback
from lti_tool.gradebook.progress import Measure, Progress, whole_program
from lti_tool.meetings.measure import coming_weeks
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting
from lti_tool.programs.tables import Module


@dataclass(frozen=True, slots=True)
class _Asked:
    """About one partner: whether something useful was said in time, and whether the time is over."""

    useful: bool
    over: bool


def by_week(
    session: Session, program_id: int, person_ids: Sequence[int], _now: datetime
) -> Mapping[int, Mapping[int, Progress]]:
    """A week is done when everybody with whom a person practised has got feedback that counts; it is due then, or
    when the time is over. Who practised with nobody has nothing to do in that week. Standing in for others counts
    nothing.
    """
    asked: dict[int, dict[int, list[_Asked]]] = defaultdict(lambda: defaultdict(list))
    for person_id, week, one in (
        *_said(session, program_id, person_ids),
        *_unsaid(session, program_id, person_ids),
    ):
        asked[person_id][week].append(one)
    coming = coming_weeks(session, program_id, person_ids)
    return {
        person_id: {
            **dict.fromkeys(weeks, Progress(done=0, due=0, total=1)),
            **{week: _progress(of_week) for week, of_week in asked[person_id].items()},
        }
        for person_id, weeks in coming.items()
    }


def _progress(asked: Sequence[_Asked]) -> Progress:
    done = all(one.useful for one in asked)
    return Progress(done=int(done), due=int(done or any(one.over for one in asked)), total=1)


def _said(session: Session, program_id: int, person_ids: Sequence[int]) -> Iterator[tuple[int, int, _Asked]]:
    """What partners have said, and what they had not said when the time was over.

    That is held against nobody of whom, by the marks, one was not there, nor against who has told the facilitators a
    concern about the other.
    """
    came, too = aliased(Attendance), aliased(Attendance)
    query = (
        select(PeerFeedback, Module.number, FeedbackRound.lapsed_at, came.presence, too.presence, FeedbackConcern.id)
        .join(Meeting, Meeting.id == PeerFeedback.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(FeedbackRound, FeedbackRound.meeting_id == Meeting.id)
        .outerjoin(came, and_(came.meeting_id == Meeting.id, came.person_id == PeerFeedback.giver_id))
        .outerjoin(too, and_(too.meeting_id == Meeting.id, too.person_id == PeerFeedback.receiver_id))
        .outerjoin(
            FeedbackConcern,
            and_(
                FeedbackConcern.meeting_id == Meeting.id,
                FeedbackConcern.writer_id == PeerFeedback.giver_id,
                FeedbackConcern.about_id == PeerFeedback.receiver_id,
            ),
        )
        .where(Module.program_id == program_id, PeerFeedback.giver_id.in_(person_ids), ~PeerFeedback.stand_in)
    )
    for row, week, lapsed_at, own, other, concern in session.execute(query):
        useful = row.in_time and row.counts is not False
        excused = concern is not None or own not in ATTENDED or other not in ATTENDED
        if useful or not excused:
            yield row.giver_id, week, _Asked(useful, over=lapsed_at is not None or row.counts is False)


def _unsaid(session: Session, program_id: int, person_ids: Sequence[int]) -> Iterator[tuple[int, int, _Asked]]:
    """About whom people are asked and have said nothing yet, while there is time."""
    pairs = practised().subquery()
    query = (
        select(pairs.c.giver_id, Module.number)
        .join(Meeting, Meeting.id == pairs.c.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(FeedbackRound, FeedbackRound.meeting_id == Meeting.id)
        .outerjoin(
            PeerFeedback,
            and_(
                PeerFeedback.meeting_id == Meeting.id,
                PeerFeedback.giver_id == pairs.c.giver_id,
                PeerFeedback.receiver_id == pairs.c.receiver_id,
            ),
        )
        .outerjoin(
            FeedbackConcern,
            and_(
                FeedbackConcern.meeting_id == Meeting.id,
                FeedbackConcern.writer_id == pairs.c.giver_id,
                FeedbackConcern.about_id == pairs.c.receiver_id,
            ),
        )
        .where(
            Cohort.program_id == program_id,
            pairs.c.giver_id.in_(person_ids),
            FeedbackRound.lapsed_at.is_(None),
            PeerFeedback.id.is_(None),
            FeedbackConcern.id.is_(None),
        )
    )
    for person_id, week in session.execute(query):
        yield person_id, week, _Asked(useful=False, over=False)


count = whole_program(by_week)
FEEDBACK = Measure(
    "feedback", lazy_gettext("Peer feedback given"), lazy_gettext("rounds of feedback"), count, by_week
)
