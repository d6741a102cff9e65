"""Tables of peer feedback: until when it is asked for, what was given, and what only a facilitator reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base
from lti_tool.meetings.tables import Meeting
from lti_tool.roster.tables import Person


class FeedbackRound(Base):
    """Until when the partners of a session are asked about each other.

    `lapsed_at` says when Peerloop wrote down who had not given any by then: from then on it is no longer asked who
    practised with whom.
    """

    __tablename__ = "feedback_round"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    lapsed_at: Mapped[datetime | None]


class PeerFeedback(Base):
    """What one person of a session said about another, or has been asked for by staff, or did not say in time.

    `answers` holds the questions as they were asked with the words that were chosen, so that changing a question
    rewrites nothing. A stand-in was found by staff for a partner who gave none. `counts` is what a facilitator
    decided of feedback that its receiver did not find helpful; until then it counts.
    """

    __tablename__ = "peer_feedback"
    __table_args__ = (
        UniqueConstraint("meeting_id", "giver_id", "receiver_id"),
        CheckConstraint("giver_id <> receiver_id", name="not_to_oneself"),
        CheckConstraint("(given_at IS NULL) = (text IS NULL)", name="given"),
        CheckConstraint("given_at IS NULL OR declined_at IS NULL", name="declined"),
        CheckConstraint("helpful IS NULL OR given_at IS NOT NULL", name="judged"),
        CheckConstraint("(counts IS NULL) = (decided_by_id IS NULL)", name="decided"),
        CheckConstraint("decided_by_id <> giver_id AND decided_by_id <> receiver_id", name="decided_by_another"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    giver_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    receiver_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    due_at: Mapped[datetime]
    stand_in: Mapped[bool] = mapped_column(default=False)
    declined_at: Mapped[datetime | None]
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    text: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime | None]
    helpful: Mapped[bool | None]
    reason: Mapped[str | None] = mapped_column(Text)
    counts: Mapped[bool | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)

    meeting: Mapped[Meeting] = relationship(lazy="raise_on_sql")
    giver: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[giver_id])
    receiver: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[receiver_id])

    @property
    def in_time(self) -> bool:
        """Whether it was given before the time was over."""
        return self.given_at is not None and self.given_at < self.due_at

    def is_awaited(self, now: datetime) -> bool:
        """Whether a stand-in has been asked, and has time to say something."""
        return self.stand_in and self.given_at is None and self.declined_at is None and now < self.due_at

    @property
    def waits_for_decision(self) -> bool:
        """Whether its receiver did not find it helpful, and no facilitator has looked at it since."""
        return self.helpful is False and self.counts is None


class FeedbackConcern(Base):
    """What somebody tells the facilitators about a partner. Nobody else reads it, the partner least of all."""

    __tablename__ = "feedback_concern"
    __table_args__ = (
        UniqueConstraint("meeting_id", "writer_id", "about_id"),
        CheckConstraint("writer_id <> about_id", name="about_another"),
        CheckConstraint("(taken_up_at IS NULL) = (taken_up_by_id IS NULL)", name="taken_up"),
        CheckConstraint("taken_up_by_id <> about_id", name="not_by_whom_it_is_about"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    writer_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    about_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    taken_up_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    taken_up_at: Mapped[datetime | None]

    meeting: Mapped[Meeting] = relationship(lazy="raise_on_sql")
    writer: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[writer_id])
    about: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[about_id])
