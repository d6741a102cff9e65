"""A worker's protocol in memory: the steps of `gradebook/steps.py` as they stand, with a dictionary for a database.

A worker is a generator that stops before every call and every transaction; the fate of each is sent in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from lti_tool.gradebook import steps
from lti_tool.gradebook.events import (
    Action,
    Declined,
    Event,
    Facts,
    Keep,
    Lease,
    Look,
    Overtaken,
    OwnersEvent,
    Passage,
    PassOver,
    Prepare,
    Problem,
    PutOff,
    Release,
    Send,
    SendOurs,
    Taken,
    TryAgain,
    Unseen,
    Unsent,
    Wish,
)
from lti_tool.gradebook.states import NOTHING, Message, Shown, State, is_persons, state_of
from tests.simulation.lms import Grade, Habits, OlderError
from tests.simulation.moves import WORKERS, Choice, Fate, History
from tests.simulation.playing import BEGIN, Playing

LEASE = timedelta(seconds=100)
LOST = Problem("no answer")
REFUSED = Problem("no", "refused-422", "R-1")

T = TypeVar("T")
Walk: TypeAlias = Generator[None, Fate, T]


class DiedError(Exception):
    """The worker's process ends here."""


class NoAnswerError(Exception):
    """No answer came, or one that says nothing."""


class LeaseEndedError(Exception):
    """The worker was so slow that others may have its cells by now."""


class SlowDownError(Exception):
    """The platform asks to slow down."""


class DeclinedError(Exception):
    """The LMS will not have it."""


class Memory(Playing):
    """Both sides and what lies between them. Plays one history after the other move by move."""

    def __init__(self, habits: Habits, cells: int) -> None:
        super().__init__(habits, cells)
        self.cells = {cell: Facts(NOTHING) for cell in range(cells)}
        self.walks: dict[str, Walk[None]] = {}
        self.rests_until = BEGIN
        self.column: tuple[str, datetime] | None = None
        self._owners = 0

    def _facts(self) -> Iterable[Facts]:
        return self.cells.values()

    def _wish(self, cell: int, message: Message) -> None:
        if self.cells[cell].wanted != message:
            self.promises.wished(cell, message)
            self._step(cell, Wish(message, self.time))

    def _step(self, cell: int, event: Event) -> tuple[Action, ...]:
        self.cells[cell], actions = steps.step(self.cells[cell], event)
        return actions

    def _decide(self, cell: int, choice: Choice) -> None:
        """As `decisions.py` does, with the grade before the instructor's eyes that was last read."""
        facts = self.cells[cell]
        if choice is Choice.AGAIN:
            if state_of(facts.values) is State.REFUSED:
                self.promises.asked_again()
                self._step(cell, TryAgain(self.time))
        elif is_persons(facts.values) and not steps.is_leased(facts, self.time):
            if choice is Choice.SEND:
                self.promises.overruled(cell)
            self._step(cell, Keep() if choice is Choice.KEEP else SendOurs(self.time))

    def _let_go(self, worker: str, fate: Fate, *, reads: bool) -> bool:
        """Let a worker do its next step; False when there is nothing to do."""
        walk = self.walks.get(worker)
        if walk is None:
            walk = self.walks[worker] = self._read(worker) if reads else self._close(worker)
            next(walk)
        try:
            walk.send(fate)
        except StopIteration:
            del self.walks[worker]
            return False
        except DiedError:
            del self.walks[worker]
        return True

    def _come_to_rest(self) -> None:
        for _round in range(6):
            self.time += timedelta(hours=1)
            self.lms.deliver(self.time)
            for worker in WORKERS:
                for reads in (True, False):
                    self._finish(worker)
                    while self._let_go(worker, Fate.WELL, reads=reads):
                        self._finish(worker)
                        if reads or not self._due(worker):
                            break

    def _finish(self, worker: str) -> None:
        while worker in self.walks:
            self._let_go(worker, Fate.WELL, reads=False)

    # What a worker does

    def now(self, worker: str) -> datetime:
        """What the worker's clock says."""
        return self.time + self.skews[worker]

    def _owner(self) -> str:
        self._owners += 1
        return f"owner {self._owners}"

    def _transaction(self, change: Callable[[], T]) -> Walk[T]:
        fate = yield
        if fate is Fate.DIES_BEFORE:
            self.promises.faulted()
            raise DiedError
        result = change()
        if fate is Fate.DIES_AFTER:
            self.promises.faulted()
            raise DiedError
        return result

    def _call(self, request: Callable[[], T], is_begun: Callable[[], bool] = lambda: True) -> Walk[T]:
        fate = yield
        if not is_begun():
            raise LeaseEndedError
        if fate is Fate.WELL:
            return request()
        self.promises.faulted()
        if fate in {Fate.DIES_AFTER, Fate.UNANSWERED}:
            with suppress(OlderError):
                request()
        elif fate is Fate.DELAYED:
            self.lms.delayed.append((self.time, request))
        raise {
            Fate.DIES_BEFORE: DiedError,
            Fate.DIES_AFTER: DiedError,
            Fate.SLOW_DOWN: SlowDownError,
            Fate.DECLINED: DeclinedError,
        }.get(fate, NoAnswerError)

    def _due(self, worker: str) -> list[int]:
        now = self.now(worker)
        column_is_free = self.column is None or self.column[1] <= now
        return [
            cell
            for cell, facts in self.cells.items()
            if column_is_free
            and self.rests_until <= now
            and (facts.wanted != facts.sent or facts.trying is not None)
            and facts.try_at is not None
            and facts.try_at <= now
            and not steps.is_leased(facts, now)
        ]

    def _close(self, worker: str) -> Walk[None]:
        owner = self._owner()
        batch = yield from self._transaction(lambda: self._claim(worker, owner))
        until = self.now(worker) + LEASE
        looked, events = yield from self._looks(worker, owner, batch)
        if events:
            yield from self._transaction(lambda: self._note(events))
        known = [cell for cell in batch if cell not in events]
        sends = yield from self._transaction(lambda: self._prepare(worker, owner, known, looked))
        for cell in list(sends):
            event = yield from self._post(worker, owner, cell, sends.pop(cell), until)
            yield from self._transaction(lambda: self._note({cell: event}))  # noqa: B023 - it is called at once
            if isinstance(event, Unsent):
                break
        rest = {cell: Unsent(owner, send.before) for cell, send in sends.items()}
        for cell in rest:
            self.promises.did_not_arrive(cell)
        if rest:
            yield from self._transaction(lambda: self._note(rest))

    def _claim(self, worker: str, owner: str) -> list[int]:
        due = self._due(worker)
        if due:
            self.column = None
        for cell in due:
            if self.cells[cell].leased_by is not None:
                self.promises.faulted()  # whoever had it has died, or was too slow
            self._step(cell, Lease(owner, self.now(worker) + LEASE))
        return due

    def _looks(
        self, worker: str, owner: str, batch: list[int]
    ) -> Walk[tuple[dict[int, Grade], dict[int, OwnersEvent]]]:
        looked: dict[int, Grade] = {}
        failed: dict[int, OwnersEvent] = {}
        for cell in batch:
            if not steps.must_look(self.cells[cell], self.now(worker)):
                continue
            try:
                looked[cell] = yield from self._call(lambda: self.lms.grades[cell])  # noqa: B023 - called at once
            except NoAnswerError:
                failed[cell] = PutOff(owner, LOST, self.now(worker) + timedelta(seconds=3))
            except DeclinedError:
                self.promises.declined(cell, None)
                failed[cell] = Unseen(owner, REFUSED)
            except SlowDownError:
                self.rests_until = self.now(worker) + timedelta(seconds=10)
                return {}, {each: Release(owner) for each in batch}
        return looked, failed

    def _prepare(self, worker: str, owner: str, known: list[int], looked: dict[int, Grade]) -> dict[int, Send]:
        sends = {}
        for cell in known:
            look = Look(self._shown(looked[cell])) if cell in looked else None
            if cell in looked and self.cells[cell].leased_by == owner:
                self.promises.read(cell, looked[cell])
            for action in self._step(cell, Prepare(owner, self.now(worker), look)):
                if isinstance(action, Send):
                    self.promises.decided_to_send(cell, action.timestamp)
                    sends[cell] = action
        return sends

    def _shown(self, grade: Grade) -> Shown | None:
        result = self.lms.result(grade)
        return None if result is None else Shown(*result, None, 0.0051, self.lms.habits.leaves_out_nought)

    def _post(self, worker: str, owner: str, cell: int, send: Send, until: datetime) -> Walk[OwnersEvent]:
        def request() -> None:
            self.lms.store(cell, send.message, send.timestamp)

        def is_begun() -> bool:
            begun = self.now(worker) < until
            self.promises.sends += begun
            return begun

        again_at = self.now(worker) + timedelta(seconds=3)
        try:
            yield from self._call(request, is_begun)
        except LeaseEndedError:
            self.promises.did_not_arrive(cell)
            return Unsent(owner, send.before)
        except OlderError:
            return Overtaken(owner, send.timestamp, LOST, again_at)
        except NoAnswerError:
            return PutOff(owner, LOST, again_at)
        except DeclinedError:
            self.promises.did_not_arrive(cell)
            self.promises.declined(cell, send.message)
            return Declined(owner, send.message, send.before, REFUSED)
        except SlowDownError:
            self.rests_until = self.now(worker) + timedelta(seconds=10)
            self.promises.did_not_arrive(cell)
            return Unsent(owner, send.before)
        return Taken(owner, send.message, send.timestamp, self.now(worker))

    def _note(self, events: Mapping[int, OwnersEvent]) -> None:
        for cell, event in events.items():
            self._step(cell, event)

    def _read(self, worker: str) -> Walk[None]:
        """A walk over the column in two pages; who is not listed is passed at the end."""
        owner, began = self._owner(), self.now(worker)
        passed_over = yield from self._transaction(lambda: self._lease_column(worker, owner))
        if passed_over is None:
            return
        unlisted: dict[int, Grade] = {}
        for page in self._pages():
            asked_at = self.now(worker)
            try:
                grades = yield from self._call(lambda: {cell: self.lms.grades[cell] for cell in page})  # noqa: B023
            except (NoAnswerError, SlowDownError, DeclinedError):
                yield from self._transaction(lambda: self._release_column(owner))
                return
            listed = {cell: grade for cell, grade in grades.items() if self._shown(grade) is not None}
            unlisted |= {cell: grade for cell, grade in grades.items() if cell not in listed}

            def apply(listed: dict[int, Grade] = listed, asked_at: datetime = asked_at) -> bool:
                return self._pass(worker, owner, listed, (began, asked_at), passed_over)

            if not (yield from self._transaction(apply)):
                return
        yield from self._transaction(lambda: self._end(worker, owner, unlisted, began, passed_over))

    def _pages(self) -> Iterator[list[int]]:
        cells = list(self.cells)
        yield cells[: len(cells) // 2]
        yield cells[len(cells) // 2 :]

    def _lease_column(self, worker: str, owner: str) -> set[int] | None:
        """The cells that are in somebody's hands; None where it is the column that is."""
        now = self.now(worker)
        if self.rests_until > now or (self.column is not None and self.column[1] > now):
            return None
        self.column = (owner, now + LEASE)
        for cell, facts in self.cells.items():
            if facts.leased_by is not None and not steps.is_leased(facts, now):
                self.promises.faulted()
                self.cells[cell] = replace(facts, leased_by=None, leased_until=None)
        return {cell for cell, facts in self.cells.items() if facts.leased_by is not None}

    def _release_column(self, owner: str) -> None:
        if self.column is not None and self.column[0] == owner:
            self.column = None

    def _pass(
        self,
        worker: str,
        owner: str,
        grades: dict[int, Grade],
        times: tuple[datetime, datetime],
        passed_over: set[int],
    ) -> bool:
        if self.column is None or self.column[0] != owner:
            return False
        began, asked_at = times
        for cell, grade in grades.items():
            if cell in passed_over:
                continue
            passage = Passage(self._shown(grade), began, asked_at, self.now(worker))
            if PassOver() in self._step(cell, passage):
                passed_over.add(cell)
            else:
                self.promises.read(cell, grade)
        return True

    def _end(
        self, worker: str, owner: str, unlisted: dict[int, Grade], began: datetime, passed_over: set[int]
    ) -> None:
        if self._pass(worker, owner, unlisted, (began, began), passed_over):
            self._release_column(owner)


def play(history: History, habits: Habits, cells: int) -> None:
    """Play one history in memory. Raises BrokenPromiseError."""
    Memory(habits, cells).play(history)
