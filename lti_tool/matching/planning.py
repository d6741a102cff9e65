"""The pairs of a whole run, planned ahead and planned again from what really happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from lti_tool.matching.pairing import Group, History, Preferences, meetings, pair
from lti_tool.matching.rotation import repeat_free_rounds

ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """One tuple of groups for each coming session, and how many meetings in them repeat an earlier one.

    ``liked`` is what the preferences of all meetings sum up to.
    """

    rounds: tuple[tuple[Group, ...], ...]
    repeats: int
    liked: float


def plan_run(
    members: Sequence[str],
    sessions: int,
    *,
    history: History = (),
    must_not_meet: Iterable[Sequence[str]] = (),
    preferences: Preferences | None = None,
    seed: int = 0,
) -> Plan:
    """Plan the coming sessions for when all members are there.

    Repeat-free from an empty history up to ``repeat_free_sessions(len(members)).lower`` sessions, as long as
    nobody must not meet; otherwise the best of several attempts, and among those with the fewest repeats the one that
    people would like best. Without preferences and with the same seed, a plan made after its own first sessions goes
    on as the earlier one did.
    """
    run = _Run(list(members), sessions, history, [tuple(group) for group in must_not_meet], preferences or {})
    best = run.along_rotation(seed)
    for attempt in range(1, ATTEMPTS):
        if not run.preferences and run.badness(best)[:2] == (0, 0):
            break
        best = min(best, run.along_rotation(seed + attempt), key=run.badness)
        if run.preferences:
            best = min(best, run.one_by_one([], seed + attempt), key=run.badness)
    return best


@dataclass(frozen=True, slots=True)
class _Run:
    members: list[str]
    sessions: int
    history: History
    forbidden: list[Group]
    preferences: Preferences

    def badness(self, plan: Plan) -> tuple[int, int, float]:
        """What matters in a plan, in this order; less is better."""
        left_out = sum(len(self.members) - sum(map(len, groups)) for groups in plan.rounds)
        return left_out, plan.repeats, -plan.liked

    def along_rotation(self, seed: int) -> Plan:
        """Rounds of a known schedule that repeat nothing, then session by session the best that is left."""
        avoided = meetings(self.forbidden).union(*(meetings(groups) for groups in self.history))
        rounds = [groups for groups in _rotation(self.members, seed) if not meetings(groups) & avoided]
        return self.one_by_one(rounds[: self.sessions], seed)

    def one_by_one(self, rounds: Sequence[tuple[Group, ...]], seed: int) -> Plan:
        """These rounds, then session by session the best that is left."""
        planned, before, repeats = list(rounds), [list(groups) for groups in self.history], 0
        while len(planned) < self.sessions:
            pairs = pair(
                self.members, [*before, *planned], self.forbidden, self.preferences, seed=seed + len(planned)
            )
            repeats += pairs.repeats
            planned.append(pairs.groups)
        liked = sum(
            self.preferences.get(a, {}).get(b, 0.0) + self.preferences.get(b, {}).get(a, 0.0)
            for groups in planned
            for a, b in meetings(groups)
        )
        return Plan(tuple(planned), repeats, liked)


def _rotation(members: list[str], seed: int) -> list[tuple[Group, ...]]:
    names = list(members)
    Random(seed).shuffle(names)  # noqa: S311 - a repeatable choice, nothing secret
    return [tuple(tuple(names[i] for i in group) for group in groups) for groups in repeat_free_rounds(len(names))]
