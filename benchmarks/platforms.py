"""What many platforms cost: a launch among 20,000 stored ones, and the readings of key sets.

The launch is that of `benchmarks.launches`, by the worker's CPU. Peerloop with 20,000 platforms stored runs beside
Peerloop with one; half of the others share the issuer of the one that is launched from, as the customers of a cloud
do. Readings are counted by the platforms themselves over 1,000 launches, four at a time from the first one on; the
peer is pylti1p3 with its key cache.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.launch_load import Platform, launch_all, serving
from benchmarks.launch_servers import MANY
from benchmarks.launches import ROUNDS, measure, row, running

if TYPE_CHECKING:
    from benchmarks.__main__ import Row

GOAL = 0.9
PLATFORMS = 10
LAUNCHES = 1000


def run() -> list[Row]:
    """The rows of the table."""
    return [launch_among_many(), readings_of_key_sets()]


def launch_among_many() -> Row:
    """Launches per second of CPU, beside the same with one platform stored."""
    platform = Platform()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(serving(platform))
        many, one = (
            stack.enter_context(running(factory, folder, platform)) for factory in ("ours_among_many", "ours")
        )
        for number in range(ROUNDS + 1):
            for server in (many, one):
                measure(server, platform, number)
    return row(f"launches: among {MANY:,} platforms, by CPU", many.by_cpu, one.by_cpu, GOAL)


def readings_of_key_sets() -> Row:
    """How often the key set is read that is read most often."""
    counted = {factory: most_readings(factory) for factory in ("ours", "library_alone")}
    return {
        "name": f"key set of one of {PLATFORMS} platforms, in {LAUNCHES:,} launches",
        "ours": counted["ours"],
        "peer": counted["library_alone"],
        "unit": "readings, at most",
        "ratio": None,
        "goal": 1,
        "holds": counted["ours"] == 1,
    }


def most_readings(factory: str) -> int:
    """Launch from every platform in turn; the most readings that one of them has counted."""
    platforms = [Platform() for _ in range(PLATFORMS)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for platform in platforms:
            stack.enter_context(serving(platform))
        server = stack.enter_context(running(factory, folder, *platforms))
        people = [f"person-{number}" for number in range(LAUNCHES // PLATFORMS)]
        for platform in platforms:
            launch_all(platform, server.base, people)
    return max(platform.key_set_reads for platform in platforms)
