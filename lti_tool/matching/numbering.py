"""From a problem to the arrays of the compiled search, and back from units to cohorts of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from lti_tool.matching.compiled.jit import Bits, Floats, Ints
from lti_tool.matching.compiled.layout import Question
from lti_tool.matching.instance import Instance
from lti_tool.matching.problem import Person, Problem, Value
from lti_tool.matching.sizes import narrowest


def question(problem: Problem, instance: Instance) -> Question:
    """The arrays of a problem whose hard rules are ``instance``."""
    value, curvature, size_curvature = _values(problem)
    number, known, scale = _numbers(problem)
    size_min, size_max = narrowest(problem, instance.count)
    first_enemy, enemy = _ragged(instance.apart)
    slots, slot_count = _slots(instance, size_min)
    occurrences = np.bincount(value.ravel(), minlength=len(curvature))
    kin, kin_from, kin_to = _kin(problem, instance)
    before = problem.previous.cohorts if problem.previous is not None else {}
    return Question(
        member=_ints(i for unit in instance.units for i in unit),
        first=_ragged(instance.units)[0],
        size=_ints(instance.sizes),
        lock=_ints(instance.lock),
        enemy=enemy,
        first_enemy=first_enemy,
        value=value,
        curvature=curvature,
        least=occurrences // instance.count,
        most=-(-occurrences // instance.count),
        only_spread=not (problem.gather or len(scale) or before),
        size_curvature=size_curvature,
        number=number,
        known=known,
        scale=scale,
        before=_ints(before.get(person.id, -1) for person in problem.people),
        move_cost=float(problem.previous.weight) if problem.previous is not None else 0.0,
        company=np.array(instance.accompanied, np.int64).reshape(len(instance.units), -1),
        kin=kin,
        kin_from=kin_from,
        kin_to=kin_to,
        slots=slots,
        slot_count=slot_count,
        slots_needed=instance.slots_needed,
        cohorts=instance.count,
        size_min=size_min,
        size_max=size_max,
        slack=instance.slack,
    )


def cohorts_of(problem: Problem, instance: Instance, where: Sequence[int] | Ints) -> list[list[Person]]:
    """The people of each cohort, in the problem's order, when unit u is in cohort ``where[u]``."""
    placed = {i: int(where[u]) for u, unit in enumerate(instance.units) for i in unit}
    cohorts: list[list[Person]] = [[] for _ in range(instance.count)]
    for i, person in enumerate(problem.people):
        cohorts[placed[i]].append(person)
    return cohorts


def _ints(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, np.int64)


def _ragged(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Where each row begins, with the end of the last, and all rows one after the other."""
    begins = np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))
    return begins.astype(np.int64), _ints(item for row in rows for item in row)


def _values(problem: Problem) -> tuple[Ints, Floats, float]:
    """n people of a value cost A n² for each cohort: spread gives its weight, gather takes half of its own
    (pairs with equal values) from what all pairs cost.
    """
    spread = {wish.attribute: wish.weight for wish in problem.spread}
    gather = {wish.attribute: wish.weight for wish in problem.gather}
    attributes = list(dict.fromkeys((*spread, *gather)))
    value = np.zeros((len(problem.people), len(attributes)), np.int64)
    curvature: list[float] = []
    for a, attribute in enumerate(attributes):
        number: dict[Value, int] = {}
        begin = len(curvature)
        for i, person in enumerate(problem.people):
            value[i, a] = begin + number.setdefault(person.value(attribute), len(number))
        curvature += [spread.get(attribute, 0.0) - gather.get(attribute, 0.0) / 2] * len(number)
    return value, np.array(curvature, np.float64), sum(gather.values()) / 2


def _kin(problem: Problem, instance: Instance) -> tuple[Ints, Ints, Ints]:
    """For each gathered attribute the units by its value, and where those of each unit's value begin and end."""
    rows: list[Ints] = []
    for wish in problem.gather:
        name = [str(problem.people[unit[0]].value(wish.attribute)) for unit in instance.units]
        _, value, counts = np.unique(name, return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        rows += [np.argsort(value, kind="stable"), (ends - counts)[value], ends[value]]
    table = np.array(rows, np.int64).reshape(-1, 3, len(instance.units))
    kin, kin_from, kin_to = (np.ascontiguousarray(table[:, row]) for row in range(3))
    return kin, kin_from, kin_to


def _numbers(problem: Problem) -> tuple[Floats, Ints, Floats]:
    columns: list[Floats] = []
    known: list[Ints] = []
    scale: list[float] = []
    for wish in problem.balance:
        has = np.array([wish.attribute in person.attributes for person in problem.people])
        numbers = np.array([float(person.attributes.get(wish.attribute, 0.0)) for person in problem.people])
        if not has.any() or np.ptp(numbers[has]) == 0:
            continue
        scale.append(wish.weight / float(np.var(numbers[has])))
        columns.append(np.where(has, numbers - numbers[has].mean(), 0.0))
        known.append(has.astype(np.int64))
    if not scale:
        nothing = np.zeros((len(problem.people), 0))
        return nothing, nothing.astype(np.int64), np.zeros(0)
    return np.column_stack(columns), np.column_stack(known), np.array(scale)


def _slots(instance: Instance, least: int) -> tuple[Bits, int]:
    """The slots that enough people named to fill a cohort, in words of 64."""
    named: Counter[int] = Counter()
    for mask, size in Counter(zip(instance.slots, instance.sizes, strict=True)).items():
        for slot in _bits(mask[0]) if instance.slots_needed else ():
            named[slot] += mask[1] * size
    useful = {slot: s for s, slot in enumerate(sorted(slot for slot, people in named.items() if people >= least))}
    slots = np.zeros((len(instance.units), -(-len(useful) // 64)), np.uint64)
    if instance.slots_needed:
        for u, mask_of_unit in enumerate(instance.slots):
            for slot in _bits(mask_of_unit):
                s = useful.get(slot)
                if s is not None:
                    slots[u, s // 64] |= np.uint64(1 << (s % 64))
    return slots, len(useful)


def _bits(mask: int) -> Iterable[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
