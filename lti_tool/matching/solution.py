"""The answer: cohorts with their figures, or the rules that cannot hold together, or an honest "unknown"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["solved", "infeasible", "unknown"]


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A looser problem, as a :data:`lti_tool.matching.rules.Change`. ``helps``: whether all rules can hold then; None
    if that is not known.
    """

    change: Mapping[str, Any]
    helps: bool | None

    def to_json(self) -> dict[str, object]:
        return {"relaxation": dict(self.change), "helps": self.helps}


@dataclass(frozen=True, slots=True)
class Conflict:
    """One rule of a set that cannot hold together, and the smallest change of it that would help, where one is known.

    ``rule`` is a field of the problem: ``size.min``, ``size.max``, ``size.slack``, ``cohorts``, ``together``,
    ``apart``, ``locked``, ``not_alone`` or ``common_slots``. ``people`` are all whom it names; ``core`` are those of
    them who are enough for the conflict. ``relaxation`` and ``helps``: see :class:`Relaxation`.
    """

    rule: str
    people: tuple[str, ...]
    text: str
    relaxation: Mapping[str, Any] | None = None
    helps: bool | None = None
    core: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        data: dict[str, object] = {"rule": self.rule, "people": list(self.people), "text": self.text}
        if self.core and self.core != self.people:
            data["core"] = list(self.core)
        if self.relaxation is not None:
            data |= Relaxation(self.relaxation, self.helps).to_json()
        return data


@dataclass(frozen=True, slots=True)
class Solution:
    """What :func:`lti_tool.matching.forming.solve` answers.

    ``terms`` are unweighted, keyed ``spread:<attribute>``, ``balance:<attribute>``, ``gather:<attribute>``
    and ``previous``. ``slots`` are each cohort's common slots when the problem asks for any. ``relaxations``
    would help, but are not about one rule of the conflict. ``text`` says what is known when there are no cohorts,
    or when a conflict may be larger than it need be. ``cut_short``: there are no cohorts, and with more time more
    might be known; what is not cut short is the same whenever it is asked.
    """

    status: Status
    seed: int
    seconds: float
    cohorts: tuple[tuple[str, ...], ...] = ()
    objective: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    lower_bound: float | None = None
    slots: tuple[tuple[str, ...], ...] | None = None
    conflict: tuple[Conflict, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    text: str | None = None
    iterations: int = 0
    cut_short: bool = False

    @property
    def gap(self) -> float | None:
        """How far J may be above the best possible: (J - L) / max(L, 1)."""
        if self.objective is None or self.lower_bound is None:
            return None
        return (self.objective - self.lower_bound) / max(self.lower_bound, 1.0)

    @classmethod
    def without_cohorts(cls, data: Mapping[str, Any]) -> Solution:
        """What :meth:`to_json` wrote of an answer that has no cohorts."""
        conflict = (
            Conflict(
                item["rule"],
                tuple(item["people"]),
                item["text"],
                item.get("relaxation"),
                item.get("helps"),
                tuple(item.get("core", item["people"])),
            )
            for item in data.get("conflict", ())
        )
        ways = (Relaxation(item["relaxation"], item["helps"]) for item in data.get("relaxations", ()))
        return cls(
            data["status"],
            data["seed"],
            data["seconds"],
            conflict=tuple(conflict),
            relaxations=tuple(ways),
            text=data.get("text"),
        )

    def to_json(self) -> dict[str, object]:
        data: dict[str, object] = {"status": self.status, "seconds": self.seconds, "seed": self.seed}
        if self.status == "solved":
            data |= {
                "cohorts": [list(cohort) for cohort in self.cohorts],
                "objective": self.objective,
                "terms": dict(self.terms),
                "lower_bound": self.lower_bound,
                "gap": self.gap,
                "iterations": self.iterations,
            }
            if self.slots is not None:
                data["slots"] = [list(slots) for slots in self.slots]
        if self.status == "infeasible":
            data["conflict"] = [item.to_json() for item in self.conflict]
            data["relaxations"] = [relaxation.to_json() for relaxation in self.relaxations]
        if self.text is not None:
            data["text"] = self.text
        return data
