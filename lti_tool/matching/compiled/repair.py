"""A first placement: greedy, then repaired move by move until no hard rule is broken."""

from __future__ import annotations

import math

import numpy as np

from lti_tool.matching.compiled.anneal import shift_back
from lti_tool.matching.compiled.jit import Bits, Floats, Ints, below, compiled, ones, unit_interval
from lti_tool.matching.compiled.layout import Placement, Question
from lti_tool.matching.compiled.moves import entry_delta, meets_enemy, place, shift

TEMPERATURE = 0.4
"""In broken rules: now and then the repair accepts one more, to get out of a dead end."""
FLAWED_SHARE = 0.7
BACK_SHARE = 0.6
"""How often somebody comes back for the unit that moves."""


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
def place_all(q: Question, p: Placement, order: Ints, anchors: Bits, share: int, rng: Bits) -> None:
    """Place units by ``order``, each where it breaks fewest rules and then costs least J.

    Cohorts are filled up to ``share`` people first, then one more each.
    """
    for unit in order:
        if q.lock[unit] >= 0:
            place(q, p, unit, q.lock[unit])
            continue
        chosen, fewest, least, equal = -1, 0, 0.0, 0
        for cohort in range(q.cohorts):
            if p.people[cohort] + q.size[unit] >= len(p.sizes):
                continue
            broken = max(0, p.people[cohort] + q.size[unit] - share) + _missing(q, unit, anchors, cohort)
            broken += meets_enemy(q, p, unit, cohort, -1)
            if chosen >= 0 and broken > fewest:
                continue
            delta = entry_delta(q, p, unit, cohort)
            if chosen < 0 or broken < fewest or delta < least - 1e-9:
                chosen, fewest, least, equal = cohort, broken, delta, 1
            elif delta <= least + 1e-9:
                equal += 1
                if below(rng, equal) == 0:
                    chosen = cohort
        place(q, p, unit, chosen)


@compiled
def repair(q: Question, p: Placement, movable: Ints, steps: int, flaws: Ints, rng: Bits, shifted: Ints) -> int:
    """Move and exchange units until no rule is broken or the steps are used up; returns how many are broken.

    ``flaws`` (a number a cohort) and ``shifted`` are room.
    """
    uneven = _size_flaw(q, p)
    broken = uneven
    for c in range(q.cohorts):
        flaws[c] = _flaw(q, p, c)
        broken += flaws[c]
    for _ in range(steps):
        if broken == 0:
            break
        unit = _unit_to_repair(q, p, movable, flaws, rng)
        c, d = p.where[unit], below(rng, q.cohorts)
        if d == c or p.people[d] + q.size[unit] >= len(p.sizes):
            continue
        shifted[0, 0], shifted[0, 1] = unit, c
        number = 1
        shift(q, p, unit, d)
        if unit_interval(rng) < BACK_SHARE:
            number, _ = shift_back(q, p, unit, c, rng, shifted)
        here, there, sizes = _flaw(q, p, c), _flaw(q, p, d), _size_flaw(q, p)
        worse = here + there + sizes - flaws[c] - flaws[d] - uneven
        if worse <= 0 or unit_interval(rng) < math.exp(-worse / TEMPERATURE):
            flaws[c], flaws[d], uneven = here, there, sizes
            broken += worse
        else:
            for at in range(number - 1, -1, -1):
                shift(q, p, shifted[at, 0], shifted[at, 1])
    return broken


@compiled
def _unit_to_repair(q: Question, p: Placement, movable: Ints, flaws: Ints, rng: Bits) -> int:
    """Some unit, mostly of a cohort with a broken rule."""
    if unit_interval(rng) < FLAWED_SHARE:
        begin = below(rng, q.cohorts)
        for offset in range(q.cohorts):
            c = (begin + offset) % q.cohorts
            if flaws[c] and p.unit_count[c]:
                unit = p.units[c, below(rng, p.unit_count[c])]
                if q.lock[unit] < 0:
                    return unit
                break
    return movable[below(rng, len(movable))]


@compiled
def _size_flaw(q: Question, p: Placement) -> int:
    flaw, low, high = 0, -1, 0
    for size in range(len(p.sizes)):
        if p.sizes[size] > 0:
            low = size if low < 0 else low
            high = size
            flaw += p.sizes[size] * (max(0, q.size_min - size) + max(0, size - q.size_max))
    return flaw + max(0, high - low - q.slack)


@compiled
def _flaw(q: Question, p: Placement, cohort: int) -> int:
    """Broken rules inside one cohort: enemies met, people alone, units that miss the best slots."""
    flaw = 0
    for at in range(p.unit_count[cohort]):
        flaw += meets_enemy(q, p, p.units[cohort, at], cohort, -1)
    for rule in range(q.company.shape[1]):
        flaw += p.company[cohort, rule] == 1
    missed = q.slots_needed * p.unit_count[cohort]
    before, last = p.unit_count[cohort] + 1, -1
    for _ in range(q.slots_needed):
        # The next of the slots in the order of how many can come.
        best, best_at = -1, -1
        for s in range(q.slot_count):
            named = p.named[cohort, s]
            if named > best and (named < before or (named == before and s > last)):
                best, best_at = named, s
        if best < 0:
            break
        missed -= best
        before, last = best, best_at
    return flaw + missed
