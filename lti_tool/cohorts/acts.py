"""What somebody did to the people of published cohorts at once: each act is one entry, with every move under it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.audit import AuditEntry
from lti_tool.programs.tables import Program


class Act(StrEnum):
    """The kinds of acts, as the audit names them."""

    ANEW = "cohorts formed anew"
    MOVED = "people moved"
    PLACED = "people placed"
    LEFT = "people left"
    UNDONE = "cohort moves undone"
    TAKEN_OUT = "placement undone"


@dataclass(frozen=True, slots=True)
class Step:
    """One person's way from cohort to cohort, by id; who joins comes from none, who leaves goes to none."""

    person: int
    leaves: int | None
    joins: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry tells: who went where, which cohorts ended with it, or went on again, and by the ids of cohorts
    at which hours they met before and meet since.
    """

    steps: list[Step]
    ended: list[int]
    hours: dict[int, tuple[str, str]]


def record(
    session: Session,
    program: Program,
    act: Act,
    steps: Sequence[Step],
    actor_id: int | None,
    *,
    ended: Collection[int] = (),
    hours: Mapping[int, tuple[str, str]] | None = None,
    why: str | None = None,
) -> None:
    """Add the act to the caller's transaction."""
    moves = [[step.person, step.leaves, step.joins] for step in steps]
    audit.record(
        session,
        act,
        "program",
        program.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"moves": moves, "ended": sorted(ended)} | ({"hours": hours} if hours else {}),
        why=why and why[:500],
    )


def taken_out(session: Session, program_id: int) -> set[int]:
    """Whom a person took out of their cohort again, unless they have left the course since."""
    query = select(AuditEntry).where(
        AuditEntry.subject == "program",
        AuditEntry.subject_id == program_id,
        AuditEntry.action.in_((Act.TAKEN_OUT, Act.LEFT)),
    )
    last: dict[int, str] = {}
    for entry in session.scalars(query.order_by(AuditEntry.id)):
        last.update({step.person: entry.action for step in steps_of(entry)})
    return {person for person, action in last.items() if action == Act.TAKEN_OUT}


def steps_of(entry: AuditEntry) -> list[Step]:
    """The steps of an act; none for what is no act."""
    act = told(entry)
    return act.steps if act else []


def places_undone(session: Session, program_id: int) -> dict[tuple[int, int], datetime]:
    """Which people had a place in which cohort that was taken back, and when that was."""
    query = select(AuditEntry).where(
        AuditEntry.subject == "program",
        AuditEntry.subject_id == program_id,
        AuditEntry.action.in_((Act.UNDONE, Act.TAKEN_OUT)),
    )
    return {
        (step.person, step.leaves): entry.at
        for entry in session.scalars(query.order_by(AuditEntry.id))
        for step in steps_of(entry)
        if step.leaves is not None
    }


def told(entry: AuditEntry) -> Told | None:
    """What an entry of the audit tells; None for one that is no act."""
    if entry.action not in set(Act):
        return None
    after: Any = entry.after
    hours = {int(cohort): (before, then) for cohort, (before, then) in after.get("hours", {}).items()}
    return Told([Step(*move) for move in after["moves"]], list(after["ended"]), hours)
