"""Thousands of histories in memory: whatever happens in whatever order, the promises of `promises.py` hold."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.simulation import memory, moves
from tests.simulation.broken import BROKEN, Broken
from tests.simulation.lms import HABITS, Habits
from tests.simulation.moves import History
from tests.simulation.promises import BrokenPromiseError

SEEDS = 600
MANY = 40_000


def what_breaks(history: History, habits: Habits) -> str | None:
    """What is wrong after a history, if anything is."""
    try:
        memory.play(history, habits, moves.CELLS)
    except BrokenPromiseError as error:
        return str(error)
    return None


def first_failure(seeds: Iterable[int]) -> str | None:
    """The shortest history of the first seed that fails, in words."""
    for seed in seeds:
        history, habits = moves.drawn(seed), HABITS[seed % len(HABITS)]
        if what_breaks(history, habits) is not None:
            shortest = moves.shortest(history, lambda part: what_breaks(part, habits) is not None)  # noqa: B023
            said = what_breaks(shortest, habits)
            return f"seed {seed} (LMS: {habits.name}): {said}\n{moves.told(shortest)}"
    return None


def test_whatever_happens_every_promise_about_a_grade_holds() -> None:
    failure = first_failure(range(SEEDS))
    assert failure is None, failure


@pytest.mark.long
def test_so_it_does_in_very_many_histories() -> None:
    failure = first_failure(range(SEEDS, MANY))
    assert failure is None, failure


def test_a_seed_replays_exactly() -> None:
    once, again = (memory.Memory(HABITS[1], moves.CELLS) for _ in range(2))
    once.play(moves.drawn(7))
    again.play(moves.drawn(7))
    assert (once.cells, once.lms.grades, once.promises.sends) == (again.cells, again.lms.grades, again.promises.sends)
    assert moves.drawn(7) != moves.drawn(8)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_broken_worker_is_caught_with_a_history_that_a_person_can_read(
    broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.breaks(monkeypatch)
    failure = first_failure(range(3_000))
    assert failure is not None
    assert broken.promise in failure
    print(f"{broken.name}: {failure}")  # noqa: T201 - shown with -s
