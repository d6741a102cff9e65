"""Who practises with whom in one session, from those who are present and from what happened before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

import numpy as np

from lti_tool.matching.cheapest import LARGEST, cheapest_matching, cheapest_with_trio
from lti_tool.matching.compiled.jit import Ints
from lti_tool.matching.turns import in_turn

Group = tuple[str, ...]
History = Sequence[Iterable[Sequence[str]]]
"""What happened in each earlier session, the oldest first: the groups that really met, in the order of turns."""

Preferences = Mapping[str, Mapping[str, float]]
"""person -> possible partner -> how much they would like that, 0 to 1."""

PREFERENCE_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Groups of one session, each in the order of its turns (see ``turns``). ``unpaired`` are people for whom no
    partner was allowed, or who came alone.

    ``repeats`` counts meetings of people who have met before; a trio is three meetings.
    """

    groups: tuple[Group, ...]
    unpaired: tuple[str, ...]
    repeats: int
    text: str | None = None


def pair(
    present: Sequence[str],
    history: History = (),
    must_not_meet: Iterable[Sequence[str]] = (),
    preferences: Preferences | None = None,
    *,
    planned: Iterable[Sequence[str]] = (),
    seed: int = 0,
) -> Pairs:
    """Pair those who are present; one trio when their number is odd.

    In this order: as few people as possible without a partner, given that must-not-meet is never broken;
    fewest repeats; repeats of the longest-ago meetings; fewest earlier meetings of those repeated;
    ``planned`` groups kept, so that later sessions stay free of repeats; preferences. The seed decides among
    equals. Raises ValueError when somebody is present twice, or a preference is not between 0 and 1.
    """
    people = list(present)
    if len(set(people)) != len(people):
        raise ValueError("somebody is present twice")
    Random(seed).shuffle(people)  # noqa: S311 - a repeatable tie-break, nothing secret
    if len(people) < 2:
        text = f"{people[0]} is alone today" if people else "nobody is present"
        return Pairs((), tuple(people), 0, text)
    past = [[tuple(group) for group in groups] for groups in history]
    index = {person: i for i, person in enumerate(people)}
    last, times = _met(past, index)
    costs, alone = _weigh(last, [times, _unplanned(planned, index), _dislike(preferences or {}, index)])
    i, j, _sessions = _duos([must_not_meet], index)
    costs[i, j] = costs[j, i] = 2 * alone
    np.fill_diagonal(costs, 0)
    chosen = _cheapest_groups(costs, alone)
    repeats = sum(bool(last[duo]) for group in chosen for duo in combinations(group, 2))
    groups = _sorted([tuple(people[i] for i in group) for group in chosen], present)
    return _result(in_turn(groups, past), repeats, present)


def meetings(groups: Iterable[Sequence[str]]) -> set[frozenset[str]]:
    """Every two people who are in one group."""
    return {frozenset(duo) for group in groups for duo in combinations(set(group), 2)}


def _duos(sessions: Iterable[Iterable[Sequence[str]]], index: Mapping[str, int]) -> tuple[list[int], ...]:
    """The indices of each two people of a group who are both here, and the number of the session, from 1."""
    found = [
        (i, j, session)
        for session, groups in enumerate(sessions, start=1)
        for group in groups
        for i, j in combinations([index[person] for person in group if person in index], 2)
    ]
    return tuple(map(list, zip(*found, strict=True))) if found else ([], [], [])


def _met(history: Sequence[Sequence[Group]], index: Mapping[str, int]) -> tuple[Ints, Ints]:
    """Of each two people the last session in which they met (0: in none), and how often they did."""
    last, times = np.zeros((2, len(index), len(index)), dtype=np.int64)
    i, j, session = _duos(history, index)
    last[i, j] = session
    np.add.at(times, (i, j), 1)
    return np.maximum(last, last.T), times + times.T


def _unplanned(planned: Iterable[Sequence[str]], index: Mapping[str, int]) -> Ints:
    i, j, _session = _duos([planned], index)
    unplanned = np.full((len(index), len(index)), bool(i), dtype=np.int64)
    unplanned[i, j] = unplanned[j, i] = 0
    return unplanned


def _dislike(preferences: Preferences, index: Mapping[str, int]) -> Ints:
    people = list(index)
    liking = np.zeros((len(people), len(people)))
    for person, others in preferences.items():
        if person in index:
            liking[index[person]] = [others.get(other, 0.0) for other in people]
    wrong = np.argwhere(~((liking >= 0) & (liking <= 1)))
    if len(wrong):
        person, other = (people[number] for number in wrong[0])
        raise ValueError(f"the preference of {person} for {other} is not between 0 and 1")
    steps = np.rint(liking * PREFERENCE_STEPS).astype(np.int64)
    both = steps + steps.T
    dislike: Ints = both.max() - both
    return dislike


def _weigh(last: Ints, levels: Sequence[Ints]) -> tuple[Ints, int]:
    """What each two people cost, in one number by the order of what matters; and what one without a partner costs."""
    most = len(last) // 2 + 2  # meetings in a session
    total, weight = np.zeros_like(last), 1
    for level in reversed([(last > 0).astype(np.int64), last, *levels]):
        above = weight * (most * int(level.max()) + 1)
        if 2 * above * len(last) > LARGEST:
            raise ValueError("these are too many people and sessions to be weighed exactly")
        # A level outweighs whatever those below it can sum up to.
        total += weight * level
        weight = above
    return total, weight


def _cheapest_groups(costs: Ints, alone: int) -> list[tuple[int, ...]]:
    """The groups of a cheapest solution; who has no partner is in none."""
    if len(costs) % 2 == 0:
        return _allowed(cheapest_matching(costs), costs, alone)
    trio, duos = cheapest_with_trio(costs)
    if all(costs[duo] < alone for duo in [*combinations(trio, 2), *duos]):
        return [trio, *duos]
    # Somebody stays alone in any case: then three who may not all meet are no better than two of them.
    nobody = np.pad(costs, (0, 1), constant_values=alone)
    with_nobody = [duo for duo in cheapest_matching(nobody) if len(costs) not in duo]
    allowed = [_allowed([trio, *duos], costs, alone), _allowed(with_nobody, costs, alone)]
    return min(allowed, key=lambda groups: _cost(groups, costs, alone))


def _allowed(groups: Iterable[tuple[int, ...]], costs: Ints, alone: int) -> list[tuple[int, ...]]:
    return [group for group in groups if all(costs[duo] < alone for duo in combinations(group, 2))]


def _cost(groups: Sequence[tuple[int, ...]], costs: Ints, alone: int) -> int:
    unpaired = len(costs) - sum(map(len, groups))
    return alone * unpaired + sum(int(costs[duo]) for group in groups for duo in combinations(group, 2))


def _sorted(groups: list[Group], present: Sequence[str]) -> list[Group]:
    order = {person: i for i, person in enumerate(present)}
    within = [tuple(sorted(group, key=order.__getitem__)) for group in groups]
    return sorted(within, key=lambda group: order[group[0]])


def _result(groups: list[Group], repeats: int, present: Sequence[str]) -> Pairs:
    placed = {person for group in groups for person in group}
    unpaired = tuple(person for person in present if person not in placed)
    text = f"no allowed partner is left for {', '.join(unpaired)}" if unpaired else None
    return Pairs(tuple(groups), unpaired, repeats, text)
