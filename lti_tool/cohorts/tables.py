"""Tables of cohorts. Membership has a from and an until: what was true then is a query, not a copy."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base, unique_where
from lti_tool.programs.schedule import WeeklyHour
from lti_tool.roster.tables import Person


class Proposal(Base):
    """A draft of cohorts: the rules as the instructor chose them, the problem and the answer as JSON.

    `problem` and `solution` have the shape of the matching room; people's ids are `person.id` as text. A program has
    a few, numbered from 1, to be compared; the chosen one is changed by hand and published. `version` grows with each
    change and choice, so it says which page somebody saw. After publication the chosen one stays: by its rules
    newcomers are placed.
    """

    __tablename__ = "cohort_proposal"
    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        unique_where("uq_cohort_proposal_one_chosen", "program_id", condition="chosen"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    number: Mapped[int]
    chosen: Mapped[bool]
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    problem: Mapped[dict[str, Any]] = mapped_column(JSON)
    solution: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Step(Base):
    """What a proposal was before a change by hand, so that it can be undone."""

    __tablename__ = "cohort_proposal_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("cohort_proposal.id", ondelete="CASCADE"), index=True)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    problem: Mapped[dict[str, Any]] = mapped_column(JSON)
    solution: Mapped[dict[str, Any]] = mapped_column(JSON)


class Search(Base):
    """A search in the background for better cohorts than the proposal had at `version`; it ends with its row.

    `trail` has the seconds and the J of each better answer; `news` counts what a page has to show.
    """

    __tablename__ = "cohort_search"

    proposal_id: Mapped[int] = mapped_column(ForeignKey("cohort_proposal.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int]
    asked_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    stop: Mapped[bool] = mapped_column(default=False)
    news: Mapped[int] = mapped_column(default=0)
    trail: Mapped[list[list[float]]] = mapped_column(JSON)


class Inquiry(Base):
    """What an instructor asked for and a moment did not answer: a worker finds cohorts, or why there are none.

    `version` is that of the proposal that the instructor saw; `solution` is the reason as soon as there is one.
    """

    __tablename__ = "cohort_inquiry"
    __table_args__ = (UniqueConstraint("program_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    seed: Mapped[int]
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    problem: Mapped[dict[str, Any]] = mapped_column(JSON)
    solution: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    asked_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]


class Cohort(Base):
    """People who learn together. `position` is its index in the published proposal, from 0.

    One whose people all went to other cohorts has ended: it stays for what was, and nobody joins it. Its sessions are
    at the program's time where `weekday` (0: Monday) and `session_time`, on the program's clocks, are empty.
    """

    __tablename__ = "cohort"
    __table_args__ = (UniqueConstraint("program_id", "position"), UniqueConstraint("program_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    published_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    weekday: Mapped[int | None]
    session_time: Mapped[time | None]

    memberships: Mapped[list[Membership]] = relationship(lazy="raise_on_sql", overlaps="memberships")
    facilitators: Mapped[list[Facilitator]] = relationship(lazy="raise_on_sql")

    @property
    def hour(self) -> WeeklyHour | None:
        """When it meets each week; None at the program's time."""
        if self.weekday is None or self.session_time is None:
            return None
        return WeeklyHour(self.weekday, self.session_time)

    @hour.setter
    def hour(self, hour: WeeklyHour | None) -> None:
        self.weekday, self.session_time = (hour.weekday, hour.at) if hour else (None, None)


class Membership(Base):
    """A person in a cohort from `since` until `until` (empty: still)."""

    __tablename__ = "cohort_membership"
    __table_args__ = (
        unique_where("uq_cohort_membership_one_running", "program_id", "person_id", condition="until IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class Facilitator(Base):
    """Somebody whom a lead appointed for a cohort."""

    __tablename__ = "facilitator"
    __table_args__ = (UniqueConstraint("cohort_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)

    person: Mapped[Person] = relationship(lazy="raise_on_sql")
