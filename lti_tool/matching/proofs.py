"""Quick proofs that the hard rules cannot all hold; True is certain, False says nothing."""

from __future__ import annotations

from collections import Counter

from lti_tool.matching.instance import Instance, together_units
from lti_tool.matching.problem import Problem
from lti_tool.matching.sizes import Window, cohort_count, windows

CLIQUES = 3
"""Units from which a set of units that are all apart is grown."""


def quickly_refuted(problem: Problem) -> bool:
    """Whether one of the proofs of this module applies."""
    count = cohort_count(problem)
    if count is None or _contradicts_itself(problem, count):
        return True
    return _proves_impossible(Instance.of(problem, count), windows(problem, count))


def stranded_people(problem: Problem) -> tuple[str, ...]:
    """Those who named too few slots, or too few that were named by enough people to fill a cohort."""
    count = cohort_count(problem)
    ranges = windows(problem, count) if count is not None else []
    if not ranges:
        return ()
    named = Counter(slot for person in problem.people for slot in person.slots)
    low = min(window[0] for window in ranges)
    return tuple(
        person.id
        for person in problem.people
        if sum(named[slot] >= low for slot in person.slots) < problem.common_slots
    )


def _contradicts_itself(problem: Problem, count: int) -> bool:
    """No fitting sizes, a lock outside the cohorts, or a together group that is locked or held apart against
    itself.
    """
    if not windows(problem, count):
        return True
    if any(cohort >= count for cohort in problem.locked.values()):
        return True
    unit_of = {problem.people[i].id: u for u, unit in enumerate(together_units(problem)) for i in unit}
    if any(len({unit_of[person] for person in group}) < len(group) for group in problem.apart):
        return True
    locks = {(unit_of[person], cohort) for person, cohort in problem.locked.items()}
    return len(locks) > len({unit for unit, _ in locks})


def _proves_impossible(instance: Instance, ranges: list[Window]) -> bool:
    """Counting arguments on a problem that does not contradict itself."""
    low, high = min(window[0] for window in ranges), max(window[1] for window in ranges)
    return (
        max(instance.sizes) > high
        or _locks_clash(instance, high)
        or _someone_is_always_alone(instance)
        or _slots_are_too_few(instance, low)
        or _too_many_apart(instance)
    )


def _locks_clash(instance: Instance, high: int) -> bool:
    size = Counter[int]()
    common: dict[int, int] = {}
    for unit, cohort in enumerate(instance.lock):
        if cohort < 0:
            continue
        size[cohort] += instance.sizes[unit]
        common[cohort] = common.get(cohort, -1) & instance.slots[unit]
        if any(instance.lock[other] == cohort for other in instance.apart[unit]):
            return True
    too_few = any(slots.bit_count() < instance.slots_needed for slots in common.values())
    return any(people > high for people in size.values()) or (instance.slots_needed > 0 and too_few)


def _someone_is_always_alone(instance: Instance) -> bool:
    return any(sum(column) == 1 for column in zip(*instance.accompanied, strict=True))


def _slots_are_too_few(instance: Instance, low: int) -> bool:
    """Somebody named too few slots, or too few of theirs were named by enough people to fill a cohort."""
    needed = instance.slots_needed
    if not needed:
        return False
    named = Counter[int]()
    for mask, size in zip(instance.slots, instance.sizes, strict=True):
        while mask:
            named[mask & -mask] += size
            mask &= mask - 1
    shared = sum(bit for bit, people in named.items() if people >= low)
    return any((mask & shared).bit_count() < needed for mask in set(instance.slots))


def _too_many_apart(instance: Instance) -> bool:
    """More units than cohorts, found greedily, of which no two may share a cohort."""
    enemies = {unit: set(others) for unit, others in enumerate(instance.apart) if len(others) >= instance.count}
    for start in sorted(enemies, key=lambda unit: -len(enemies[unit]))[:CLIQUES]:
        clique, candidates = 1, enemies[start] & enemies.keys()
        while candidates:
            chosen = max(sorted(candidates), key=lambda unit: len(enemies[unit] & candidates))
            clique, candidates = clique + 1, candidates & enemies[chosen]
        if clique > instance.count:
            return True
    return False
