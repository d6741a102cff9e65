"""A first placement that keeps every hard rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lti_tool.matching.compiled.anneal import MOST_SHIFTS
from lti_tool.matching.compiled.greedy import choose_anchors, find_ways, place_all, place_at
from lti_tool.matching.compiled.jit import Bits, Floats, Ints, seeded
from lti_tool.matching.compiled.layout import Placement, Question, nobody_placed
from lti_tool.matching.compiled.moves import place
from lti_tool.matching.compiled.repair import STRICT, TEMPERATURE, repair
from lti_tool.matching.instance import Instance

Late = Callable[[], bool]
"""Whether the time is up."""

ATTEMPTS, TRIES = 3, 8
"""Repairs, and placements before each of which the best is repaired."""
NEAR_ATTEMPTS = 24
"""Repairs of how people were before, of which the one that moves fewest is taken."""
HARDER = 100.0
CHUNK = 5_000
"""Steps of the repair between two looks at the time."""
UNITS_PER_CHUNK = 10
"""Of a repair: the more units, the more chunks of steps."""


def find_feasible(instance: Instance, question: Question, seed: int, late: Late) -> Placement | None:
    """A placement without broken rules, or None when repairing led nowhere."""
    hardness = np.ones(len(question.size))
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((seed, attempt))
        placement, misfits = _greedy(instance, question, hardness, rng)
        for _ in range(TRIES):
            if misfits == 0 or late():
                break
            another, fewer = _greedy(instance, question, hardness, rng)
            if fewer < misfits:
                placement, misfits = another, fewer
        if _repaired(question, placement, seeded(int(rng.integers(2**62))), late):
            return placement
        if late():
            break
    return None


def _greedy(
    instance: Instance, question: Question, hardness: Floats, rng: np.random.Generator
) -> tuple[Placement, int]:
    """Locked units first, then the hardest; also how many fitted nowhere. Their ``hardness`` grows, so that the slots
    suit them the next time.
    """
    placement = nobody_placed(question)
    units, cohorts = len(question.size), question.cohorts
    anchors: Bits = np.zeros((cohorts, question.slots.shape[1]), np.uint64)
    weight = question.size * hardness * rng.uniform(0.8, 1.2, units)
    choose_anchors(question, rng.permutation(cohorts), weight, np.zeros(question.slot_count), anchors)
    ways, failed = np.zeros(units, np.int64), np.zeros(units, np.int64)
    path, unreached = np.zeros((cohorts, 3), np.int64), np.zeros(-(-cohorts // 64), np.uint64)
    open_to: Bits = np.zeros((units, len(unreached)), np.uint64)
    find_ways(question, anchors, open_to, ways)
    shuffled = rng.permutation(units)
    enemies = np.diff(question.first_enemy)
    keys = (ways[shuffled], -enemies[shuffled], -question.size[shuffled], question.lock[shuffled] < 0)
    order, draws = shuffled[np.lexsort(keys)], seeded(int(rng.integers(2**62)))
    place_all(question, placement, order, open_to, instance.share, draws, failed, path, unreached)
    hardness *= np.where(failed, HARDER, 1.0)
    return placement, int(failed.sum())


def find_near(question: Question, seed: int, late: Late) -> Placement | None:
    """A placement without broken rules in which few people are elsewhere than before, or None."""
    best, fewest, unit_of = None, 0, _unit_of(question)
    for attempt in range(NEAR_ATTEMPTS):
        draws = np.random.default_rng((seed, attempt))
        placement, rng = _as_before(question, draws), seeded(int(draws.integers(2**62)))
        kept = _repaired(question, placement, rng, late, STRICT) or _repaired(question, placement, rng, late)
        moved = int(np.count_nonzero(placement.where[unit_of] != question.before))
        if kept and (best is None or moved < fewest):
            best, fewest = placement, moved
        if late() or (kept and moved == 0):
            break
    return best


def _as_before(question: Question, draws: np.random.Generator) -> Placement:
    """Everybody where they were, locked ones where they must be, and whoever was nowhere anywhere."""
    placement = nobody_placed(question)
    newcomers = []
    for unit, begin in enumerate(question.first[:-1]):
        home = question.lock[unit] if question.lock[unit] >= 0 else question.before[question.member[begin]]
        known = 0 <= home < question.cohorts
        if known and placement.people[home] + question.size[unit] < len(placement.sizes):
            place(question, placement, unit, home)
        else:
            newcomers.append(unit)
    for unit in newcomers:
        open_to = np.flatnonzero(placement.people + question.size[unit] < len(placement.sizes))
        place(question, placement, unit, int(draws.choice(open_to)))
    return placement


def _unit_of(question: Question) -> Ints:
    """The unit of each person."""
    unit_of = np.zeros(len(question.member), np.int64)
    unit_of[question.member] = np.repeat(np.arange(len(question.size)), question.size)
    return unit_of


def _repaired(
    question: Question, placement: Placement, rng: Bits, late: Late, temperature: float = TEMPERATURE
) -> bool:
    movable = movable_units(question)
    flaws, shifted = np.zeros(question.cohorts, np.int64), np.zeros((MOST_SHIFTS, 2), np.int64)
    for _ in range(1 + len(question.size) // UNITS_PER_CHUNK):
        steps = CHUNK if len(movable) and question.cohorts > 1 else 0
        if repair(question, placement, movable, steps, temperature, flaws, rng, shifted) == 0:
            return True
        if not steps or late():
            return False
    return False


def movable_units(question: Question) -> Ints:
    """The units that are not locked."""
    return np.flatnonzero(question.lock < 0).astype(np.int64)


def placed_at(question: Question, where: Sequence[int] | Ints) -> Placement:
    """The placement with unit u in cohort ``where[u]``."""
    placement = nobody_placed(question)
    place_at(question, placement, np.array(where, np.int64))
    return placement


def unlocked(question: Question) -> Question:
    """The same question where a unit that is locked alone to its cohort can move, apart from all other locked ones.

    What number a cohort has changes J only where people were in cohorts before; :func:`relocked` gives the numbers
    back afterwards.
    """
    locked = np.flatnonzero(question.lock >= 0)
    free = np.zeros(len(question.size), bool)
    free[locked] = np.bincount(question.lock[locked], minlength=1)[question.lock[locked]] == 1
    if question.move_cost or not free.any():
        return question
    begins = question.first_enemy
    enemies = [question.enemy[begins[u] : begins[u + 1]] for u in range(len(free))]
    for unit in locked:
        others = locked[locked != unit] if free[unit] else locked[free[locked]]
        enemies[unit] = np.union1d(enemies[unit], others)
    return question._replace(
        lock=np.where(free, -1, question.lock),
        enemy=np.concatenate(enemies).astype(np.int64),
        first_enemy=np.concatenate(([0], np.cumsum([len(others) for others in enemies]))).astype(np.int64),
    )


def relocked(question: Question, where: Ints) -> Ints:
    """The same cohorts, numbered so that every locked unit is in its own."""
    locked = np.flatnonzero(question.lock >= 0)
    number = np.full(question.cohorts, -1, np.int64)
    number[where[locked]] = question.lock[locked]
    number[number < 0] = np.setdiff1d(np.arange(question.cohorts), question.lock[locked])
    return number[where]
