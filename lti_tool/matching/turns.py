"""Whose turn it is in a group: who practises first, who coaches them, and who of three observes first.

A group's order says it all. In a session everybody practises once, so what has to be fair is who begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import permutations

Group = tuple[str, ...]


def in_turn(groups: Iterable[Group], history: Sequence[Iterable[Group]]) -> list[Group]:
    """The same groups, each in the order that is fairest after what happened.

    In this order: those observe first who did so the fewest times; each person practises first as often as they coach
    first; who practised first the longest ago does so again. Which group one is in is given, so what is fairest for
    each group is so for all.
    """
    ahead, observed, last = defaultdict[str, int](int), defaultdict[str, int](int), defaultdict[str, int](int)
    for session, earlier in enumerate(history, start=1):
        for first, *others in earlier:
            ahead[first] += 1
            last[first] = session
            for person in others[:1]:
                ahead[person] -= 1
            for person in others[1:]:
                observed[person] += 1

    def unfairness(group: Group) -> tuple[int, int, int]:
        first, *others = group
        watching = sum(2 * observed[person] + 1 for person in others[1:])
        leading = (ahead[first] + 1) ** 2 + sum((ahead[person] - 1) ** 2 for person in others[:1])
        return watching, leading + sum(ahead[person] ** 2 for person in others[1:]), last[first]

    return [min(permutations(group), key=unfairness) for group in groups]
