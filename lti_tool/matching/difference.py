"""How far two ways to form cohorts of the same people are from each other, whatever their cohorts are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Cohorts = Sequence[Sequence[str]]


def people_elsewhere(one: Cohorts, other: Cohorts) -> int:
    """How many people have other company: those outside what is shared when each cohort is taken for the one with
    which it shares most people, the largest shares first.

    >>> people_elsewhere([["a", "b"], ["c", "d"]], [["c", "d"], ["a", "b"]])
    0
    >>> people_elsewhere([["a", "b"], ["c", "d"]], [["a", "c"], ["b", "d"]])
    2
    """
    place = {person: position for position, members in enumerate(one) for person in members}
    shared = Counter(
        (place[person], position) for position, members in enumerate(other) for person in members if person in place
    )
    staying, taken_here, taken_there = 0, set[int](), set[int]()
    for (here, there), people in sorted(shared.items(), key=lambda share: (-share[1], share[0])):
        if here not in taken_here and there not in taken_there:
            taken_here.add(here)
            taken_there.add(there)
            staying += people
    return sum(map(len, other)) - staying
