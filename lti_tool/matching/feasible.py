"""A first placement that keeps every hard rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lti_tool.matching.compiled.anneal import MOST_SHIFTS
from lti_tool.matching.compiled.jit import Bits, Ints, seeded
from lti_tool.matching.compiled.layout import Placement, Question, nobody_placed
from lti_tool.matching.compiled.repair import choose_anchors, place_all, repair
from lti_tool.matching.instance import Instance

Late = Callable[[], bool]
"""Whether the time is up."""

ATTEMPTS = 3
CHUNK = 5_000
"""Steps of the repair between two looks at the time."""
CHUNKS = 40


def find_feasible(instance: Instance, question: Question, seed: int, late: Late) -> Placement | None:
    """A placement without broken rules, or None when repairing led nowhere."""
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((seed, attempt))
        placement = _greedy(instance, question, rng)
        if _repaired(question, placement, seeded(int(rng.integers(2**62))), late):
            return placement
        if late():
            break
    return None


def _greedy(instance: Instance, question: Question, rng: np.random.Generator) -> Placement:
    """Locked units first, then the hardest, each where it breaks fewest rules and costs least J."""
    placement = nobody_placed(question)
    units, cohorts = len(question.size), question.cohorts
    anchors: Bits = np.zeros((cohorts, question.slots.shape[1]), np.uint64)
    weight = question.size * rng.uniform(0.8, 1.2, units)
    choose_anchors(question, rng.permutation(cohorts), weight, np.zeros(question.slot_count), anchors)
    shuffled = rng.permutation(units)
    hardness = [
        np.array([_ways(question, anchors, u) for u in shuffled]),
        -np.array([len(instance.apart[u]) for u in shuffled]),
        -question.size[shuffled],
        question.lock[shuffled] < 0,
    ]
    order = shuffled[np.lexsort(hardness)]
    place_all(question, placement, order, anchors, instance.share, seeded(int(rng.integers(2**62))))
    return placement


def _ways(question: Question, anchors: Bits, unit: int) -> int:
    """At how many cohorts' anchors the unit can come."""
    return int((anchors & ~question.slots[unit] == 0).all(axis=1).sum()) if question.slots_needed else 0


def _repaired(question: Question, placement: Placement, rng: Bits, late: Late) -> bool:
    movable = movable_units(question)
    flaws, shifted = np.zeros(question.cohorts, np.int64), np.zeros((MOST_SHIFTS, 2), np.int64)
    for _ in range(CHUNKS):
        steps = CHUNK if len(movable) and question.cohorts > 1 else 0
        if repair(question, placement, movable, steps, flaws, rng, shifted) == 0:
            return True
        if not steps or late():
            return False
    return False


def movable_units(question: Question) -> Ints:
    """The units that are not locked."""
    return np.flatnonzero(question.lock < 0).astype(np.int64)


def placed_at(question: Question, where: Sequence[int]) -> Placement:
    """The placement with unit u in cohort ``where[u]``."""
    placement = nobody_placed(question)
    anchors: Bits = np.zeros((question.cohorts, question.slots.shape[1]), np.uint64)
    fixed = question._replace(lock=np.array(where, np.int64))
    place_all(fixed, placement, np.arange(len(where)), anchors, 0, seeded(0))
    return placement
