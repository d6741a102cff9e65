"""How far two ways to form cohorts of the same people are from each other, whatever their cohorts are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Cohorts = Sequence[Sequence[str]]


def people_elsewhere(one: Cohorts, other: Cohorts) -> int:
    """How many people have other company.

    >>> people_elsewhere([["a", "b"], ["c", "d"]], [["c", "d"], ["a", "b"]])
    0
    >>> people_elsewhere([["a", "b"], ["c", "d"]], [["a", "c"], ["b", "d"]])
    2
    """
    return len(who_is_elsewhere(one, other))


def who_is_elsewhere(one: Cohorts, other: Cohorts) -> list[str]:
    """Who has other company: those outside what is shared when each cohort is taken for the one with which it shares
    most people, the largest shares first.
    """
    place = {person: position for position, members in enumerate(one) for person in members}
    shared = Counter(
        (place[person], position) for position, members in enumerate(other) for person in members if person in place
    )
    same, taken_here, taken_there = set[tuple[int, int]](), set[int](), set[int]()
    for (here, there), _people in sorted(shared.items(), key=lambda share: (-share[1], share[0])):
        if here not in taken_here and there not in taken_there:
            taken_here.add(here)
            taken_there.add(there)
            same.add((here, there))
    return [
        person
        for position, members in enumerate(other)
        for person in members
        if person not in place or (place[person], position) not in same
    ]
