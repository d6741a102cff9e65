"""The same histories through real transactions: `close_due` and `read_due` as they stand, on SQLite."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from lti_tool import clock, database
from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.gradebook import closing, decisions, in_flight, progress, reading
from lti_tool.gradebook.columns import COMPLETION
from lti_tool.gradebook.events import Facts
from lti_tool.gradebook.states import NOTHING, Message
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti import families
from lti_tool.lti.grades import Activity, Grading
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster.tables import Course
from tests.simulation.lms import Grade, Habits, OlderError
from tests.simulation.moves import WORKERS, Choice, Fate, History
from tests.simulation.playing import BEGIN, Playing
from tests.simulation.workers import Worker, answered, query
from tests.support import factories

ITEM = "https://lms.test/lineitems/1"
ROUNDS = 3


class Tables:
    """A course in the database, and workers that share it."""

    def __init__(self, workers: dict[str, Worker], cells: int) -> None:
        self.workers = workers
        self.course_id = factories.make_course().id
        course = db.session.get(Course, self.course_id)
        assert course is not None
        people = factories.make_people(course, cells)
        self.subjects = {person.subject: number for number, person in enumerate(people)}
        self.people = [person.id for person in people]
        self.teacher = factories.make_people(course, ["Teacher"])[0].id
        self.program_id = factories.make_program(course, sessions=1).id

    def empty(self, habits: Habits) -> tuple[int, list[int]]:
        """A column that is open, without a word about anybody; its id, and those of its cells in order."""
        with transaction() as session:
            session.execute(delete(AuditEntry))
            session.execute(delete(Column))
            family = "moodle" if habits.leaves_out_nought else "standard"
            session.execute(update(LtiRegistration).values(family=family))
            column = Column(
                program_id=self.program_id,
                measure=COMPLETION,
                label="Completion",
                maximum=100.0,
                resource_id="program",
                tag=COMPLETION,
                line_item_url=ITEM,
                ends_at=BEGIN + timedelta(days=365),
                try_at=BEGIN,
            )
            session.add(column)
            session.flush()
            messages = {(COMPLETION, person): NOTHING for person in self.people}
            progress._write(session, {COMPLETION: column}, self.people, messages)
            column_id = column.id
            cells = session.scalars(select(Cell.id).where(Cell.column_id == column_id).order_by(Cell.person_id)).all()
        return column_id, list(cells)


class Play(Playing):
    """One history."""

    def __init__(self, tables: Tables, habits: Habits) -> None:
        self.tables = tables
        self._engine = db.engine
        super().__init__(habits, len(tables.people))
        self.running: str | None = None
        self.column_id, self.cells = tables.empty(habits)
        self._seen: dict[str, dict[int, Grade]] = {name: {} for name in WORKERS}
        self._owners: dict[str, str] = {}
        self._rows = self._snapshot()
        for name, worker in tables.workers.items():
            worker.on_fault = self.promises.faulted
            worker.on_commit = partial(self._committed, name)
            worker.answer = partial(self._answer, name)

    def now(self) -> datetime:
        """What the clock says of whoever runs."""
        return self.time + (self.skews[self.running] if self.running else timedelta())

    def _facts(self) -> Iterable[Facts]:
        return (self._cell(cell_id).facts for cell_id in self.cells)

    def _let_go(self, worker: str, fate: Fate, *, reads: bool) -> None:
        self._go(worker, fate, reads=reads, asks=reads)

    def _cell(self, cell_id: int) -> Cell:
        db.session.rollback()
        return db.session.get_one(Cell, cell_id, populate_existing=True)

    def _wish(self, cell: int, message: Message) -> None:
        if self._cell(self.cells[cell]).values.wanted != message:
            self.promises.wished(cell, message)
        person = self.tables.people[cell]
        with transaction() as session:
            column = session.get_one(Column, self.column_id)
            progress._write(session, {COMPLETION: column}, [person], {(COMPLETION, person): message})
        self._rows = self._snapshot()

    def _decide(self, cell: int, choice: Choice) -> None:
        with suppress(decisions.OutdatedError), transaction() as session:
            found = decisions.find(session, self.tables.course_id, self.cells[cell])
            assert found is not None
            teacher, sight = self.tables.teacher, decisions.sight(found.values)
            if choice is Choice.AGAIN:
                decisions.try_again(session, found, teacher)
                self.promises.asked_again()
            elif choice is Choice.KEEP:
                decisions.keep(session, found, teacher, sight)
            else:
                decisions.send_ours(session, found, teacher, sight)
                self.promises.overruled(cell)
        self._rows = self._snapshot()

    def _go(self, name: str, fate: Fate, *, reads: bool, asks: bool = False) -> bool:
        worker = self.tables.workers[name]
        if worker.is_idle:
            self._seen[name] = {}
            if asks:
                with transaction() as session:
                    reading.want_program(session, self.tables.program_id)
        self.running = name
        try:
            if worker.is_idle:
                worker.start(reading.read_due if reads else closing.close_due)
            return worker.go(fate) if not worker.is_idle else False
        finally:
            self.running = None

    def _come_to_rest(self) -> None:
        for _round in range(ROUNDS):
            self.time += timedelta(hours=1)
            self.lms.deliver(self.time)
            for name in WORKERS:
                self._finish(name)
                self._go(name, Fate.WELL, reads=True)
                self._finish(name)
                while self._unit(name):
                    pass

    def _unit(self, name: str) -> bool:
        """Whether a unit of closing found work."""
        worked = self._go(name, Fate.WELL, reads=False)
        while not self.tables.workers[name].is_idle:
            worked = self._go(name, Fate.WELL, reads=False)
        return worked

    def _finish(self, name: str) -> None:
        while not self.tables.workers[name].is_idle:
            self._go(name, Fate.WELL, reads=False)

    # What the LMS answers

    def _answer(self, name: str, request: requests.PreparedRequest, fate: Fate) -> requests.Response:
        cell = self._about(request)
        self._tell(request, cell, fate)
        if fate is Fate.WELL:
            return self._handle(request, self._seen[name])
        self.promises.faulted()
        if fate in {Fate.DIES_AFTER, Fate.UNANSWERED}:
            self._handle(request, {})
        elif fate is Fate.DELAYED:
            self.lms.delayed.append((self.time, lambda: self._handle(request, {})))
        if fate in {Fate.DIES_BEFORE, Fate.DIES_AFTER}:
            self.promises.faults -= 1  # dying counts it
            self.tables.workers[name].die()
        statuses = {Fate.BUSY: 503, Fate.SLOW_DOWN: 429, Fate.DECLINED: 422}
        if fate in statuses:
            return answered(request, statuses[fate], {"error": "fault"}, {"Retry-After": "3"})
        raise requests.ConnectionError("no answer")

    def _about(self, request: requests.PreparedRequest) -> int | None:
        subject = _body(request)["userId"] if request.method == "POST" else query(request).get("user_id")
        return self.tables.subjects[subject] if subject else None

    def _tell(self, request: requests.PreparedRequest, cell: int | None, fate: Fate) -> None:
        is_post = request.method == "POST"
        if is_post and fate is not Fate.DIES_BEFORE:
            self.promises.sends += 1
        if fate is Fate.DECLINED and cell is not None:
            self.promises.declined(cell, _message(_body(request)) if is_post else None)

    def _handle(self, request: requests.PreparedRequest, seen: dict[int, Grade]) -> requests.Response:
        """What the LMS answers; what it shows goes into `seen`."""
        if request.method == "POST":
            return self._store(request)
        wanted = self._about(request)
        cells = [wanted] if wanted is not None else list(self.lms.grades)
        page, more = query(request).get("page"), {}
        if wanted is None:
            cells = cells[len(cells) // 2 :] if page else cells[: len(cells) // 2]
            more = {} if page else {"Link": f'<{ITEM}/results?page=2>; rel="next"'}
        seen |= {cell: self.lms.grades[cell] for cell in cells}
        subjects = {number: subject for subject, number in self.tables.subjects.items()}
        rows = [self._row(subjects[cell], self.lms.grades[cell]) for cell in cells]
        return answered(request, 200, [row for row in rows if row], more)

    def _row(self, subject: str, grade: Grade) -> dict[str, Any] | None:
        result = self.lms.result(grade)
        if result is None:
            return None
        score, comment = result
        row = {"userId": subject, "resultScore": score, "resultMaximum": 100, "comment": comment}
        return {name: value for name, value in row.items() if value is not None}

    def _store(self, request: requests.PreparedRequest) -> requests.Response:
        body = _body(request)
        cell = self.tables.subjects[body["userId"]]
        try:
            self.lms.store(cell, _message(body), datetime.fromisoformat(body["timestamp"]))
        except OlderError:
            return answered(request, 409, {"error": "older"})
        return answered(request, 200, {})

    # What is written down

    def _snapshot(self) -> list[tuple[Any, ...]]:
        with self._engine.connect() as connection:
            return [
                tuple(row)
                for row in connection.execute(
                    select(Cell.trying_timestamp, Cell.shown_at, Cell.leased_by)
                    .where(Cell.column_id == self.column_id)
                    .order_by(Cell.person_id)
                )
            ]

    def _committed(self, name: str) -> None:
        before, self._rows = self._rows, self._snapshot()
        for cell, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            self._changed(name, cell, old, new)

    def _changed(self, name: str, cell: int, old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
        tried, shown_at, owner = new
        if owner is not None and owner != old[2]:
            self._owners[owner] = name
        if old[2] is not None and owner != old[2] and self._owners.get(old[2]) != name:
            self.promises.faulted()  # whoever had it has died, or was too slow
        elif old[2] is not None and owner not in {None, old[2]}:
            self.promises.faulted()
        if tried != old[0]:
            if cell in self._seen[name]:
                self.promises.read(cell, self._seen[name].pop(cell))
            self.promises.decided_to_send(cell, tried)
        elif shown_at is not None and shown_at != old[1]:
            seen = self._seen[name].pop(cell, None)
            if seen is None:
                self.promises.did_not_arrive(cell)
            else:
                self.promises.read(cell, seen)


def _body(request: requests.PreparedRequest) -> dict[str, Any]:
    assert isinstance(request.body, bytes)
    body: dict[str, Any] = json.loads(request.body)
    return body


def _message(body: dict[str, Any]) -> Message:
    return Message(
        body.get("scoreGiven"),
        body.get("comment"),
        Activity(body["activityProgress"]),
        Grading(body["gradingProgress"]),
    )


@contextmanager
def simulated(tables: Tables) -> Iterator[Callable[[History, Habits, int], None]]:
    """How to play a history with these tables: clock, chance and threads are the simulation's."""
    plays: list[Play] = []
    real_write_intent = database.write_intent

    def play(history: History, habits: Habits, seed: int) -> None:
        random.seed(seed)
        plays[:] = [Play(tables, habits)]
        plays[0].play(history)

    def running() -> Worker | None:
        return next((worker for worker in tables.workers.values() if worker.is_running), None)

    @contextmanager
    def write_intent() -> Iterator[None]:
        worker = running()
        if worker is not None:
            worker.begins()
        with real_write_intent():
            yield
        if worker is not None:
            worker.committed()

    def commits(_session: Session) -> None:
        if worker := running():
            worker.commits()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "wall", lambda: plays[0].now() if plays else datetime.now(UTC))
        patch.setattr(database, "write_intent", write_intent)
        patch.setattr(closing, "time", SimpleNamespace(monotonic=lambda: plays[0].time.timestamp()))
        patch.setattr(in_flight, "GROUP_SECONDS", 600.0)
        patch.setattr(families.Standard, "concurrency", 1)
        event.listen(Session, "before_commit", commits)
        try:
            yield play
        finally:
            event.remove(Session, "before_commit", commits)
