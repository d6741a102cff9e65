"""Real workers that are killed, an LMS that fails, and people who type grades: in the end, what does the LMS show?

The proof is the LMS's own: its gradebook, and its log of every score that arrived.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select, text, update

import config
from lti_tool import clock, schema
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.gradebook import reading
from lti_tool.gradebook.states import State, state_of
from lti_tool.gradebook.tables import Cell, Column, differs
from lti_tool.lti import wire
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person
from tests.gradebook.course import CONTEXT, CourseInLms, KeyServer
from tests.support.sandbox import SandboxProcess

FAULTS: tuple[dict[str, Any], ...] = (
    {"service": "scores", "kind": "status:503", "share": 0.04},
    {"service": "scores", "kind": "status:500", "share": 0.03},
    {"service": "scores", "kind": "drop-before", "share": 0.04},
    {"service": "scores", "kind": "drop-after", "share": 0.04},
    {"service": "scores", "kind": "throttle", "share": 0.005},
    {"service": "scores", "kind": "expired-token", "share": 0.02},
    {"service": "scores", "kind": "wrong-type", "share": 0.02},
    {"service": "scores", "kind": "slow-body:0.5", "share": 0.01},
    {"service": "results", "kind": "status:500", "share": 0.08},
    {"service": "results", "kind": "broken-json", "share": 0.04},
    {"service": "results", "kind": "wrong-type", "share": 0.04},
    {"service": "results", "kind": "repeat-page", "share": 0.02},
    {"service": "results", "kind": "endless-pages", "share": 0.0005},
    {"service": "token", "kind": "status:503", "share": 0.1},
)
NOT_STORED = {"drop-before", "throttle", "expired-token"}
WINDOW = timedelta(seconds=90)  # from the last look before a send to its arrival
LMS_TIMEOUT = 2.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened, by the log of the LMS."""

    cells: int
    wishes: int
    arrived: int
    stored: int
    faults: int
    superfluous: int
    out_of_order: int
    held: int
    held_overwritten: int
    wrong: int
    kills: int
    seconds: float

    @property
    def is_as_promised(self) -> bool:
        """Whether every grade is where it should be, and hardly anything was sent in vain."""
        lost = self.wrong or self.out_of_order or self.held_overwritten
        return not lost and self.superfluous <= 0.01 * self.stored

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items())


class Workers:
    """`peerloop worker`, several times; each may end at any time. The clock of the first is `behind`, in seconds."""

    def __init__(self, environment: dict[str, str], count: int, behind: float = 0.0) -> None:
        self._environment = environment
        late = [["-m", "tests.soak.late_worker", str(behind)]] if behind else []
        self._commands = (late + [["-m", "lti_tool", "worker"]] * count)[:count]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.kills = 0

    def start(self) -> None:
        """Start those that do not run."""
        for number, command in enumerate(self._commands):
            if number not in self._running:
                self._running[number] = subprocess.Popen(
                    [sys.executable, *command],
                    env=self._environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )

    def kill(self, count: int) -> None:
        """End some as a power cut would."""
        for number in random.sample(sorted(self._running), min(count, len(self._running))):
            process = self._running.pop(number)
            process.kill()
            process.wait()
            self.kills += 1

    def stop(self) -> None:
        """Ask all to stop as an operator would."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            process.wait(30)
        self._running = {}


class Soak:
    """A course in the sandbox LMS, its workers, and what happens to them."""

    def __init__(self, app: Flask, sandbox: SandboxProcess, course: CourseInLms, workers: Workers) -> None:
        self.app, self.sandbox, self.course, self.workers = app, sandbox, course, workers
        self.people = course.people
        self.began = time.monotonic()
        self.wishes = 0

    def wish(self, share: float) -> None:
        """Some people's progress changes, as deeds would change it."""
        some = random.sample(self.people, max(1, int(len(self.people) * share)))
        due = random.randint(2, 8)
        for done in range(due + 1):
            same = some[done :: due + 1]
            if same:
                self.course.did(*same, done=done, due=due)
        self.wishes += len(some)

    def type_grades(self, share: float) -> None:
        """Instructors type grades of their own, which are none of ours."""
        state = self.sandbox.control.state()["courses"][CONTEXT]
        teacher = next(person["sub"] for person in state["people"] if person["role"] == "instructor")
        subjects = self._subjects()
        some = random.sample(sorted(subjects.values()), max(1, int(len(subjects) * share)))
        (item,) = (item["id"] for item in self.course.items() if item["tag"] == "sessions")
        typed = [{"item": item, "sub": sub, "by": teacher, "score": 3.07 + n / 1000} for n, sub in enumerate(some)]
        self.sandbox.control.grades(typed)

    @property
    def has_column(self) -> bool:
        """Whether the LMS has the column that people type into."""
        return any(item["tag"] == "sessions" for item in self.course.items())

    def _subjects(self) -> dict[int, str]:
        db.session.rollback()
        found = db.session.execute(select(Person.id, Person.subject).where(Person.id.in_(self.people)))
        return {row.id: row.subject for row in found}

    def fail(self) -> None:
        """From now on the LMS fails in all its ways."""
        self.sandbox.control.faults([dict(fault) for fault in FAULTS])

    def cut_network(self, seconds: float) -> None:
        """For a while nobody reaches the LMS."""
        self.sandbox.kill()
        time.sleep(seconds)
        self.sandbox.start()

    def empty_queue(self) -> None:
        """The bells that were rung are lost."""
        self.app.extensions["huey"].storage.flush_queue()

    def restart_database(self) -> None:
        """All connections to the database are cut, as by its restart; SQLite has none."""
        if db.engine.dialect.name != "postgresql":
            return
        db.session.rollback()
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        mine = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with db.engine.connect() as connection:
            connection.execute(text(f"{others} {mine}"))

    def recover(self) -> None:
        """The LMS works again."""
        self.sandbox.control.clear_faults()

    def open_cells(self) -> int:
        """How many cells somebody still has to work on."""
        db.session.rollback()
        return db.session.scalar(select(func.count(Cell.id)).where(differs(), Cell.try_at.is_not(None))) or 0

    def wait(self, seconds: float, until: Callable[[], bool], each: Callable[[], None] = lambda: None) -> bool:
        """Wait until something holds, doing something now and then. False when it never did."""
        stop_at = time.monotonic() + seconds
        while time.monotonic() < stop_at:
            if until():
                return True
            each()
            time.sleep(0.2)
        return until()

    def hurry(self) -> None:
        """Let time pass for what is waiting; leases of the dead are over."""
        now = clock.wall()
        with transaction() as session:
            session.execute(update(Cell).where(Cell.try_at > now).values(try_at=now))
            session.execute(update(Column).where(Column.try_at > now).values(try_at=now, attempts=0))

    def leases_expire(self) -> None:
        """Let so much time pass that what dead workers held is free."""
        now = clock.wall()
        with transaction() as session:
            session.execute(update(Cell).where(Cell.leased_until > now).values(leased_until=now))
            session.execute(update(Column).where(Column.leased_until > now).values(leased_until=now))

    def read_back(self) -> bool:
        """Have everything read, as an instructor's launch does. False when it was not read in time."""
        with transaction() as session:
            reading.want_reading(session, self.course.course_id)
        return self.wait(30, self._is_read)

    def _is_read(self) -> bool:
        db.session.rollback()
        wanted = Column.read_wanted_at.is_not(None) & Column.line_item_url.is_not(None)
        return not db.session.scalar(select(func.count(Column.id)).where(wanted))

    def counts(self) -> Counts:
        """What the LMS's gradebook and its log say."""
        seconds = time.monotonic() - self.began
        log = self.sandbox.control.scores()
        mine = {item["id"]: item for item in self.course.items()}
        log = [score for score in log if score["item_id"] in mine]
        stored = [score for score in log if _is_stored(score)]
        superfluous, out_of_order = _check_order(stored)
        held, wrong = self._compare(mine)
        return Counts(
            cells=db.session.scalar(select(func.count(Cell.id))) or 0,
            wishes=self.wishes,
            arrived=len(log),
            stored=len(stored),
            faults=sum(score["status"] != 200 or "resultUrl" not in score["answer"] for score in log),
            superfluous=superfluous,
            out_of_order=out_of_order,
            held=held,
            held_overwritten=self._overwritten(stored),
            wrong=wrong,
            kills=self.workers.kills,
            seconds=round(seconds, 1),
        )

    def _compare(self, items: dict[int, dict[str, Any]]) -> tuple[int, int]:
        """How many cells are held, and how many are neither held nor as wanted."""
        grades = {item["tag"]: item["grades"] for item in items.values()}
        db.session.rollback()
        rows = db.session.execute(
            select(Cell, Column.measure, Person.subject)
            .join(Column, Column.id == Cell.column_id)
            .join(Person, Person.id == Cell.person_id)
        )
        held = wrong = 0
        for cell, measure, subject in rows:
            grade, state = grades.get(measure, {}).get(subject), state_of(cell.values)
            if grade is not None and grade["overridden_by"] is not None:
                held += state is State.HELD
                wrong += state is not State.HELD
            else:
                shown = (grade["score"], grade["comment"]) if grade else (None, None)
                wrong += shown != (cell.values.wanted.visible, cell.values.wanted.comment)
        return held, wrong

    def _overwritten(self, stored: list[dict[str, Any]]) -> int:
        """How many grades of people were overwritten after they had stood there long enough to be seen."""
        typed = self.sandbox.control.state()["overrides"]
        by_cell: dict[tuple[int, str], list[str]] = {}
        for score in stored:
            by_cell.setdefault((score["item_id"], score["sub"]), []).append(score["at"])
        limits = ((one["item_id"], one["sub"], _later(one["at"], WINDOW)) for one in typed)
        return sum(any(at > limit for at in by_cell.get((item, sub), ())) for item, sub, limit in limits)


def _later(at: str, by: timedelta) -> str:
    return (datetime.fromisoformat(at) + by).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _is_stored(score: dict[str, Any]) -> bool:
    return score["status"] == 200 and score["answer"] not in NOT_STORED


def _check_order(stored: list[dict[str, Any]]) -> tuple[int, int]:
    """How many scores said what the LMS knew already, and how many came out of order."""
    last: dict[tuple[int, str], dict[str, Any]] = {}
    tally: Counter[str] = Counter()
    for score in stored:
        cell, payload = (score["item_id"], score["sub"]), score["payload"]
        before = last.get(cell)
        if before is not None:
            tally["superfluous"] += _without_time(before) == _without_time(payload)
            tally["out of order"] += payload["timestamp"] <= before["timestamp"]
        last[cell] = payload
    return tally["superfluous"], tally["out of order"]


def _without_time(payload: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name != "timestamp"}


@contextmanager
def soaking(
    folder: Path, *, people: int, behind: float = 0.0, database_url: str = "", queue_url: str = ""
) -> Iterator[Soak]:
    """A sandbox LMS with so many learners, and two workers on one database; all end with the context.

    The clock of one worker is `behind` by so many seconds.
    """
    values = {
        "database_url": database_url or f"sqlite:///{folder / 'peerloop.db'}",
        "queue_url": queue_url or (None if database_url else f"sqlite:///{folder / 'queue.db'}"),
        "keys_dir": folder / "keys",
        "allow_private_platforms": True,
        "lms_timeout_seconds": LMS_TIMEOUT,
        "gradebook_sweep_seconds": 1.0,
        "log_level": "ERROR",
    }
    app = create_app(config.Settings(**values).with_secrets())  # type: ignore[arg-type]  # checked by pydantic
    sandbox, keys = SandboxProcess(folder / "sandbox"), KeyServer()
    try:
        with app.app_context():
            schema.upgrade()
            wire.ensure_signing_key()
            environment = _environment(app, values)
            crew = Workers(environment, WORKERS, behind)
            try:
                yield Soak(app, sandbox, _course(app, sandbox, keys, people), crew)
            finally:
                crew.stop()
                wire.current().client.close()
                db.session.remove()
                db.engine.dispose()
    finally:
        keys.close()
        sandbox.close()


def _environment(app: Flask, values: dict[str, Any]) -> dict[str, str]:
    settings = app.extensions["settings"]
    given = {f"PEERLOOP_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    return {**os.environ, **given, "PEERLOOP_BASE_URL": settings.base_url, "PYTHONPATH": os.pathsep.join(sys.path)}


def _course(app: Flask, sandbox: SandboxProcess, keys: KeyServer, people: int) -> CourseInLms:
    sandbox.control.people(*({"action": "add", "course": CONTEXT, "name": f"Learner {n}"} for n in range(people)))
    state = sandbox.control.state()["courses"][CONTEXT]
    teacher = sandbox.robot(next(person["sub"] for person in state["people"] if person["role"] == "instructor"))
    course = CourseInLms(app, sandbox, keys, teacher)
    course.people += course.enrol(people - len(course.people))
    with transaction() as session:
        # A program that runs: its columns are read, and it has no end yet that would recount everybody.
        session.execute(update(Program).values(first_session_on=clock.wall().date() + timedelta(days=60)))
    return course
