"""What somebody did to the people of published cohorts at once: each act is one entry, with every move under it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


def told(entry: AuditEntry) -> Told | None:
    """What an entry of the audit tells; None for one that is no act."""
    if entry.action not in set(Act):
        return None
    after: Any = entry.after
    hours = {int(cohort): (before, then) for cohort, (before, then) in after.get("hours", {}).items()}
    return Told([Step(*move) for move in after["moves"]], list(after["ended"]), hours)
