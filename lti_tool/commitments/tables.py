"""Table of commitments: what people of a session will do until the next one, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base
from lti_tool.meetings.tables import Meeting
from lti_tool.roster.tables import Person


class Outcome(StrEnum):
    """What somebody says became of their commitment."""

    KEPT = "kept"
    PARTLY = "partly"
    NOT_YET = "not_yet"


DONE = (Outcome.KEPT, Outcome.PARTLY)


class Commitment(Base):
    """What one person took on in a session: the words, by when, who is to see it, and how it went.

    Without a witness (somebody practised alone) the facilitator is it.
    """

    __tablename__ = "commitment"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        CheckConstraint("outcome IN ('kept','partly','not_yet')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (answered_at IS NULL)", name="answered"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by_id IS NULL)", name="confirmed"),
        CheckConstraint("confirmed_at IS NULL OR outcome IN ('kept','partly')", name="confirms_a_deed"),
        CheckConstraint("witness_id <> person_id", name="witness"),
        CheckConstraint("confirmed_by_id <> person_id", name="not_by_oneself"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime]
    witness_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(String(10))
    hindrance: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    confirmed_at: Mapped[datetime | None]

    meeting: Mapped[Meeting] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    witness: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[witness_id])

    @property
    def waits_for_witness(self) -> bool:
        """Whether something was done that nobody has confirmed."""
        return self.outcome in DONE and self.confirmed_at is None
