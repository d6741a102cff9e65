"""Local search on J: exchanges and moves that never break a hard rule, accepted as in simulated annealing."""

from __future__ import annotations

import math

from lti_tool.matching.compiled.jit import Bits, Floats, Ints, below, compiled, inlined, unit_interval
from lti_tool.matching.compiled.layout import Placement, Question
from lti_tool.matching.compiled.moves import (
    exchange_allowed,
    exchange_delta,
    holds_within,
    meets_enemy,
    move_allowed,
    move_delta,
    note_evenness,
    place,
    remove,
    shift,
    sizes_fit,
)

EPSILON = 1e-9
MOVE_SHARE = 0.15
"""How often a unit moves without another coming back, where sizes may change."""
UNEVEN_SHARE = 0.5
"""How often the search starts at an uneven cohort, where nothing but evenness counts."""
KIN_SHARE = 0.7
"""How often a unit tries a cohort that has one with the same value of a gathered attribute."""
HOPELESS = 37.0
"""A change of J by so many temperatures is never accepted: -log of the least ``unit_interval`` is smaller."""
MOST_SHIFTS = 64
"""Units that one step moves at most."""

COST, BEST, TEMPERATURE, COOLING, GOAL = range(5)
"""What stands where in ``figures``: J now, the least J seen, temperature and its factor a step, where to stop."""


@compiled
def anneal(
    q: Question,
    p: Placement,
    movable: Ints,
    sizes_change: bool,
    steps: int,
    figures: Floats,
    best: Ints,
    rng: Bits,
    shifted: Ints,
) -> int:
    """Take ``steps`` from a placement that keeps the rules, fewer when J reaches the goal; returns how many.

    ``best`` becomes the best placement seen; ``shifted`` is room for MOST_SHIFTS rows of two.
    """
    cost, best_cost, temperature = figures[COST], figures[BEST], figures[TEMPERATURE]
    goal, cooling = figures[GOAL] + EPSILON, figures[COOLING]
    unsaved, taken = False, 0
    for c in range(q.cohorts):
        note_evenness(q, p, c)
    while taken < steps and best_cost > goal:
        taken += 1
        temperature *= cooling
        first = _some_unit(q, p, movable, rng)
        alone = sizes_change and unit_interval(rng) < MOVE_SHARE
        d, second = _partner(q, p, first, movable, rng)
        c = p.where[first]
        if c == d:
            continue
        several = q.size[first] > 1 or (not alone and q.size[second] > 1)
        kept, delta = (True, 0.0) if several else _would_keep(q, p, first, second, d, alone, temperature, rng)
        if kept and unsaved and (several or delta > 0):
            _copy(p.where, best)
            unsaved = False
        if several:
            kept, delta = _exchange_some(q, p, first, second, d, alone, temperature, rng, shifted)
        elif kept:
            _apply(q, p, first, second, d, alone)
        if kept:
            cost += delta
            note_evenness(q, p, c)
            note_evenness(q, p, d)
            if cost < best_cost - EPSILON:
                best_cost = cost
                unsaved = True
    if unsaved:
        _copy(p.where, best)
    figures[COST], figures[BEST], figures[TEMPERATURE] = cost, best_cost, temperature
    return taken


@compiled
def typical_change(q: Question, p: Placement, movable: Ints, rng: Bits, samples: int) -> float:
    """The mean of what exchanges change J by, whether up or down; 1 where none changes anything."""
    total, number = 0.0, 0
    for _ in range(samples):
        first, second = movable[below(rng, len(movable))], movable[below(rng, len(movable))]
        c, d = p.where[first], p.where[second]
        if c != d and q.size[first] == 1 and q.size[second] == 1:
            change = abs(exchange_delta(q, p, q.member[q.first[first]], q.member[q.first[second]], c, d))
            if change > EPSILON:
                total, number = total + change, number + 1
    return total / number if number else 1.0


@inlined
def _some_unit(q: Question, p: Placement, movable: Ints, rng: Bits) -> int:
    """A unit that can leave; where only evenness counts, often one of an uneven cohort."""
    if q.only_spread and unit_interval(rng) < UNEVEN_SHARE:
        cohort = p.uneven[below(rng, p.uneven_count[0])]
        unit = p.units[cohort, below(rng, p.unit_count[cohort])]
        if q.lock[unit] < 0:
            return unit
    return movable[below(rng, len(movable))]


@inlined
def _partner(q: Question, p: Placement, unit: int, movable: Ints, rng: Bits) -> tuple[int, int]:
    """A cohort for a unit, and a unit there that can leave; often one where somebody shares a gathered value."""
    if len(q.kin) and unit_interval(rng) < KIN_SHARE:
        g = below(rng, len(q.kin))
        begin = q.kin_from[g, unit]
        d = p.where[q.kin[g, begin + below(rng, q.kin_to[g, unit] - begin)]]
        other = p.units[d, below(rng, p.unit_count[d])]
        if q.lock[other] < 0:
            return d, other
    other = movable[below(rng, len(movable))]
    return p.where[other], other


@inlined
def _copy(source: Ints, target: Ints) -> None:
    for at in range(len(source)):
        target[at] = source[at]


@inlined
def _accepted(delta: float, temperature: float, rng: Bits) -> bool:
    """Whether annealing takes a step that changes J so; what is hopeless costs no logarithm."""
    if delta <= 0:
        return True
    return delta < HOPELESS * temperature and delta <= -temperature * math.log(unit_interval(rng))


@inlined
def _would_keep(
    q: Question, p: Placement, first: int, second: int, d: int, alone: bool, temperature: float, rng: Bits
) -> tuple[bool, float]:
    """Whether a person goes to cohort d, alone or for another, and J's change."""
    i, j = q.member[q.first[first]], q.member[q.first[second]]
    if alone:
        if not move_allowed(q, p, first, d):
            return False, 0.0
        delta = move_delta(q, p, i, p.where[first], d)
        return _accepted(delta, temperature, rng), delta
    delta = exchange_delta(q, p, i, j, p.where[first], d)
    return _accepted(delta, temperature, rng) and exchange_allowed(q, p, first, second), delta


@inlined
def _apply(q: Question, p: Placement, first: int, second: int, d: int, alone: bool) -> None:
    c = p.where[first]
    remove(q, p, first)
    if not alone:
        remove(q, p, second)
        place(q, p, second, c)
    place(q, p, first, d)


@inlined
def _exchange_some(
    q: Question,
    p: Placement,
    first: int,
    second: int,
    d: int,
    alone: bool,
    temperature: float,
    rng: Bits,
    shifted: Ints,
) -> tuple[bool, float]:
    """Move the larger unit, and as many people back unless it goes alone; undone when a rule breaks or J refuses."""
    unit, target = first, d
    if not alone and q.size[second] > q.size[first]:
        unit, target = second, p.where[first]
    home = p.where[unit]
    if alone and not sizes_fit(q, p, home, target, q.size[unit]):
        return False, 0.0
    shifted[0, 0], shifted[0, 1] = unit, home
    number, delta = 1, shift(q, p, unit, target)
    if not alone:
        number, gain = shift_back(q, p, unit, home, rng, shifted)
        delta += gain
    accepted = _accepted(delta, temperature, rng)
    if accepted and sizes_fit(q, p, home, target, 0) and _rules_hold(q, p, home, target, shifted, number):
        return True, delta
    for at in range(number - 1, -1, -1):
        shift(q, p, shifted[at, 0], shifted[at, 1])
    return False, 0.0


@inlined
def shift_back(q: Question, p: Placement, unit: int, home: int, rng: Bits, shifted: Ints) -> tuple[int, float]:
    """Shift units of as many people as ``unit`` has from its new cohort to ``home``, if they can be found."""
    target, owed, number, delta = p.where[unit], q.size[unit], 1, 0.0
    for _ in range(2 * MOST_SHIFTS):
        other = p.units[target, below(rng, p.unit_count[target])]
        if other != unit and q.lock[other] < 0 and q.size[other] <= owed:
            shifted[number, 0], shifted[number, 1] = other, target
            number += 1
            delta += shift(q, p, other, home)
            owed -= q.size[other]
        if owed == 0 or number == MOST_SHIFTS:
            break
    return number, delta


@inlined
def _rules_hold(q: Question, p: Placement, c: int, d: int, shifted: Ints, number: int) -> bool:
    for at in range(number):
        if meets_enemy(q, p, shifted[at, 0], p.where[shifted[at, 0]], -1):
            return False
    return holds_within(q, p, c) and holds_within(q, p, d)
