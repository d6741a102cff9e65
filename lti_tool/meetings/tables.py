"""Tables of peer sessions: when a cohort meets, who was there, who worked with whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.cohorts.tables import Cohort
from lti_tool.database import Base
from lti_tool.programs.tables import Module
from lti_tool.roster.tables import Person


class Meeting(Base):
    """One session of one cohort on one module. It counts once it is closed.

    Whatever changes what somebody sees in its room raises `version` in the same transaction.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        UniqueConstraint("cohort_id", "module_id"),
        CheckConstraint("minutes BETWEEN 45 AND 60", name="minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    minutes: Mapped[int]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)

    cohort: Mapped[Cohort] = relationship(lazy="raise_on_sql")
    module: Mapped[Module] = relationship(lazy="raise_on_sql")

    @property
    def ends_at(self) -> datetime:
        """When it ends by the plan."""
        return self.starts_at + timedelta(minutes=self.minutes)


class Room(Base):
    """A session that has been started: its script as it is played (see `script.Part`).

    `paired`: the pairs are those of the people who are here, and follow them until the practice is over.
    """

    __tablename__ = "meeting_room"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), primary_key=True)
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    paired: Mapped[bool] = mapped_column(default=False)


class Presence(StrEnum):
    """How somebody took part. Who came late or left early attended; excused is not held against anybody."""

    PRESENT = "present"
    LATE = "late"
    LEFT = "left"
    EXCUSED = "excused"
    ABSENT = "absent"


HERE = (Presence.PRESENT, Presence.LATE)
ATTENDED = (*HERE, Presence.LEFT)


class Attendance(Base):
    """One person at one session, as last marked. Earlier marks are in the audit."""

    __tablename__ = "attendance"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        CheckConstraint("presence IN ('present','late','left','excused','absent')", name="presence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    presence: Mapped[str] = mapped_column(String(20))
    marked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    marked_at: Mapped[datetime]


class PairSeat(Base):
    """One person's place in a session. People with the same `number` work together; one may be alone.

    Until the session begins these are the planned pairs of all members, then those of who is there.
    """

    __tablename__ = "pair_seat"
    __table_args__ = (UniqueConstraint("meeting_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    number: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class PairWish(Base):
    """With whom people of a program should rather practise: names of attributes, empty where it does not matter.

    `different`: with somebody who has another value of it; `far_apart`: the experienced with the new.
    """

    __tablename__ = "pair_wish"

    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"), primary_key=True)
    different: Mapped[str | None] = mapped_column(String(60))
    far_apart: Mapped[str | None] = mapped_column(String(60))
