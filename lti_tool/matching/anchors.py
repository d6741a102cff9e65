"""Which slots each cohort could meet at: chosen first, so that people can be placed where they have time."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from lti_tool.matching.instance import Instance


def choose_anchors(instance: Instance, rng: Random) -> list[int]:
    """As many slots as are needed for each cohort, as bits; everybody should have time in several cohorts.

    One cohort after the other takes the slots that most people named, where those count less who have time in
    cohorts chosen before.
    """
    allowed = _slots_of_locked(instance)
    weight = [size * rng.uniform(0.8, 1.2) for size in instance.sizes]
    anchors = [0] * instance.count
    order = list(range(instance.count))
    rng.shuffle(order)
    for cohort in order:
        anchors[cohort] = _most_wanted(instance, weight, allowed[cohort])
        for unit, slots in enumerate(instance.slots):
            if not anchors[cohort] & ~slots:
                weight[unit] /= 2
    return anchors


def _slots_of_locked(instance: Instance) -> list[int]:
    allowed = [-1] * instance.count
    for unit, cohort in enumerate(instance.lock):
        if cohort >= 0:
            allowed[cohort] &= instance.slots[unit]
    return allowed


def _most_wanted(instance: Instance, weight: list[float], allowed: int) -> int:
    """Slot by slot, the one that weighs most among the units that have all those taken before."""
    taken = 0
    for _ in range(instance.slots_needed):
        score: defaultdict[int, float] = defaultdict(float)
        for unit, slots in enumerate(instance.slots):
            free = 0 if taken & ~slots else slots & allowed & ~taken
            while free:
                lowest = free & -free
                score[lowest] += weight[unit]
                free ^= lowest
        if not score:
            break
        taken |= max(score, key=lambda slot: (score[slot], slot))
    return taken
