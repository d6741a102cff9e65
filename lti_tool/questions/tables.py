"""Tables of what learners say. Both go with the person, and with the course."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lti_tool.database import Base


class Answers(Base):
    """What a learner of a course says; what is empty was not said. Until `answered_at` it is a draft.

    `languages` are codes, the preferred one first; `free` are hours of a week on the learner's clocks, as
    `week.CELLS` names them. A row may hold nothing but that somebody was reminded, or put it off.
    """

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("course_id", "person_id"),
        CheckConstraint("experience BETWEEN 0 AND 5", name="experience"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    goal: Mapped[str | None] = mapped_column(String(20))
    experience: Mapped[int | None]
    languages: Mapped[list[str]] = mapped_column(JSON)
    zone: Mapped[str | None] = mapped_column(String(64))
    free: Mapped[list[str]] = mapped_column(JSON)
    answered_at: Mapped[datetime | None]
    put_off_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]


class Kind(StrEnum):
    """What somebody wishes about another."""

    WITH = "with"
    AVOID = "avoid"


class LearnerWish(Base):
    """With whom a learner would like to be, or whom they must avoid. Staff alone read it."""

    __tablename__ = "learner_wish"
    __table_args__ = (
        UniqueConstraint("course_id", "person_id", "other_id"),
        CheckConstraint("kind IN ('with','avoid')", name="kind"),
        CheckConstraint("person_id <> other_id", name="other"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
