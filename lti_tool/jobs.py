"""Work outside of requests. The queue is only a bell; the database says what is due.

A room registers a job: a function that does one bounded unit of whatever is due and says whether it did
anything. A worker runs it when the bell rings, and again by a sweep, so that a bell that was lost (a killed
worker, an emptied queue) delays work and never loses it. `run_until_idle` does the same in the foreground.
"""

from __future__ import annotations

import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from flask import Flask, current_app
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.consumer import Consumer, ConsumerStopped
from sqlalchemy import String, delete, func, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

import config
from lti_tool import clock
from lti_tool.database import Base, after_commit, db, transaction

log = structlog.get_logger(__name__)

UNITS_A_RING = 500  # then the worker lets others have their turn; the sweep rings again
WORKER_THREADS = 4
IDLE_DELAY_SECONDS = 0.5
BEAT_SECONDS = 10.0
ALIVE = timedelta(seconds=60)  # a worker that was not seen for so long is dead
FORGOTTEN = timedelta(days=1)
STOP_SECONDS = 8  # what a stopping worker may take to finish the unit in its hands


@dataclass(frozen=True, slots=True)
class Job:
    """`run` does one unit of due work, seconds at most, and returns whether there was any."""

    name: str
    run: Callable[[], bool]
    every: timedelta


class Periodic(Base):
    """When a job's sweep is next due; whoever moves the time first does the work."""

    __tablename__ = "periodic"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    next_at: Mapped[datetime]


class Heartbeat(Base):
    """A worker that runs, and when it last said so."""

    __tablename__ = "worker_heartbeat"

    worker: Mapped[str] = mapped_column(String(120), primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


def register(app: Flask, job: Job) -> None:
    """Make `job` known to this app's workers."""
    _jobs(app)[job.name] = job


def _jobs(app: Flask) -> dict[str, Job]:
    jobs: dict[str, Job] = app.extensions.setdefault("jobs", {})
    return jobs


def ring(session: Session, name: str) -> None:
    """Tell a worker, once the present transaction is committed, that there is work for the job `name`."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's documented target
    after_commit(session, ("ring", name), lambda: _ring_now(app, name))


def _ring_now(app: Flask, name: str) -> None:
    try:
        app.extensions["bell"](name)
    except Exception:
        # The transaction stands and the sweep will find the work: a broken queue must not fail the request.
        log.exception("queue out of reach; the job waits for the sweep", job=name)


def run_once() -> dict[str, int]:
    """Let every job do what it finds due, in the foreground. Returns the number of units by job."""
    return {name: _run_units(job, threading.Event()) for name, job in _jobs(current_app).items()}


def run_until_idle() -> dict[str, int]:
    """The same again and again until nothing is due, since one job's work may make another's."""
    total: dict[str, int] = {}
    while any((done := run_once()).values()):
        total = {name: total.get(name, 0) + units for name, units in done.items()}
    return total or done


def _run_units(job: Job, stop: threading.Event) -> int:
    """The units that were done. Whatever is logged in the meantime bears the name of the job and one id."""
    units, began = 0, time.monotonic()
    with structlog.contextvars.bound_contextvars(job=job.name, job_id=secrets.token_hex(6)):
        while units < UNITS_A_RING and not stop.is_set() and job.run():
            units += 1
            db.session.remove()
        if units:
            log.info("job done", units=units, ms=round((time.monotonic() - began) * 1000, 1))
    return units


def stopping() -> threading.Event:
    """Set when this worker is to stop: begin nothing more that takes time."""
    stop: threading.Event = current_app.extensions["jobs_stop"]
    return stop


def connect_queue(app: Flask, settings: config.Settings) -> Huey:
    """The queue of `app` with its one task, which runs a job by name."""
    huey = _open_queue(settings)
    stop = threading.Event()

    def ring_job(name: str) -> None:
        with app.app_context():
            try:
                _run_units(_jobs(app)[name], stop)
            except Exception:
                # The database still says what is due, and the sweep rings again.
                log.exception("job failed", job=name)

    app.extensions["bell"] = huey.task(name="ring")(ring_job)
    app.extensions["huey"] = huey
    app.extensions["jobs_stop"] = stop
    return huey


def _open_queue(settings: config.Settings) -> Huey:
    url = settings.queue_url or _beside(settings.database_url)
    common: dict[str, Any] = {"name": "peerloop", "results": False}
    if url.startswith(("redis://", "rediss://")):
        return RedisHuey(url=url, **common)
    if url.startswith("postgresql"):
        return PostgresHuey(dsn=url.replace("postgresql+psycopg://", "postgresql://", 1), **common)
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(filename=str(path), **common)


def _beside(database_url: str) -> str:
    if not database_url.startswith("sqlite:"):
        return database_url
    path = Path(str(make_url(database_url).database))
    return f"sqlite:///{path.with_name(path.stem + '-queue.db')}"


def work(app: Flask) -> None:
    """Be a worker until SIGTERM or SIGINT; the unit in hand is finished first.

    Returns within ten seconds. A call that an LMS does not answer may then still hold a thread.
    """
    stop: threading.Event = app.extensions["jobs_stop"]
    sweeper = threading.Thread(target=_sweep_forever, args=(app, stop), name="sweeper", daemon=True)
    sweeper.start()
    consumer = app.extensions["huey"].create_consumer(
        workers=WORKER_THREADS,
        periodic=False,
        initial_delay=0.05,
        max_delay=IDLE_DELAY_SECONDS,
        graceful_signal="TERM",
        shutdown_timeout=STOP_SECONDS,
    )
    consumer.start()
    _stop_units_on(signal.SIGTERM, stop)
    _stop_units_on(signal.SIGINT, stop)
    _watch(consumer)
    sweeper.join(timeout=1.0)


def _stop_units_on(signum: signal.Signals, stop: threading.Event) -> None:
    """Let a signal end the round of units at once, beside what Huey does on it."""
    handle = signal.getsignal(signum)

    def handle_both(number: int, frame: FrameType | None) -> None:
        stop.set()
        if callable(handle):
            handle(number, frame)

    signal.signal(signum, handle_both)


def _watch(consumer: Consumer) -> None:
    """What `Consumer.run` does after it has started, which leaves no place to add to its signals."""
    checked_at = time.monotonic()
    while True:
        try:
            checked_at = consumer.loop(checked_at)
        except ConsumerStopped:
            return


def _sweep_forever(app: Flask, stop: threading.Event) -> None:
    worker, started_at, beat_at = f"{socket.gethostname()[:80]} {secrets.token_hex(6)}", clock.wall(), 0.0
    with app.app_context():
        while not stop.wait(1.0):
            try:
                if time.monotonic() >= beat_at:
                    beat(worker, started_at)
                    beat_at = time.monotonic() + BEAT_SECONDS
                sweep(app)
            except Exception:
                # A database that is away for a minute must not end the sweeps for good.
                log.exception("sweep failed; trying again")
            db.session.remove()
        leave(worker)


def beat(worker: str, started_at: datetime) -> None:
    """Say that this worker lives; forget those that died long ago."""
    now = clock.wall()
    with transaction() as session:
        session.merge(Heartbeat(worker=worker, started_at=started_at, seen_at=now))
        session.execute(delete(Heartbeat).where(Heartbeat.seen_at < now - FORGOTTEN))


def leave(worker: str) -> None:
    """Say that this worker has stopped."""
    with transaction() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.worker == worker))


def living(session: Session) -> int:
    """How many workers live."""
    query = select(func.count()).select_from(Heartbeat).where(Heartbeat.seen_at > clock.wall() - ALIVE)
    return session.scalar(query) or 0


def sweep(app: Flask) -> None:
    """Ring for every job whose sweep is due and that no other worker has taken."""
    for job in _jobs(app).values():
        if claim_sweep(job):
            app.extensions["bell"](job.name)


def claim_sweep(job: Job) -> bool:
    """Take the sweep of `job` that is due now; False when it is not, or somebody else has it."""
    now = clock.wall()
    following = now + job.every
    with transaction() as session:
        moved = session.execute(
            update(Periodic).where(Periodic.name == job.name, Periodic.next_at <= now).values(next_at=following)
        )
        if moved.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
            return True
        if session.get(Periodic, job.name) is not None:
            return False
    try:
        with transaction() as session:
            session.add(Periodic(name=job.name, next_at=following))
    except IntegrityError:
        return False
    return True
