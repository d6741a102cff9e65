"""The same histories through real transactions, with the real worker above a network that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lti_tool.lti import wire
from tests.conftest import MakeApp
from tests.simulation import moves
from tests.simulation.lms import HABITS, Habits
from tests.simulation.moves import WORKERS, History
from tests.simulation.promises import BrokenPromiseError
from tests.simulation.tables import Tables, simulated
from tests.simulation.workers import Worker

SEEDS = 12
LENGTH = 60
MANY = 1_000

PlayOne = Callable[[History, Habits, int], None]


@pytest.fixture
def play(make_app: MakeApp) -> Iterator[PlayOne]:
    """Plays a history with two workers, each with an app of its own, on one SQLite file."""
    app = make_app()
    with app.app_context():
        wire.ensure_signing_key()
        tables = Tables({name: Worker(make_app()) for name in WORKERS}, moves.CELLS)
        with simulated(tables) as one:
            yield one


def what_breaks(play: PlayOne, history: History, seed: int) -> str | None:
    """What is wrong after a history, if anything is."""
    try:
        play(history, HABITS[seed % len(HABITS)], seed)
    except BrokenPromiseError as error:
        return str(error)
    return None


def check(play: PlayOne, seeds: range) -> None:
    """Every history holds; one that does not is told by its shortest part."""
    for seed in seeds:
        history = moves.drawn(seed, length=LENGTH)
        if what_breaks(play, history, seed) is None:
            continue
        shortest = moves.shortest(history, lambda part: what_breaks(play, part, seed) is not None)  # noqa: B023
        pytest.fail(f"seed {seed}: {what_breaks(play, shortest, seed)}\n{moves.told(shortest)}")


def test_whatever_happens_every_promise_holds_through_real_transactions(play: PlayOne) -> None:
    check(play, range(SEEDS))


@pytest.mark.long
def test_so_it_does_in_many_histories(play: PlayOne) -> None:
    check(play, range(SEEDS, MANY))
