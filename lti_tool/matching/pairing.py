"""Who practises with whom in one session, from those who are present and from what happened before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from lti_tool.matching.perfect import cheapest_matching, matching_below, vertex_prices

Group = tuple[str, ...]
History = Sequence[Iterable[Sequence[str]]]
"""What happened in each earlier session, the oldest first: the groups that really met."""

Preferences = Mapping[str, Mapping[str, float]]
"""person -> possible partner -> how much they would like that, 0 to 1."""

PREFERENCE_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Groups of one session. ``unpaired`` are people for whom no partner was allowed, or who came alone.

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
    costs = _Costs(people, history, must_not_meet, preferences or {}, planned)
    if len(people) < 2:
        text = f"{people[0]} is alone today" if people else "nobody is present"
        return Pairs((), tuple(people), 0, text)
    chosen = _with_trio(costs) if len(people) % 2 else _without_trio(costs)
    return _result(costs, chosen, list(present))


class _Costs:
    """The order of what matters, as one whole number for each two people."""

    def __init__(
        self,
        people: list[str],
        history: History,
        must_not_meet: Iterable[Sequence[str]],
        preferences: Preferences,
        planned: Iterable[Sequence[str]],
    ) -> None:
        self.people = people
        self.forbidden = meetings(must_not_meet)
        self.last: dict[frozenset[str], int] = {}
        self.times: dict[frozenset[str], int] = {}
        for session, groups in enumerate(history, start=1):
            for meeting in meetings(groups):
                self.last[meeting] = session
                self.times[meeting] = self.times.get(meeting, 0) + 1
        self.planned = meetings(planned)
        # A level must outweigh everything below it, summed over all meetings of the session.
        most = len(people) // 2 + 3
        self.w_plan = 2 * PREFERENCE_STEPS * most + 1
        self.w_times = self.w_plan * (most + 1)
        self.w_last = self.w_times * (most * (len(history) + 1) + 1)
        self.w_repeat = self.w_last * (most * (len(history) + 1) + 1)
        self.w_unpaired = self.w_repeat * (most + 1)
        self.matrix = [[self._pair(a, b, preferences) for b in people] for a in people]

    def _pair(self, a: str, b: str, preferences: Preferences) -> int:
        meeting = frozenset((a, b))
        if meeting in self.forbidden:
            return 2 * self.w_unpaired
        cost = 2 * PREFERENCE_STEPS - _steps(preferences, a, b) - _steps(preferences, b, a)
        cost += self.w_plan * (meeting not in self.planned)
        if meeting in self.last:
            cost += self.w_repeat + self.w_last * self.last[meeting] + self.w_times * self.times[meeting]
        return cost

    def allowed(self, i: int, j: int) -> bool:
        return self.matrix[i][j] < self.w_unpaired

    def trio(self, members: tuple[int, int, int]) -> tuple[int, tuple[int, ...]]:
        """What three people cost together, and who of them really meets: all, two, or nobody."""
        duos = list(combinations(members, 2))
        if all(self.allowed(i, j) for i, j in duos):
            return sum(self.matrix[i][j] for i, j in duos), members
        cost, best = min((self.matrix[i][j], (i, j)) for i, j in duos)
        if self.allowed(*best):
            return cost + self.w_unpaired, best
        return 3 * self.w_unpaired, ()


def meetings(groups: Iterable[Sequence[str]]) -> set[frozenset[str]]:
    """Every two people who are in one group."""
    return {frozenset(duo) for group in groups for duo in combinations(group, 2)}


def _steps(preferences: Preferences, a: str, b: str) -> int:
    liking = preferences.get(a, {}).get(b, 0.0)
    if not 0 <= liking <= 1:
        raise ValueError(f"the preference of {a} for {b} is not between 0 and 1")
    return round(liking * PREFERENCE_STEPS)


def _without_trio(costs: _Costs) -> list[tuple[int, ...]]:
    _, duos = cheapest_matching(costs.matrix, range(len(costs.people)))
    return [duo for duo in duos if costs.allowed(*duo)]


def _with_trio(costs: _Costs) -> list[tuple[int, ...]]:
    """Each possible trio with a cheapest matching of the others, the most promising first."""
    everyone = range(len(costs.people))
    price = vertex_prices(costs.matrix, everyone) if len(everyone) > 3 else dict.fromkeys(everyone, 0)
    total = sum(price.values())
    promising = sorted(
        (2 * costs.trio(trio)[0] + total - sum(price[i] for i in trio), trio) for trio in combinations(everyone, 3)
    )
    best_trio = promising[0][1]
    rest, duos = cheapest_matching(costs.matrix, _others(costs, best_trio))
    least = costs.trio(best_trio)[0] + rest
    for twice_bound, trio in promising[1:]:
        if twice_bound >= 2 * least:
            break
        cost = costs.trio(trio)[0]
        better = matching_below(costs.matrix, _others(costs, trio), least - cost)
        if better is not None:
            best_trio, duos, least = trio, better[1], cost + better[0]
    meeting = costs.trio(best_trio)[1]
    chosen: list[tuple[int, ...]] = [duo for duo in duos if costs.allowed(*duo)]
    return [*chosen, meeting] if meeting else chosen


def _others(costs: _Costs, trio: tuple[int, int, int]) -> list[int]:
    return [i for i in range(len(costs.people)) if i not in trio]


def _result(costs: _Costs, chosen: list[tuple[int, ...]], present: list[str]) -> Pairs:
    order = {person: i for i, person in enumerate(present)}
    groups = sorted(
        (tuple(sorted((costs.people[i] for i in group), key=order.__getitem__)) for group in chosen),
        key=lambda group: order[group[0]],
    )
    placed = {person for group in groups for person in group}
    unpaired = tuple(person for person in present if person not in placed)
    repeats = len(meetings(groups) & costs.last.keys())
    text = f"no allowed partner is left for {', '.join(unpaired)}" if unpaired else None
    return Pairs(tuple(groups), unpaired, repeats, text)
