"""The long soak: `python -m tests.soak` plays it on SQLite, and on PostgreSQL with Redis where there is one."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lti_tool.demo.processes import free_port
from tests.soak.soak import Counts, Soak, soaking
from tests.support import postgres

PEOPLE = 10_000  # with two columns each
SECONDS = 1200.0  # of faults, kills and changes at the very most
KILL_AFTER = 700  # cells that came through
KILL_SECONDS = 60.0  # or so long, if they did not
SETTLE_SECONDS = 900.0
CUT_SECONDS = 60.0
BEHIND = 280.0  # an LMS refuses what was signed five minutes ago


def play(soak: Soak) -> Counts:
    """Change, fail, kill and type for a while; then let everything come to rest."""
    soak.wish(1.0)
    soak.fail()
    soak.workers.start()
    enough, stop_at = soak.open_cells() // 20, time.monotonic() + SECONDS
    while (left := soak.open_cells()) > enough and time.monotonic() < stop_at:
        print(f"  {left} cells on their way", flush=True)
        soak.wait(KILL_SECONDS, lambda: soak.open_cells() < left - KILL_AFTER)
        soak.workers.kill(random.randint(1, 2))
        soak.workers.start()
        soak.hurry()
        soak.wish(0.005)
        if soak.has_column:
            soak.type_grades(0.002)
    soak.empty_queue()
    soak.restart_database()
    soak.cut_network(CUT_SECONDS)
    soak.recover()
    soak.wait(SETTLE_SECONDS, lambda: soak.open_cells() == 0, soak.hurry)
    soak.read_back()
    soak.wait(SETTLE_SECONDS, lambda: soak.open_cells() == 0, soak.hurry)
    return soak.counts()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of a Redis server of this run; empty where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        yield ""
        return
    port = free_port()
    command = [program, "--port", str(port), "--save", "", "--dir", str(folder), "--bind", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            while not _answers(port):
                time.sleep(0.1)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(name: str, people: int, database_url: str = "", queue_url: str = "", behind: float = 0.0) -> bool:
    """One soak; prints its counts."""
    print(f"{name}: {people * 2} cells", flush=True)
    urls = {"database_url": database_url, "queue_url": queue_url}
    with (
        tempfile.TemporaryDirectory() as folder,
        soaking(Path(folder), people=people, behind=behind, **urls) as soak,
    ):
        counts = play(soak)
    print(f"{name}: {counts}", flush=True)
    return counts.is_as_promised


def main() -> int:
    """Exit code 0 when everything was as promised. An argument sets the number of people."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    holds = run("SQLite", people)
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.running_server(Path(folder)) as server,
        postgres.fresh_database(server) as uri,
        redis(Path(folder)) as queue,
    ):
        holds &= run(f"PostgreSQL, queue in {'Redis' if queue else 'the database'}", people, uri, queue, BEHIND)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
