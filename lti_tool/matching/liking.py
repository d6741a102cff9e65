"""What people would rather practise with, from what is known about them; who has no value wishes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

Liking = dict[str, dict[str, float]]
"""person -> possible partner -> 0 to 1, the same both ways."""


def different(values: Mapping[str, str]) -> Liking:
    """Somebody with another value."""
    return _each_way({(a, b): 1.0 for a, b in combinations(values, 2) if values[a] != values[b]})


def far_apart(levels: Mapping[str, float]) -> Liking:
    """Somebody whose level is far from one's own: the most experienced with the newest.

    Places in the order of levels count, not levels themselves, so that one veteran does not outweigh all others.
    """
    steps = sorted(set(levels.values()))
    place = {level: number / max(1, len(steps) - 1) for number, level in enumerate(steps)}
    return _each_way({(a, b): abs(place[levels[a]] - place[levels[b]]) for a, b in combinations(levels, 2)})


def together(likings: Iterable[Liking]) -> Liking:
    """Several wishes at once, each with the same weight."""
    several = list(likings)
    total: Liking = {}
    for liking in several:
        for person, others in liking.items():
            mine = total.setdefault(person, {})
            for other, value in others.items():
                mine[other] = mine.get(other, 0.0) + value / len(several)
    return total


def _each_way(values: Mapping[tuple[str, str], float]) -> Liking:
    liking: Liking = {}
    for (a, b), value in values.items():
        liking.setdefault(a, {})[b] = value
        liking.setdefault(b, {})[a] = value
    return liking
