"""Launches per second of one worker process, beside pylti1p3's own Flask classes.

A launch is complete when login and launch are done: state and nonce made, the browser sent to the platform
and back with a signed message, the signature checked, tenant, course, link, person, enrolment and visit in
the database, the state used up. The peer is the library as its documentation shows it, with its key cache
and its launch data in memory, plus the same rows by SQLAlchemy's statements as its documentation shows them, in
two transactions. (It does less: a state has no end, a nonce can be used again, nobody gets a cookie for the
visit, nothing is logged, platforms are not in the database.) Both run in a granian
worker of their own with the same threads and the same settings of SQLite. The library without any rows is
shown too, without a goal.

Half of a round's launches are of people who come for the first time, half of people who come again.

The figure is launches per second of CPU that the worker uses (user and system, read from the worker itself).
The browsers sign each message, since a nonce is known only after its login, and on two cores they and whatever
else runs there take time from a worker that is not the worker's own; a worker's threads share one
interpreter, so its CPU is what limits it. The figure by the clock is shown beside it, without a goal. Servers
take turns.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.request import urlopen

from benchmarks.launch_load import Platform, launch_all, serving
from benchmarks.launch_servers import CPU, PLATFORMS
from lti_tool.demo.processes import free_port

if TYPE_CHECKING:
    from benchmarks.__main__ import Row

ROOT = Path(__file__).parent.parent
ROUNDS = 7
PEOPLE = 75
THREADS = 8
GOAL = 0.9
START_SECONDS = 30.0
TABLES = ("lti_login_state", "tenant", "course", "course_link", "person", "enrolment", "visit")


@dataclass
class Server:
    """A worker under measurement. Figures are launches per second, one for each round."""

    base: str
    database: Path
    by_cpu: list[float] = field(default_factory=list)
    by_clock: list[float] = field(default_factory=list)

    def cpu(self) -> float:
        with urlopen(self.base + CPU, timeout=10) as answer:  # noqa: S310 - our own http address
            return float(answer.read())

    def rows(self) -> dict[str, int]:
        with sqlite3.connect(self.database) as connection:
            return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}  # noqa: S608


def run() -> list[Row]:
    """The rows of the table. Raises RuntimeError if a launch fails or the servers wrote different rows."""
    platform = Platform()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(serving(platform))
        ours, peer, alone = (
            stack.enter_context(running(factory, folder, platform))
            for factory in ("ours", "library_and_rows", "library_alone")
        )
        for number in range(ROUNDS + 1):
            for server in (ours, peer, alone):
                measure(server, platform, number)
        if ours.rows() != peer.rows():
            raise RuntimeError(f"not the same rows: {ours.rows()} and {peer.rows()}")
    return [
        row("launches: one worker, by its CPU", ours.by_cpu, peer.by_cpu, GOAL),
        row("launches: one worker, by the clock", ours.by_clock, peer.by_clock, None),
        row("launches: peer without a database, by its CPU", ours.by_cpu, alone.by_cpu, None),
    ]


def measure(server: Server, platform: Platform, number: int) -> None:
    """One round; the first is for warming up."""
    people = [f"person-{number}-{i}" for i in range(PEOPLE)]
    began, used = time.perf_counter(), server.cpu()
    launch_all(platform, server.base, people * 2)
    if number:
        server.by_clock.append(2 * PEOPLE / (time.perf_counter() - began))
        server.by_cpu.append(2 * PEOPLE / (server.cpu() - used))


def row(name: str, ours: list[float], peer: list[float], goal: float | None) -> Row:
    """Medians of the rounds; the ratio is the median of each round's, since its servers ran in the same moment."""
    ratio = median(one / other for one, other in zip(ours, peer, strict=True))
    return {
        "name": name,
        "ours": median(ours),
        "peer": median(peer),
        "unit": "launches/s",
        "ratio": ratio,
        "goal": goal,
        "holds": None if goal is None else ratio >= goal,
    }


@contextmanager
def running(factory: str, folder: Path, *platforms: Platform) -> Iterator[Server]:
    """A granian worker with the WSGI app that `factory` makes, on a free port, with a database of its own."""
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", folder / f"{factory}.db")
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PEERLOOP_BASE_URL": server.base,
        "PEERLOOP_DATABASE_URL": f"sqlite:///{server.database}",
        "PEERLOOP_KEYS_DIR": str(folder),
        "PEERLOOP_ALLOW_PRIVATE_PLATFORMS": "true",
        PLATFORMS: json.dumps([platform.registration() for platform in platforms]),
    }
    options = f"--interface wsgi --host 127.0.0.1 --port {port} --workers 1 --blocking-threads {THREADS}"
    target = f"benchmarks.launch_servers:{factory}"
    command = [sys.executable, "-m", "granian", *options.split(), "--log-level", "warning", "--factory", target]
    log = folder / f"{factory}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)  # noqa: S603
    try:
        wait_for(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the worker answers. Raises RuntimeError with its last words if it never does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            server.cpu()
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-4000:]}")
