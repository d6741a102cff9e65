"""Tables of the gradebook. A cell holds three things about one person in one column: what is wanted, what
was last sent, what the LMS last showed. Its state is derived from the three (see `states.py`), never stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ColumnElement, Float, ForeignKey, Index, String, UniqueConstraint, or_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base
from lti_tool.gradebook.events import Facts, Problem
from lti_tool.gradebook.states import Decision, Message, Values
from lti_tool.lti.grades import Activity, Grading
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

COMMENT_LENGTH = 255
SHOWN_COMMENT_LENGTH = 1000
PROBLEM_LENGTH = 500


def _differs(distinct: str) -> str:
    fields = ("score", "comment", "activity", "grading")
    parts = [f"wanted_{field} {distinct} sent_{field}" for field in fields]
    return " OR ".join([*parts, "trying_activity IS NOT NULL"])


class Column(Base):
    """Our side of a line item. It is found again in the LMS by (`resource_id`, `tag`).

    `try_at` is when a worker may next work on it, `problem` why the last attempt failed. `line_item_lost`: the
    LMS no longer knows `line_item_url`. `expected_until`: an answer to a deep linking request carried the column,
    so until then the LMS may still be making it (see `promises.py`). `ends_at` is the program's end by the
    program's clock; `finished_at` says when its last recount was made.
    """

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
    line_item_lost: Mapped[bool] = mapped_column(default=False)
    expected_until: Mapped[datetime | None]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(String(PROBLEM_LENGTH))
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime] = mapped_column(index=True)
    # Reading back: asked for at `read_wanted_at`, if it is not empty; `read_at` is when the last one ended.
    read_wanted_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]

    program: Mapped[Program] = relationship(lazy="raise_on_sql")


class Cell(Base):
    """One person in one column. Scores are in the column's own points (0…maximum; empty: no score).

    `try_at` is when a worker may next try to close a difference; empty: not by itself (held by a person's
    grade, or refused for good). `trying_*` is what a worker may have sent without having noted the answer:
    whoever reads the LMS afterwards must know that value for ours. `sent_at` is when an answer was noted, by
    our clock; `sent_timestamp` is what the LMS was told, which only ever rises. `shown_*` is from the last
    reading since then, asked at `shown_at`. `shown_by` is the LMS's id of who set it, where it says so.
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
            sqlite_where=text(_differs("IS NOT")),
            postgresql_where=text(_differs("IS DISTINCT FROM")),
        ),
        # Few cells have one, and an administrator looks it up.
        Index(
            "ix_gradebook_cell_problem_reference",
            "problem_reference",
            sqlite_where=text("problem_reference IS NOT NULL"),
            postgresql_where=text("problem_reference IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("gradebook_column.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)

    wanted_score: Mapped[float | None] = mapped_column(Float)
    wanted_comment: Mapped[str | None] = mapped_column(String(COMMENT_LENGTH))
    wanted_activity: Mapped[str] = mapped_column(String(20))
    wanted_grading: Mapped[str] = mapped_column(String(20))
    wanted_at: Mapped[datetime]

    trying_score: Mapped[float | None] = mapped_column(Float)
    trying_comment: Mapped[str | None] = mapped_column(String(COMMENT_LENGTH))
    trying_activity: Mapped[str | None] = mapped_column(String(20))
    trying_grading: Mapped[str | None] = mapped_column(String(20))
    trying_timestamp: Mapped[datetime | None]

    sent_score: Mapped[float | None] = mapped_column(Float)
    sent_comment: Mapped[str | None] = mapped_column(String(COMMENT_LENGTH))
    sent_activity: Mapped[str | None] = mapped_column(String(20))
    sent_grading: Mapped[str | None] = mapped_column(String(20))
    sent_timestamp: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]

    shown_score: Mapped[float | None] = mapped_column(Float)
    shown_comment: Mapped[str | None] = mapped_column(String(SHOWN_COMMENT_LENGTH))
    shown_by: Mapped[str | None] = mapped_column(String(255))
    shown_at: Mapped[datetime | None]

    decision: Mapped[str | None] = mapped_column(String(10))
    decided_on_score: Mapped[float | None] = mapped_column(Float)

    problem_code: Mapped[str | None] = mapped_column(String(40))
    problem: Mapped[str | None] = mapped_column(String(PROBLEM_LENGTH))
    problem_reference: Mapped[str | None] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]

    column: Mapped[Column] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")

    @property
    def facts(self) -> Facts:
        """All that is kept of it."""
        wanted = message(self, "wanted")
        if wanted is None:
            raise ValueError(f"cell {self.id} wants nothing")
        return Facts(
            wanted=wanted,
            trying=message(self, "trying"),
            trying_timestamp=self.trying_timestamp,
            sent=message(self, "sent"),
            sent_timestamp=self.sent_timestamp,
            sent_at=self.sent_at,
            shown=self.shown_score,
            shown_comment=self.shown_comment,
            shown_by=self.shown_by,
            shown_at=self.shown_at,
            decision=Decision(self.decision) if self.decision else None,
            decided_on=self.decided_on_score,
            problem=_problem(self),
            attempts=self.attempts,
            try_at=self.try_at,
            leased_by=self.leased_by,
            leased_until=self.leased_until,
        )

    @property
    def values(self) -> Values:
        """What the rules about a cell look at."""
        return self.facts.values

    def become(self, facts: Facts) -> None:
        """Store what follows from a step; what changed is written with the session."""
        for name, value in stored(facts).items():
            if getattr(self, name) != value:
                setattr(self, name, value)


def _problem(cell: Cell) -> Problem | None:
    if cell.problem is None and cell.problem_code is None:
        return None
    return Problem(cell.problem or "", cell.problem_code, cell.problem_reference)


def stored(facts: Facts) -> dict[str, object]:
    """The fields of a cell that hold `facts`."""
    problem = facts.problem
    return {
        **fields("wanted", facts.wanted),
        **fields("trying", facts.trying),
        **fields("sent", facts.sent),
        "trying_timestamp": facts.trying_timestamp,
        "sent_timestamp": facts.sent_timestamp,
        "sent_at": facts.sent_at,
        "shown_score": facts.shown,
        "shown_comment": facts.shown_comment,
        "shown_by": facts.shown_by,
        "shown_at": facts.shown_at,
        "decision": facts.decision.value if facts.decision else None,
        "decided_on_score": facts.decided_on,
        "problem_code": problem.code if problem else None,
        "problem": problem.text if problem else None,
        "problem_reference": problem.reference if problem else None,
        "attempts": facts.attempts,
        "try_at": facts.try_at,
        "leased_by": facts.leased_by,
        "leased_until": facts.leased_until,
    }


Part = Literal["wanted", "trying", "sent"]


def message(cell: Cell, part: Part) -> Message | None:
    """One of a cell's messages; None where there is none."""
    activity = getattr(cell, f"{part}_activity")
    if activity is None:
        return None
    return Message(
        score=getattr(cell, f"{part}_score"),
        comment=getattr(cell, f"{part}_comment"),
        activity=Activity(activity),
        grading=Grading(getattr(cell, f"{part}_grading")),
    )


def fields(part: Part, message: Message | None) -> dict[str, object]:
    """The other way: the fields that hold `message`."""
    return {
        f"{part}_score": message.score if message else None,
        f"{part}_comment": message.comment if message else None,
        f"{part}_activity": message.activity.value if message else None,
        f"{part}_grading": message.grading.value if message else None,
    }


def differs() -> ColumnElement[bool]:
    """Cells whose last sent message is not the wanted one, or may not be; the words of the partial index."""
    return or_(
        Cell.wanted_score.is_distinct_from(Cell.sent_score),
        Cell.wanted_comment.is_distinct_from(Cell.sent_comment),
        Cell.wanted_activity.is_distinct_from(Cell.sent_activity),
        Cell.wanted_grading.is_distinct_from(Cell.sent_grading),
        Cell.trying_activity.is_not(None),
    )
