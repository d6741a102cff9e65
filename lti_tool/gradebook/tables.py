"""Tables of the gradebook. A cell holds three things about one person in one column: what is wanted, what
was last sent, what the LMS last showed. Its state is derived from the three (see `states.py`), never stored.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person


def _differs(distinct: str) -> str:
    fields = ("score", "comment", "activity", "grading")
    return " OR ".join(f"wanted_{field} {distinct} sent_{field}" for field in fields)


DIFFERS_SQLITE = _differs("IS NOT")
DIFFERS_POSTGRESQL = _differs("IS DISTINCT FROM")


class Column(Base):
    """Our side of a line item. It is found again in the LMS by (`resource_id`, `tag`)."""

    __tablename__ = "gradebook_column"
    __table_args__ = (
        UniqueConstraint("program_id", "measure"),
        CheckConstraint("maximum > 0", name="maximum"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    measure: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(200))
    maximum: Mapped[float] = mapped_column(Float)
    resource_id: Mapped[str] = mapped_column(String(255))
    tag: Mapped[str] = mapped_column(String(255))
    line_item_url: Mapped[str | None] = mapped_column(String(2000))
    problem: Mapped[str | None] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime]
    # Reading back: asked for when `read_wanted_at` is after `read_at`; the interval is the job's.
    read_wanted_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]

    program: Mapped[Program] = relationship(lazy="raise_on_sql")


class Decision(StrEnum):
    """What an instructor said about a grade that a person set in the LMS."""

    KEEP = "keep"
    SEND = "send"


class Cell(Base):
    """One person in one column. Scores are in the column's own points (0…maximum; empty: no score).

    `try_at` is when a worker may next try to close a difference; empty: not by itself (held by a person's
    grade, or refused for good). `trying_*` is what a worker may have sent without having noted the answer:
    whoever reads the LMS afterwards must know that value for ours.
    """

    __tablename__ = "gradebook_cell"
    __table_args__ = (
        UniqueConstraint("column_id", "person_id"),
        CheckConstraint("decision IN ('keep','send')", name="decision"),
        # Finding what differs must not cost more when millions of cells agree.
        Index(
            "ix_gradebook_cell_differing",
            "column_id",
            "try_at",
            sqlite_where=text(DIFFERS_SQLITE),
            postgresql_where=text(DIFFERS_POSTGRESQL),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("gradebook_column.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)

    wanted_score: Mapped[float | None] = mapped_column(Float)
    wanted_comment: Mapped[str | None] = mapped_column(String(255))
    wanted_activity: Mapped[str] = mapped_column(String(20))
    wanted_grading: Mapped[str] = mapped_column(String(20))
    wanted_at: Mapped[datetime]

    trying_score: Mapped[float | None] = mapped_column(Float)
    trying_timestamp: Mapped[datetime | None]

    sent_score: Mapped[float | None] = mapped_column(Float)
    sent_comment: Mapped[str | None] = mapped_column(String(255))
    sent_activity: Mapped[str | None] = mapped_column(String(20))
    sent_grading: Mapped[str | None] = mapped_column(String(20))
    sent_timestamp: Mapped[datetime | None]

    shown_score: Mapped[float | None] = mapped_column(Float)
    shown_comment: Mapped[str | None] = mapped_column(String(1000))
    shown_at: Mapped[datetime | None]

    decision: Mapped[str | None] = mapped_column(String(10))
    decided_on_score: Mapped[float | None] = mapped_column(Float)

    problem_code: Mapped[str | None] = mapped_column(String(40))
    problem: Mapped[str | None] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]

    column: Mapped[Column] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
