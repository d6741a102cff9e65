"""All the feedback of one session, and who may see which of it at this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lti_tool.cohorts.tables import Cohort
from lti_tool.feedback.asking import Duo, duos
from lti_tool.feedback.tables import FeedbackRound, PeerFeedback
from lti_tool.meetings.tables import Meeting


@dataclass(frozen=True, slots=True)
class Exchange:
    """`rows` by who says it and about whom; `partners` are those who really practised, both ways round."""

    rows: Mapping[Duo, PeerFeedback]
    partners: Sequence[Duo]
    due_at: datetime
    now: datetime

    @property
    def is_over(self) -> bool:
        """Whether the time to give it is over."""
        return self.now >= self.due_at

    def is_shown(self, row: PeerFeedback) -> bool:
        """Whether anybody but its writer sees it: both have given, or the time is over. A stand-in is not awaited."""
        back = self.rows.get((row.receiver_id, row.giver_id))
        both = back is not None and back.given_at is not None
        return row.given_at is not None and (both or row.stand_in or self.is_over)

    def shown_to(self, person_id: int) -> list[PeerFeedback]:
        """What somebody has received and sees, the first first."""
        rows = [row for row in self.rows.values() if row.receiver_id == person_id and self.is_shown(row)]
        return sorted(rows, key=lambda row: (row.given_at or row.due_at, row.id))

    def asked(self, person_id: int) -> list[int]:
        """The ids of those whom somebody is asked about, or has said something about."""
        partners = [receiver for giver, receiver in self.partners if giver == person_id]
        more = [
            row.receiver_id
            for row in self.rows.values()
            if row.giver_id == person_id and (row.given_at or (row.stand_in and not row.declined_at))
        ]
        return sorted({*partners, *more})

    @property
    def open(self) -> list[Duo]:
        """Who has said nothing yet, and about whom."""
        return [duo for duo in self.partners if (row := self.rows.get(duo)) is None or row.given_at is None]


def of_meeting(session: Session, meeting: Meeting, now: datetime) -> Exchange | None:
    """Everything of a session; None where none is asked for: it was closed before there were questions."""
    row = session.get(FeedbackRound, meeting.id)
    if row is None:
        return None
    found = session.scalars(
        select(PeerFeedback)
        .where(PeerFeedback.meeting_id == meeting.id)
        .options(joinedload(PeerFeedback.giver), joinedload(PeerFeedback.receiver))
        .execution_options(populate_existing=True)
    )
    rows = {(given.giver_id, given.receiver_id): given for given in found}
    return Exchange(rows, duos(session, meeting.id), row.due_at, now)


def to_judge(session: Session, person_id: int, program_id: int, now: datetime) -> list[PeerFeedback]:
    """What somebody sees of what was said about them, and has not said yet whether it helped; the newest first."""
    received = session.execute(
        select(PeerFeedback, FeedbackRound.due_at)
        .join(Meeting, Meeting.id == PeerFeedback.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(FeedbackRound, FeedbackRound.meeting_id == PeerFeedback.meeting_id)
        .where(
            PeerFeedback.receiver_id == person_id,
            PeerFeedback.given_at.is_not(None),
            PeerFeedback.helpful.is_(None),
            Cohort.program_id == program_id,
        )
        .options(joinedload(PeerFeedback.giver))
        .order_by(PeerFeedback.given_at.desc())
    ).all()
    back = select(PeerFeedback.meeting_id, PeerFeedback.receiver_id).where(
        PeerFeedback.giver_id == person_id, PeerFeedback.given_at.is_not(None)
    )
    gave = {(meeting_id, receiver) for meeting_id, receiver in session.execute(back)}
    return [
        row for row, due_at in received if row.stand_in or now >= due_at or (row.meeting_id, row.giver_id) in gave
    ]
