"""How many sessions a cohort can have before somebody must meet a partner again, and schedules that get
there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

Round = tuple[tuple[int, ...], ...]
"""One session of people 0…m-1: pairs, and one trio when m is odd."""


@dataclass(frozen=True, slots=True)
class RepeatFree:
    """The number of repeat-free sessions is ``lower`` at least (a schedule is known), ``upper`` at most."""

    lower: int
    upper: int

    @property
    def exact(self) -> int | None:
        return self.lower if self.lower == self.upper else None


def repeat_free_sessions(people: int) -> RepeatFree:
    """How many sessions everybody of a cohort can attend without meeting the same partner twice.

    Even sizes: people - 1, by the circle method. Odd sizes: each session spends (m + 3)/2 of the m(m - 1)/2
    possible meetings, so at most m(m - 1)/(m + 3) sessions. Up to 21 a stored schedule reaches that number,
    but for 5 (a second trio shares two people with the first session's groups) and 7 (exhaustive search: no
    four rounds).
    """
    if people < 2:
        return RepeatFree(0, 0)
    known = len(repeat_free_rounds(people))
    if people % 2 == 0 or people in (5, 7):
        return RepeatFree(known, known)
    return RepeatFree(known, people * (people - 1) // (people + 3))


def fewest_repeats(people: int, sessions: int) -> int:
    """How many repeated meetings must at least happen in so many sessions, everybody present (0: none need
    be).

    Exact for even sizes. For odd ones it is a bound: every meeting beyond the number of possible ones
    repeats, and so does one at least in each session beyond the repeat-free ones.
    """
    if people < 2:
        return 0
    meetings = people // 2 if people % 2 == 0 else (people + 3) // 2
    beyond_pairs = sessions * meetings - people * (people - 1) // 2
    beyond_sessions = sessions - repeat_free_sessions(people).upper
    return max(0, beyond_pairs, beyond_sessions)


@cache
def repeat_free_rounds(people: int) -> tuple[Round, ...]:
    """The longest known schedule in which nobody meets anybody twice."""
    if people < 2:
        return ()
    if people % 2 == 0:
        return _circle(people)
    return _stored().get(people) or _circle_with_trios(people)


def _circle(people: int) -> tuple[Round, ...]:
    """Round robin: one person stays, the others turn (https://en.wikipedia.org/wiki/Round-robin_tournament)."""
    turning = people - 1
    return tuple(
        (
            (r, people - 1),
            *(((r + k) % turning, (r - k) % turning) for k in range(1, people // 2)),
        )
        for r in range(turning)
    )


@cache
def _stored() -> dict[int, tuple[Round, ...]]:
    """Schedules with trios, found by search once; a letter is a person."""
    text = resources.files(__package__).joinpath("data/rotations.json").read_text("utf-8")
    return {
        int(people): tuple(
            tuple(tuple(ord(letter) - ord("a") for letter in group) for group in line.split()) for line in rounds
        )
        for people, rounds in json.loads(text).items()
    }


def _circle_with_trios(people: int) -> tuple[Round, ...]:
    """Rounds of the circle for one more; whoever would pair with nobody joins a pair, where that repeats
    nothing.
    """
    met: set[frozenset[int]] = set()
    rounds = []
    for pairs in _circle(people + 1):
        alone = next(min(pair) for pair in pairs if people in pair)
        real = [pair for pair in pairs if people not in pair]
        new = {frozenset(pair) for pair in real}
        for pair in real:
            joined = new | {frozenset((alone, other)) for other in pair}
            if not joined & met:
                met |= joined
                rounds.append(tuple((*p, alone) if p == pair else p for p in real))
                break
    return tuple(rounds)
