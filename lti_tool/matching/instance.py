"""The problem in numbers: people who must be together become one unit, values and slots become indices and
bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lti_tool.matching.problem import Problem, Value


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
    """Hard rules and objective by unit. J = constant + sum of the quadratic forms below.

    A value v with ``curvature`` A costs A n² for each cohort in which n people have it: spread gives its
    weight, gather takes half of its own (pairs with equal values), and ``size_curvature`` counts all pairs.
    """

    count: int
    units: list[list[int]]
    sizes: list[int]
    lock: list[int]
    apart: list[tuple[int, ...]]
    slots: list[int]
    slots_needed: int
    accompanied: list[tuple[int, ...]]
    values: list[tuple[int, ...]]
    curvature: list[float]
    size_curvature: float
    numbers: list[tuple[tuple[int, float], ...]]
    number_scale: list[float]
    stayers: list[dict[int, float]]
    size_min: int
    size_max: int
    slack: int
    share: int

    @classmethod
    def of(cls, problem: Problem, count: int) -> Instance:
        """Needs a problem without contradictory locks or apart rules inside a unit."""
        units = together_units(problem)
        unit_of = {problem.people[i].id: u for u, unit in enumerate(units) for i in unit}
        values, curvature, size_curvature = _categories(problem, units)
        numbers, scale = _numbers(problem, units)
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
            values=values,
            curvature=curvature,
            size_curvature=size_curvature,
            numbers=numbers,
            number_scale=scale,
            stayers=_stayers(problem, units),
            size_min=problem.size.min,
            size_max=problem.size.max,
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


def _categories(problem: Problem, units: list[list[int]]) -> tuple[list[tuple[int, ...]], list[float], float]:
    spread = {wish.attribute: wish.weight for wish in problem.spread}
    gather = {wish.attribute: wish.weight for wish in problem.gather}
    number: dict[tuple[str, Value], int] = {}
    curvature: list[float] = []
    values: list[list[int]] = [[] for _ in units]
    for attribute in dict.fromkeys((*spread, *gather)):
        weight = spread.get(attribute, 0.0) - gather.get(attribute, 0.0) / 2
        for u, unit in enumerate(units):
            for i in unit:
                key = (attribute, problem.people[i].value(attribute))
                if key not in number:
                    number[key] = len(number)
                    curvature.append(weight)
                values[u].append(number[key])
    return [tuple(unit) for unit in values], curvature, sum(gather.values()) / 2


def _numbers(problem: Problem, units: list[list[int]]) -> tuple[list[tuple[tuple[int, float], ...]], list[float]]:
    """For each unit and balanced attribute: how many have a number, and their deviations from the mean."""
    columns: list[list[tuple[int, float]]] = []
    scale: list[float] = []
    for wish in problem.balance:
        known = {
            i: float(person.attributes[wish.attribute])
            for i, person in enumerate(problem.people)
            if wish.attribute in person.attributes
        }
        if not known or min(known.values()) == max(known.values()):
            continue
        mean = sum(known.values()) / len(known)
        variance = sum((x - mean) ** 2 for x in known.values()) / len(known)
        scale.append(wish.weight / variance)
        columns.append(
            [(sum(i in known for i in unit), sum(known[i] - mean for i in unit if i in known)) for unit in units]
        )
    return [tuple(column[u] for column in columns) for u in range(len(units))], scale


def _stayers(problem: Problem, units: list[list[int]]) -> list[dict[int, float]]:
    stayers: list[dict[int, float]] = [{} for _ in units]
    if problem.previous is None or problem.previous.weight == 0:
        return stayers
    for u, unit in enumerate(units):
        for i in unit:
            cohort = problem.previous.cohorts.get(problem.people[i].id)
            if cohort is not None:
                stayers[u][cohort] = stayers[u].get(cohort, 0.0) + problem.previous.weight
    return stayers
