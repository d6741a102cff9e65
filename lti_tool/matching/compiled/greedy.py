"""A first placement: slots for each cohort, then everybody where they have time and cost least J."""

from __future__ import annotations

import numpy as np

from lti_tool.matching.compiled.jit import Bits, Floats, Ints, below, compiled, ones
from lti_tool.matching.compiled.layout import Placement, Question
from lti_tool.matching.compiled.moves import entry_delta, meets_enemy, place, shift

NOBODY = -1

COMER, HOME, QUEUE = range(3)
"""Columns of a path: who comes to this cohort, from where; and, apart from the rows' cohorts, a queue of cohorts."""


@compiled
def choose_anchors(q: Question, order: Ints, weight: Floats, score: Floats, anchors: Bits) -> None:
    """The slots at which each cohort is to meet; everybody should have time for several cohorts.

    One cohort after the other, by ``order``, takes the slots that weigh most among the units that have those taken
    before; the weight of those who can come is then halved. ``anchors`` (cohort, word) begins empty; ``score`` is
    room for a number a slot.
    """
    for cohort in order:
        for _ in range(q.slots_needed):
            best = _weightiest_slot(q, weight, score, anchors, cohort)
            if best >= 0:
                anchors[cohort, best // 64] |= np.uint64(1) << np.uint64(best % 64)
        for unit in range(len(q.size)):
            if _can_come(q, unit, anchors, cohort):
                weight[unit] /= 2


@compiled
def _weightiest_slot(q: Question, weight: Floats, score: Floats, anchors: Bits, cohort: int) -> int:
    """Another slot for a cohort, among those that its locked units have; -1 when there is none."""
    for s in range(q.slot_count):
        score[s] = 0.0
    for unit in range(len(q.size)):
        if _can_come(q, unit, anchors, cohort):
            for s in range(q.slot_count):
                if _has(q.slots, unit, s):
                    score[s] += weight[unit]
    best = -1
    for s in range(q.slot_count):
        better = score[s] > 0 and (best < 0 or score[s] > score[best])
        if better and not _has(anchors, cohort, s) and _locked_have(q, cohort, s):
            best = s
    return best


@compiled
def _has(slots: Bits, row: int, s: int) -> bool:
    return (slots[row, s // 64] >> np.uint64(s % 64)) & np.uint64(1) != np.uint64(0)


@compiled
def _can_come(q: Question, unit: int, anchors: Bits, cohort: int) -> bool:
    return _missing(q, unit, anchors, cohort) == 0


@compiled
def _missing(q: Question, unit: int, anchors: Bits, cohort: int) -> int:
    missing = 0
    for word in range(q.slots.shape[1]):
        missing += ones(anchors[cohort, word] & ~q.slots[unit, word])
    return missing


@compiled
def _locked_have(q: Question, cohort: int, s: int) -> bool:
    for unit in range(len(q.size)):  # noqa: SIM110 - compiled code has no all()
        if q.lock[unit] == cohort and not _has(q.slots, unit, s):
            return False
    return True


@compiled
def find_ways(q: Question, anchors: Bits, open_to: Bits, ways: Ints) -> None:
    """For each unit the cohorts at whose anchors it can come, as bits (u, word), and how many these are."""
    for unit in range(len(q.size)):
        for cohort in range(q.cohorts):
            if _can_come(q, unit, anchors, cohort):
                open_to[unit, cohort // 64] |= np.uint64(1) << np.uint64(cohort % 64)
                ways[unit] += 1


@compiled
def place_at(q: Question, p: Placement, where: Ints) -> None:
    """Place unit u in cohort ``where[u]``."""
    for unit in range(len(where)):
        place(q, p, unit, where[unit])


@compiled
def place_all(
    q: Question,
    p: Placement,
    order: Ints,
    open_to: Bits,
    share: int,
    rng: Bits,
    failed: Ints,
    path: Ints,
    unreached: Bits,
) -> None:
    """Place units by ``order``, each where it may be and costs least J, if need be after others made room for it.

    Whoever fits nowhere is noted in ``failed`` and placed last, where it breaks fewest rules. ``share`` is N // K;
    ``path`` is room for three numbers a cohort, ``unreached`` for a bit a cohort.
    """
    for unit in order:
        failed[unit] = 0
        if q.lock[unit] >= 0:
            place(q, p, unit, q.lock[unit])
            continue
        cohort = _best_cohort(q, p, unit, open_to, share, False, rng)
        if cohort >= 0:
            place(q, p, unit, cohort)
        elif q.size[unit] > 1 or not _make_room(q, p, unit, open_to, share, path, unreached):
            failed[unit] = 1
    for unit in order:
        if failed[unit]:
            place(q, p, unit, _best_cohort(q, p, unit, open_to, share, True, rng))


@compiled
def _best_cohort(q: Question, p: Placement, unit: int, open_to: Bits, share: int, anywhere: bool, rng: Bits) -> int:
    """Where the unit breaks fewest rules and then costs least J; -1 when it breaks one everywhere and may not."""
    chosen, fewest, least, equal = -1, 0, 0.0, 0
    for cohort in range(q.cohorts):
        if p.people[cohort] + q.size[unit] >= len(p.sizes):
            continue
        broken = _excess(q, p, unit, cohort, share)
        if anywhere or broken == 0:
            broken += (not _has(open_to, unit, cohort)) + meets_enemy(q, p, unit, cohort, NOBODY)
        if (broken and not anywhere) or (chosen >= 0 and broken > fewest):
            continue
        delta = entry_delta(q, p, unit, cohort)
        if chosen < 0 or broken < fewest or delta < least - 1e-9:
            chosen, fewest, least, equal = cohort, broken, delta, 1
        elif delta <= least + 1e-9:
            equal += 1
            if below(rng, equal) == 0:
                chosen = cohort
    return chosen


@compiled
def _excess(q: Question, p: Placement, unit: int, cohort: int, share: int) -> int:
    """By how many people the cohort would be too large: N mod K cohorts may have one more than the share."""
    size = p.people[cohort] + q.size[unit]
    if size == share + 1 and p.sizes[share + 1] < len(q.value) - share * q.cohorts:
        return 0
    return max(0, size - share)


@compiled
def _make_room(q: Question, p: Placement, unit: int, open_to: Bits, share: int, path: Ints, unreached: Bits) -> bool:
    """Place a unit by the shortest chain of units of one person that each move on to another cohort."""
    for word in range(len(unreached)):
        unreached[word] = ~np.uint64(0)
    begin, end = 0, _extend(q, p, unit, open_to, path, unreached, 0)
    while begin < end:
        cohort = path[begin, QUEUE]
        begin += 1
        if _excess(q, p, unit, cohort, share) == 0:
            _walk_back(q, p, path, cohort)
            return True
        for at in range(p.unit_count[cohort]):
            other = p.units[cohort, at]
            if q.size[other] == 1 and q.lock[other] < 0:
                end = _extend(q, p, other, open_to, path, unreached, end)
    return False


@compiled
def _extend(q: Question, p: Placement, unit: int, open_to: Bits, path: Ints, unreached: Bits, end: int) -> int:
    """Queue the cohorts, not reached before, to which a unit can go; returns the queue's new end."""
    for word in range(len(unreached)):
        found = open_to[unit, word] & unreached[word]
        while found:
            lowest = found & (~found + np.uint64(1))
            found ^= lowest
            cohort = 64 * word + ones(lowest - np.uint64(1))
            if not meets_enemy(q, p, unit, cohort, NOBODY):
                unreached[word] ^= lowest
                path[cohort, COMER], path[cohort, HOME], path[end, QUEUE] = unit, p.where[unit], cohort
                end += 1
    return end


@compiled
def _walk_back(q: Question, p: Placement, path: Ints, cohort: int) -> None:
    while path[cohort, HOME] != NOBODY:
        shift(q, p, path[cohort, COMER], cohort)
        cohort = path[cohort, HOME]
    place(q, p, path[cohort, COMER], cohort)
