"""Putting units into cohorts and out of them, with J's change; and whether the rules hold afterwards."""

from __future__ import annotations

import numpy as np

from lti_tool.matching.compiled.jit import compiled, inlined, ones
from lti_tool.matching.compiled.layout import Placement, Question


@inlined
def place(q: Question, p: Placement, unit: int, cohort: int) -> float:
    """Put a unit that is nowhere into a cohort; returns J's change."""
    last = p.unit_count[cohort]
    p.where[unit] = cohort
    p.place[unit] = last
    p.units[cohort, last] = unit
    p.unit_count[cohort] = last + 1
    return _enter(q, p, unit, cohort, 1)


@inlined
def remove(q: Question, p: Placement, unit: int) -> float:
    """Take a unit out of its cohort; returns J's change."""
    cohort = p.where[unit]
    last = p.unit_count[cohort] - 1
    moved = p.units[cohort, last]
    p.units[cohort, p.place[unit]] = moved
    p.place[moved] = p.place[unit]
    p.unit_count[cohort] = last
    p.where[unit] = -1
    return _enter(q, p, unit, cohort, -1)


@inlined
def shift(q: Question, p: Placement, unit: int, cohort: int) -> float:
    """Move a unit; returns J's change."""
    return remove(q, p, unit) + place(q, p, unit, cohort)


@inlined
def _enter(q: Question, p: Placement, unit: int, cohort: int, sign: int) -> float:
    before = p.people[cohort]
    after = before + sign * q.size[unit]
    p.people[cohort] = after
    p.sizes[before] -= 1
    p.sizes[after] += 1
    delta = q.size_curvature * (after * after - before * before)
    for at in range(q.first[unit], q.first[unit + 1]):
        delta += _enter_person(q, p, q.member[at], cohort, sign)
    for rule in range(q.company.shape[1]):
        p.company[cohort, rule] += sign * q.company[unit, rule]
    if q.slots_needed:
        _enter_slots(q, p, unit, cohort, sign)
    return delta


@inlined
def _enter_person(q: Question, p: Placement, person: int, cohort: int, sign: int) -> float:
    delta = 0.0
    for a in range(q.value.shape[1]):
        v = q.value[person, a]
        n = p.having[cohort, v]
        delta += q.curvature[v] * (2 * sign * n + 1)
        p.having[cohort, v] = n + sign
    for x in range(q.scale.shape[0]):
        if q.known[person, x]:
            n = p.numbers[cohort, x] + sign
            # A cohort in which nobody has a number starts again from an exact zero.
            total = p.deviation[cohort, x] + sign * q.number[person, x] if n else 0.0
            delta += q.scale[x] * (_unbalance(total, n) - _unbalance(p.deviation[cohort, x], p.numbers[cohort, x]))
            p.numbers[cohort, x] = n
            p.deviation[cohort, x] = total
    if q.before[person] == cohort:
        delta -= sign * q.move_cost
    return delta


@compiled
def _enter_slots(q: Question, p: Placement, unit: int, cohort: int, sign: int) -> None:
    everybody = p.unit_count[cohort]
    for word in range(q.slots.shape[1]):
        all_can, all_but_one = np.uint64(0), np.uint64(0)
        for s in range(64 * word, min(64 * word + 64, q.slot_count)):
            bit = np.uint64(1) << np.uint64(s - 64 * word)
            if q.slots[unit, word] & bit:
                p.named[cohort, s] += sign
            if p.named[cohort, s] == everybody:
                all_can |= bit
            elif p.named[cohort, s] == everybody - 1:
                all_but_one |= bit
        p.everybody[cohort, word] = all_can
        p.all_but_one[cohort, word] = all_but_one


@inlined
def _unbalance(deviation: float, numbers: int) -> float:
    return deviation * deviation / numbers if numbers else 0.0


@compiled
def entry_delta(q: Question, p: Placement, unit: int, cohort: int) -> float:
    """J's change if a unit that is nowhere came in, as if its people came each alone."""
    before = p.people[cohort]
    delta = q.size_curvature * q.size[unit] * (2 * before + q.size[unit])
    for at in range(q.first[unit], q.first[unit + 1]):
        i = q.member[at]
        for a in range(q.value.shape[1]):
            v = q.value[i, a]
            delta += q.curvature[v] * (2 * p.having[cohort, v] + 1)
        for x in range(len(q.scale)):
            y, n = p.deviation[cohort, x], p.numbers[cohort, x]
            delta += q.scale[x] * (_unbalance(y + q.number[i, x], n + q.known[i, x]) - _unbalance(y, n))
        delta -= q.move_cost * (q.before[i] == cohort)
    return delta


@inlined
def exchange_delta(q: Question, p: Placement, i: int, j: int, c: int, d: int) -> float:
    """J's change if the persons i of cohort c and j of cohort d changed places."""
    delta = 0.0
    for a in range(q.value.shape[1]):
        v, w = q.value[i, a], q.value[j, a]
        if v != w:
            delta += q.curvature[v] * (p.having[d, v] - p.having[c, v] + 1)
            delta += q.curvature[w] * (p.having[c, w] - p.having[d, w] + 1)
    delta *= 2.0
    for x in range(len(q.scale)):
        total, numbers = q.number[j, x] - q.number[i, x], q.known[j, x] - q.known[i, x]
        delta += _unbalance_delta(q, p, x, c, d, total, numbers)
    if q.move_cost:
        delta += q.move_cost * ((q.before[i] == c) - (q.before[i] == d) + (q.before[j] == d) - (q.before[j] == c))
    return delta


@inlined
def move_delta(q: Question, p: Placement, i: int, c: int, d: int) -> float:
    """J's change if person i alone went from cohort c to cohort d."""
    delta = q.size_curvature * (p.people[d] - p.people[c] + 1)
    for a in range(q.value.shape[1]):
        v = q.value[i, a]
        delta += q.curvature[v] * (p.having[d, v] - p.having[c, v] + 1)
    delta *= 2.0
    for x in range(len(q.scale)):
        delta += _unbalance_delta(q, p, x, c, d, -q.number[i, x], -q.known[i, x])
    return delta + q.move_cost * ((q.before[i] == c) - (q.before[i] == d))


@inlined
def _unbalance_delta(q: Question, p: Placement, x: int, c: int, d: int, total: float, numbers: int) -> float:
    """The change of a balance term if so many numbers with this total came to c and left d."""
    m, n = p.numbers[c, x], p.numbers[d, x]
    y, z = p.deviation[c, x], p.deviation[d, x]
    if numbers == 0 and m and n:
        return q.scale[x] * total * ((2.0 * y + total) / m - (2.0 * z - total) / n)
    after = _unbalance(y + total, m + numbers) + _unbalance(z - total, n - numbers)
    return q.scale[x] * (after - _unbalance(y, m) - _unbalance(z, n))


@inlined
def exchange_allowed(q: Question, p: Placement, first: int, second: int) -> bool:
    """Whether every rule holds after two units of one person each, in different cohorts, changed places."""
    c, d = p.where[first], p.where[second]
    if meets_enemy(q, p, first, d, second) or meets_enemy(q, p, second, c, first):
        return False
    for rule in range(q.company.shape[1]):
        change = q.company[second, rule] - q.company[first, rule]
        if p.company[c, rule] + change == 1 or p.company[d, rule] - change == 1:
            return False
    return not q.slots_needed or (
        _shared(q, p, c, first, second) >= q.slots_needed and _shared(q, p, d, second, first) >= q.slots_needed
    )


@inlined
def move_allowed(q: Question, p: Placement, unit: int, d: int) -> bool:
    """Whether every rule holds after a unit of one person went to cohort d."""
    c = p.where[unit]
    if not sizes_fit(q, p, c, d, 1) or meets_enemy(q, p, unit, d, -1):
        return False
    for rule in range(q.company.shape[1]):
        change = q.company[unit, rule]
        if p.company[c, rule] - change == 1 or p.company[d, rule] + change == 1:
            return False
    return not q.slots_needed or _shared(q, p, d, -1, unit) >= q.slots_needed


@inlined
def _shared(q: Question, p: Placement, cohort: int, leaving: int, coming: int) -> int:
    """How many slots a cohort would share after one unit of it (or none, -1) left and another came."""
    shared = 0
    for word in range(q.slots.shape[1]):
        others = p.everybody[cohort, word]
        if leaving >= 0:
            others |= p.all_but_one[cohort, word] & ~q.slots[leaving, word]
        shared += ones(others & q.slots[coming, word])
    return shared


@inlined
def meets_enemy(q: Question, p: Placement, unit: int, cohort: int, leaving: int) -> bool:
    """Whether a unit would meet one that it must be apart from; ``leaving`` does not count."""
    for at in range(q.first_enemy[unit], q.first_enemy[unit + 1]):
        other = q.enemy[at]
        if other != leaving and p.where[other] == cohort:
            return True
    return False


@inlined
def holds_within(q: Question, p: Placement, cohort: int) -> bool:
    """Whether ``not_alone`` and ``common_slots`` hold in a cohort."""
    for rule in range(q.company.shape[1]):
        if p.company[cohort, rule] == 1:
            return False
    if not q.slots_needed:
        return True
    shared = 0
    for word in range(q.slots.shape[1]):
        shared += ones(p.everybody[cohort, word])
    return shared >= q.slots_needed


@inlined
def sizes_fit(q: Question, p: Placement, c: int, d: int, moving: int) -> bool:
    """Whether the sizes hold after so many people went from c to d, when those of all other cohorts do."""
    first, second = p.people[c] - moving, p.people[d] + moving
    low, high = min(first, second), max(first, second)
    if low < q.size_min or high > q.size_max or high - low > q.slack:
        return False
    for size in range(q.size_min, q.size_max + 1):
        if size < high - q.slack or size > low + q.slack:
            others = p.sizes[size] - (p.people[c] == size) - (p.people[d] == size)
            if others > 0:
                return False
    return True


@inlined
def note_evenness(q: Question, p: Placement, cohort: int) -> None:
    """Keep the list of uneven cohorts true for a cohort that changed, where nothing but evenness counts."""
    if not q.only_spread:
        return
    uneven = False
    for v in range(len(q.least)):
        if p.having[cohort, v] < q.least[v] or p.having[cohort, v] > q.most[v]:
            uneven = True
            break
    at, end = p.uneven_at[cohort], p.uneven_count[0]
    if uneven and at < 0:
        p.uneven[end], p.uneven_at[cohort] = cohort, end
        p.uneven_count[0] = end + 1
    elif not uneven and at >= 0:
        last = p.uneven[end - 1]
        p.uneven[at], p.uneven_at[last] = last, at
        p.uneven_at[cohort] = -1
        p.uneven_count[0] = end - 1
