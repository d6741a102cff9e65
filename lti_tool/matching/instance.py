"""The hard rules in numbers: people who must be together become one unit, slots become bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lti_tool.matching.problem import Problem


def together_units(problem: Problem) -> list[list[int]]:
    """People by index, grouped by the transitive closure of ``together``, in the order of the people."""
    index = {person.id: i for i, person in enumerate(problem.people)}
    leader = list(range(len(problem.people)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for group in problem.together:
        for other in group[1:]:
            first, second = sorted((find(index[group[0]]), find(index[other])))
            leader[second] = first
    units: dict[int, list[int]] = {}
    for i in range(len(problem.people)):
        units.setdefault(find(i), []).append(i)
    return list(units.values())


@dataclass(slots=True)
class Instance:
    """The hard rules, by unit."""

    count: int
    units: list[list[int]]
    sizes: list[int]
    lock: list[int]
    apart: list[tuple[int, ...]]
    slots: list[int]
    slots_needed: int
    accompanied: list[tuple[int, ...]]
    slack: int
    share: int

    @classmethod
    def of(cls, problem: Problem, count: int) -> Instance:
        """Needs a problem without contradictory locks or apart rules inside a unit."""
        units = together_units(problem)
        unit_of = {problem.people[i].id: u for u, unit in enumerate(units) for i in unit}
        return cls(
            count=count,
            units=units,
            sizes=[len(unit) for unit in units],
            lock=_locks(problem, unit_of, len(units)),
            apart=_apart(problem, unit_of, len(units)),
            slots=_slots(problem, units),
            slots_needed=problem.common_slots,
            accompanied=[
                tuple(
                    sum(problem.people[i].value(rule.attribute) == rule.value for i in unit)
                    for rule in problem.not_alone
                )
                for unit in units
            ],
            slack=problem.size.slack,
            share=len(problem.people) // count,
        )


def _locks(problem: Problem, unit_of: dict[str, int], units: int) -> list[int]:
    lock = [-1] * units
    for person, cohort in problem.locked.items():
        lock[unit_of[person]] = cohort
    return lock


def _apart(problem: Problem, unit_of: dict[str, int], units: int) -> list[tuple[int, ...]]:
    apart: list[set[int]] = [set() for _ in range(units)]
    for group in problem.apart:
        members = {unit_of[person] for person in group}
        for unit in members:
            apart[unit] |= members - {unit}
    return [tuple(sorted(others)) for others in apart]


def _slots(problem: Problem, units: list[list[int]]) -> list[int]:
    bit: dict[str, int] = {}
    masks = [sum(1 << bit.setdefault(slot, len(bit)) for slot in person.slots) for person in problem.people]
    return [_intersection(masks[i] for i in unit) for unit in units]


def _intersection(masks: Iterable[int]) -> int:
    common = -1
    for mask in masks:
        common &= mask
    return common
