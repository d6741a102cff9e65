"""Tables of micro-assignments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base
from lti_tool.meetings.tables import Meeting
from lti_tool.roster.tables import Person

LINK_LENGTH = 2000
FILE_NAME_LENGTH = 150


class Assignment(Base):
    """The micro-assignment that follows one session of one cohort; its words are the module's.

    `lapsed_at` says when Peerloop counted it as due for those who had not done it.
    """

    __tablename__ = "assignment"

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), unique=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    lapsed_at: Mapped[datetime | None]

    meeting: Mapped[Meeting] = relationship(lazy="raise_on_sql")


class Extension(Base):
    """More time for one person. `lapsed_at`, as for the assignment, once it has counted as due for them."""

    __tablename__ = "assignment_extension"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    lapsed_at: Mapped[datetime | None]


class Draft(Base):
    """What one person has typed and not handed in. `tab` is the open page that wrote it last; each time raises
    `version`.
    """

    __tablename__ = "assignment_draft"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    fields: Mapped[dict[str, str]] = mapped_column(JSON)
    tab: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    saved_at: Mapped[datetime]


class Submission(Base):
    """What was handed in, by whom the last time, and who confirmed it. For whom it counts the credits say.

    `drawn` says, once a partner has confirmed it, whether a facilitator is to look at it, `looked_at` when one did;
    `sent_back` is what is missing, until it is changed. Of a file the row holds its name, and the key under which it
    lies (see `files`).
    """

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("assignment_id", "person_id"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by_id IS NULL)", name="confirmed"),
        CheckConstraint("confirmed_by_id <> person_id", name="not_by_oneself"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(String(LINK_LENGTH))
    file_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    file_name: Mapped[str | None] = mapped_column(String(FILE_NAME_LENGTH))
    file_size: Mapped[int | None]
    file_digest: Mapped[str | None] = mapped_column(String(64))
    handed_in_at: Mapped[datetime]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    confirmed_at: Mapped[datetime | None]
    drawn: Mapped[bool | None]
    looked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    looked_at: Mapped[datetime | None]
    sent_back: Mapped[str | None] = mapped_column(Text)

    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    grade: Mapped[Grade | None] = relationship(lazy="raise_on_sql", viewonly=True)
    credits: Mapped[list[Credit]] = relationship(lazy="raise_on_sql", passive_deletes="all")

    @property
    def waits_for_a_look(self) -> bool:
        """Whether it was drawn for a spot check that nobody has made."""
        return bool(self.drawn) and self.confirmed_at is not None and self.looked_at is None


class Grade(Base):
    """What staff gave a hand-in: the level reached in each criterion of the rubric, and a word to the learner."""

    __tablename__ = "submission_grade"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True)
    levels: Mapped[list[int]] = mapped_column(JSON)
    points: Mapped[int]
    comment: Mapped[str | None] = mapped_column(Text)
    graded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    graded_at: Mapped[datetime]


class Credit(Base):
    """For whom a hand-in counts: who handed it in and, where it was done together, the others of the pair as it was
    then.
    """

    __tablename__ = "submission_credit"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"), index=True)
