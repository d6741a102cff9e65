"""Tables of a program. Texts are copied from the template when it is made, so that each can be edited."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base


class Plan(StrEnum):
    """How a program's grades stand in the LMS: never both, since what is done would weigh twice."""

    TOTALS = "totals"  # one column for each measure of the whole program
    WEEKS = "weeks"  # one column for each week


def new_resource_id() -> str:
    """A name that no other program has."""
    return f"peerloop-program-{uuid4().hex[:12]}"


class Kind(StrEnum):
    """What a micro-assignment asks for."""

    TEXT = "text"
    LINK = "link"
    CHECKLIST = "checklist"
    FILE = "file"


class Grading(StrEnum):
    """When a hand-in counts."""

    COMPLETION = "completion"  # at once
    POINTS = "points"  # once staff have graded it by the rubric, by its share of the points
    PARTNER = "partner"  # once the partner has confirmed it


class LateRule(StrEnum):
    """What a hand-in after the due time counts."""

    FULL = "full"
    SHARE = "share"
    NOTHING = "nothing"


class Program(Base):
    """A peer-learning program in one course. Dates and times of day are in `zone`.

    `resource_id` is its name in the LMS, which columns and links carry. A copied course brings both along, so a
    plan that is taken over keeps the name of the one that it came from. Partners may give feedback for
    `feedback_days` after a session; `catch_up_excuses`: what somebody missed and caught up with is not held against
    them.

    Hand-ins are taken for `late_days` after they were due, or without end; what a late one counts says `late_rule`,
    by how many percent `late_share`.
    """

    __tablename__ = "program"
    __table_args__ = (
        UniqueConstraint("course_id", "resource_id"),
        CheckConstraint("gradebook_plan IN ('totals','weeks')", name="gradebook_plan"),
        CheckConstraint("session_minutes BETWEEN 45 AND 60", name="session_minutes"),
        CheckConstraint(
            "size_min BETWEEN 8 AND 20 AND size_max BETWEEN 8 AND 20 "
            "AND size_min <= size_target AND size_target <= size_max",
            name="size",
        ),
        CheckConstraint("late_rule IN ('full','share','nothing')", name="late_rule"),
        CheckConstraint("late_share BETWEEN 1 AND 99", name="late_share"),
        CheckConstraint("late_days BETWEEN 0 AND 60", name="late_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    skill: Mapped[str] = mapped_column(String(120))
    first_session_on: Mapped[date]
    session_time: Mapped[time]
    session_minutes: Mapped[int]
    zone: Mapped[str] = mapped_column(String(64))
    size_min: Mapped[int] = mapped_column(default=8)
    size_max: Mapped[int] = mapped_column(default=20)
    size_target: Mapped[int] = mapped_column(default=12)
    resource_id: Mapped[str] = mapped_column(String(64), default=new_resource_id)
    gradebook_plan: Mapped[str] = mapped_column(String(10), default=Plan.TOTALS.value)
    feedback_days: Mapped[int] = mapped_column(default=3)
    catch_up_excuses: Mapped[bool] = mapped_column(default=False)
    late_rule: Mapped[str] = mapped_column(String(10), default=LateRule.FULL.value)
    late_share: Mapped[int] = mapped_column(default=50)
    late_days: Mapped[int | None]
    created_at: Mapped[datetime]

    modules: Mapped[list[Module]] = relationship(order_by="Module.number", lazy="raise_on_sql")


class Module(Base):
    """What one week of a program is about: the session's prompts and its micro-assignment.

    `feedback` has the questions that partners answer about each other: `asked`, and `levels` from little to much.
    `assignment_items` are the lines of a checklist. A `paired` assignment is done together: what one of a pair hands
    in is the hand-in of both. The rubric is a text (see `work/rubric.py`); of what partners confirm,
    `assignment_spot_share` percent are looked at. Where a module has a `late_rule`, the program's does not hold.
    """

    __tablename__ = "module"
    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("assignment_minutes BETWEEN 5 AND 15", name="assignment_minutes"),
        CheckConstraint("assignment_kind IN ('text','link','checklist','file')", name="assignment_kind"),
        CheckConstraint("assignment_grading IN ('completion','points','partner')", name="assignment_grading"),
        CheckConstraint("assignment_spot_share BETWEEN 0 AND 100", name="assignment_spot_share"),
        CheckConstraint("late_rule IN ('full','share','nothing')", name="late_rule"),
        CheckConstraint("late_share BETWEEN 1 AND 99", name="late_share"),
        CheckConstraint("late_days BETWEEN 0 AND 60", name="late_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    micro_teach: Mapped[str] = mapped_column(Text)
    prompt_a: Mapped[str] = mapped_column(Text)
    prompt_b: Mapped[str] = mapped_column(Text)
    reflection: Mapped[str] = mapped_column(Text)
    assignment_title: Mapped[str] = mapped_column(String(200))
    assignment_text: Mapped[str] = mapped_column(Text)
    assignment_minutes: Mapped[int]
    feedback: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    assignment_kind: Mapped[str] = mapped_column(String(10), default=Kind.TEXT.value)
    assignment_items: Mapped[str] = mapped_column(Text, default="")
    assignment_paired: Mapped[bool] = mapped_column(default=False)
    assignment_grading: Mapped[str] = mapped_column(String(10), default=Grading.PARTNER.value)
    assignment_rubric: Mapped[str] = mapped_column(Text, default="")
    assignment_spot_share: Mapped[int] = mapped_column(default=0)
    late_rule: Mapped[str | None] = mapped_column(String(10))
    late_share: Mapped[int | None]
    late_days: Mapped[int | None]

    agenda: Mapped[list[AgendaItem]] = relationship(order_by="AgendaItem.position", lazy="raise_on_sql")


class AgendaItem(Base):
    """One part of the facilitator's script, with its minutes."""

    __tablename__ = "agenda_item"
    __table_args__ = (
        UniqueConstraint("module_id", "position"),
        CheckConstraint("minutes BETWEEN 1 AND 60", name="minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id", ondelete="CASCADE"))
    position: Mapped[int]
    minutes: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    tip: Mapped[str] = mapped_column(Text)
