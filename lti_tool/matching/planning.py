"""The pairs of a whole run, planned ahead and planned again from what really happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from lti_tool.matching.pairing import Group, History, meetings, pair
from lti_tool.matching.rotation import repeat_free_rounds

ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """One tuple of groups for each coming session, and how many meetings in them repeat an earlier one."""

    rounds: tuple[tuple[Group, ...], ...]
    repeats: int


def plan_run(
    members: Sequence[str],
    sessions: int,
    *,
    history: History = (),
    must_not_meet: Iterable[Sequence[str]] = (),
    seed: int = 0,
) -> Plan:
    """Plan the coming sessions for when all members are there.

    Repeat-free from an empty history up to ``repeat_free_sessions(len(members)).lower`` sessions, as long as
    nobody must not meet; otherwise the best of several attempts. With the same seed, a plan made after its
    own first sessions goes on as the earlier one did.
    """
    forbidden = [tuple(group) for group in must_not_meet]
    best = _attempt(list(members), sessions, history, forbidden, seed)
    for attempt in range(1, ATTEMPTS):
        if _badness(best, members) == (0, 0):
            break
        plan = _attempt(list(members), sessions, history, forbidden, seed + attempt)
        best = min(best, plan, key=lambda plan: _badness(plan, members))
    return best


def _badness(plan: Plan, members: Sequence[str]) -> tuple[int, int]:
    left_out = sum(len(members) - sum(map(len, groups)) for groups in plan.rounds)
    return left_out, plan.repeats


def _attempt(members: list[str], sessions: int, history: History, forbidden: list[Group], seed: int) -> Plan:
    """Rounds of a known schedule that repeat nothing, then session by session the best that is left."""
    before = [[tuple(group) for group in groups] for groups in history]
    avoided = meetings(forbidden).union(*(meetings(groups) for groups in before))
    rounds = [r for r in _template(members, seed) if not meetings(r) & avoided][:sessions]
    repeats = 0
    while len(rounds) < sessions:
        pairs = pair(members, [*before, *rounds], forbidden, seed=seed + len(rounds))
        repeats += pairs.repeats
        rounds.append(pairs.groups)
    return Plan(tuple(rounds), repeats)


def _template(members: list[str], seed: int) -> list[tuple[Group, ...]]:
    names = list(members)
    Random(seed).shuffle(names)  # noqa: S311 - a repeatable choice, nothing secret
    return [tuple(tuple(names[i] for i in group) for group in groups) for groups in repeat_free_rounds(len(names))]
