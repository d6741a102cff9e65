"""Repairing a placement move by move, until no hard rule is broken."""

from __future__ import annotations

import math

from lti_tool.matching.compiled.anneal import shift_back
from lti_tool.matching.compiled.jit import Bits, Ints, below, compiled, unit_interval
from lti_tool.matching.compiled.layout import Placement, Question
from lti_tool.matching.compiled.moves import meets_enemy, shift

TEMPERATURE = 0.4
"""In broken rules: now and then the repair accepts one more, to get out of a dead end."""
STRICT = 0.0
"""A temperature at which only what breaks fewer rules is done, so that nobody moves in vain."""
FLAWED_SHARE = 0.7
BACK_SHARE = 0.6
"""How often somebody comes back for the unit that moves."""


@compiled
def repair(
    q: Question, p: Placement, movable: Ints, steps: int, temperature: float, flaws: Ints, rng: Bits, shifted: Ints
) -> int:
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
        if worse < 0 or (temperature > 0 and unit_interval(rng) < math.exp(-worse / temperature)):
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
