"""Tables of cohorts. Membership has a from and an until: what was true then is a query, not a copy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base, unique_where
from lti_tool.roster.tables import Person


class Proposal(Base):
    """A draft of cohorts: the rules as the instructor chose them, the problem and the answer as JSON.

    `problem` and `solution` have the shape of the matching room; people's ids are `person.id` as text. Every
    change counts `version` up and keeps in `before` what the three were, so that it can be undone. After
    publication the row stays: newcomers are placed by its rules.
    """

    __tablename__ = "cohort_proposal"

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"), unique=True)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    problem: Mapped[dict[str, Any]] = mapped_column(JSON)
    solution: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]


class Cohort(Base):
    """People who learn together. `position` is its index in the published proposal, from 0."""

    __tablename__ = "cohort"
    __table_args__ = (UniqueConstraint("program_id", "position"), UniqueConstraint("program_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    published_at: Mapped[datetime]

    memberships: Mapped[list[Membership]] = relationship(lazy="raise_on_sql", overlaps="memberships")
    facilitators: Mapped[list[Facilitator]] = relationship(lazy="raise_on_sql")


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
