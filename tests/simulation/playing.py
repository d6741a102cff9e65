"""A history move by move, whatever the cells are kept in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from lti_tool.gradebook.events import Facts
from lti_tool.gradebook.states import Message
from tests.simulation.lms import Habits, Lms
from tests.simulation.moves import WORKERS, Choice, Decide, Deed, Fate, Go, History, Move, Skew, Typing, Wait
from tests.simulation.promises import Promises

BEGIN = datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC)


class Playing(ABC):
    """The LMS, the clocks and the promises of one history."""

    def __init__(self, habits: Habits, cells: int) -> None:
        self.lms = Lms(habits, cells)
        self.promises = Promises(self.lms)
        self.time = BEGIN
        self.skews = dict.fromkeys(WORKERS, timedelta())

    def play(self, history: History) -> None:
        """Play the moves, let everything come to rest, and check what must hold then."""
        for move in history:
            self._make(move)
        self._come_to_rest()
        for cell, facts in enumerate(self._facts()):
            self.promises.check_rest(cell, facts)
        self.promises.check_count()

    def _make(self, move: Move) -> None:
        match move:
            case Deed(cell, message):
                self._wish(cell, message)
            case Typing(cell, score, comment):
                self.lms.type(cell, score, comment)
            case Decide(cell, choice):
                self._decide(cell, choice)
            case Wait(seconds):
                self.time += timedelta(seconds=seconds)
                self.lms.deliver(self.time)
            case Skew(worker, seconds):
                self.skews[worker] = timedelta(seconds=seconds)
                self.promises.faulted()
            case Go(worker, fate, reads):
                self._let_go(worker, fate, reads=reads)

    @abstractmethod
    def _wish(self, cell: int, message: Message) -> None: ...

    @abstractmethod
    def _decide(self, cell: int, choice: Choice) -> None: ...

    @abstractmethod
    def _let_go(self, worker: str, fate: Fate, *, reads: bool) -> object:
        """Let a worker do its next step, of a reading or of closing."""

    @abstractmethod
    def _come_to_rest(self) -> None: ...

    @abstractmethod
    def _facts(self) -> Iterable[Facts]:
        """What is kept of each cell in the end, in order."""
