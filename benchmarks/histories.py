"""How many drawn histories of grades a minute the deterministic simulation plays, in memory and through SQLite.

A minute is one of this process's CPU, since whatever else runs takes time that is not its own. The peer is the pace
that is wanted: so many that a change is tried in thousands of histories while somebody waits.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import config
from benchmarks.__main__ import Row
from lti_tool.app import create_app
from lti_tool.database import db
from lti_tool.lti import wire
from tests.simulation import memory, moves
from tests.simulation.lms import HABITS, Habits
from tests.simulation.moves import WORKERS, History
from tests.simulation.tables import Tables, simulated
from tests.simulation.workers import Worker

IN_MEMORY, IN_TABLES = 600, 24
STEPS_IN_TABLES = 60
WANTED_IN_MEMORY, WANTED_IN_TABLES = 2_000, 200


def run() -> list[Row]:
    """Both paces."""
    return [_in_memory(), _in_tables()]


def _in_memory() -> Row:
    histories = [moves.drawn(seed) for seed in range(IN_MEMORY)]
    pace = _a_minute(histories, lambda history, habits, _seed: memory.play(history, habits, moves.CELLS))
    return _row("histories of grades, in memory", pace, WANTED_IN_MEMORY)


def _in_tables() -> Row:
    histories = [moves.drawn(seed, length=STEPS_IN_TABLES) for seed in range(IN_TABLES)]
    with tempfile.TemporaryDirectory() as folder:
        settings = config.Settings(
            database_url=f"sqlite:///{Path(folder) / 'peerloop.db'}",
            queue_url=f"sqlite:///{Path(folder) / 'queue.db'}",
            keys_dir=Path(folder) / "keys",
        ).with_secrets()
        app = create_app(settings)
        with app.app_context():
            db.create_all()
            wire.ensure_signing_key()
            tables = Tables({name: Worker(create_app(settings)) for name in WORKERS}, moves.CELLS)
            with simulated(tables) as play:
                pace = _a_minute(histories, play)
            db.session.remove()
            db.engine.dispose()
    return _row("histories of grades, through SQLite", pace, WANTED_IN_TABLES)


def _a_minute(histories: list[History], play: Callable[[History, Habits, int], None]) -> float:
    began = time.process_time()
    for seed, history in enumerate(histories):
        play(history, HABITS[seed % len(HABITS)], seed)
    return 60 * len(histories) / (time.process_time() - began)


def _row(name: str, pace: float, wanted: float) -> Row:
    ratio = pace / wanted
    return {
        "name": name,
        "ours": pace,
        "peer": wanted,
        "unit": "a minute",
        "ratio": ratio,
        "goal": 1.0,
        "holds": ratio >= 1.0,
    }
