"""What must hold in every history, whoever plays it.

1. Nothing wanted is forgotten: in the end the LMS shows what was last wanted, or a person's grade of which
   somebody is told, or the cell says why the LMS refused it.
2. Nothing that the last reading showed as a person's is overwritten without an instructor's word, and nothing is
   sent unless the LMS was read since the last attempt.
3. Nobody is told of a person's grade where there is none.
4. There are no more sends than changes and faults.
5. The times of a cell's scores rise strictly, in whole seconds.
"""

from __future__ import annotations

from datetime import datetime

from lti_tool.gradebook.events import Facts
from lti_tool.gradebook.states import NOTHING, Message, State, alike, state_of
from tests.simulation.lms import Grade, Lms


class BrokenPromiseError(AssertionError):
    """One of the promises does not hold in this history."""


class Promises:
    """Watches one history. `known` is each cell's grade as the LMS was last seen to show it."""

    def __init__(self, lms: Lms) -> None:
        self.lms = lms
        self.changes = self.faults = self.sends = 0
        self.known: dict[int, Grade] = {}
        self._read: set[int] = set()
        self._ours: dict[int, set[Message]] = {cell: {NOTHING} for cell in lms.grades}
        self._times: dict[int, datetime] = {}
        self._overruled: dict[int, object] = {}
        self._declined: dict[int, Message | None] = {}

    def wished(self, cell: int, message: Message) -> None:
        """A cell wants something else."""
        self.changes += 1
        self._ours[cell].add(message)

    def overruled(self, cell: int) -> None:
        """An instructor wants ours in place of what was last read."""
        self.changes += 1
        self._overruled[cell] = self.lms.result(self.known[cell])

    def asked_again(self) -> None:
        """An instructor wants another attempt."""
        self.changes += 1

    def faulted(self) -> None:
        """Something went wrong."""
        self.faults += 1

    def read(self, cell: int, grade: Grade) -> None:
        """What the LMS showed was written down for a cell that nobody else was sending."""
        self.known[cell] = grade
        self._read.add(cell)

    def decided_to_send(self, cell: int, timestamp: datetime) -> None:
        """A worker is about to send."""
        if cell not in self._read:
            raise BrokenPromiseError(f"cell {cell} is sent although the LMS was not read since the last attempt")
        self._read.discard(cell)
        grade = self.known[cell]
        if self._is_persons(cell, grade) and self._overruled.get(cell, ()) != self.lms.result(grade):
            raise BrokenPromiseError(f"cell {cell} overwrites {grade.score} ({grade.comment}), known as a person's")
        last, whole = self._times.get(cell), timestamp.replace(microsecond=0)
        if last is not None and whole <= last:
            raise BrokenPromiseError(f"the times of cell {cell} do not rise: {whole} after {last}")
        self._times[cell] = whole

    def declined(self, cell: int, message: Message | None) -> None:
        """The LMS would not take this message; None where it would not even tell what it shows."""
        self._declined[cell] = message

    def did_not_arrive(self, cell: int) -> None:
        """The LMS said that it stores nothing now: what it showed before it still shows."""
        self._read.add(cell)

    def _is_persons(self, cell: int, grade: Grade) -> bool:
        """Whether a grade can be told from every one that this cell ever wanted."""
        if not grade.by_person:
            return False
        foreign_comment = self.lms.habits.shows_comments and grade.comment == "Well done"
        if grade.score is None:
            return foreign_comment
        return foreign_comment or all(message.visible != grade.score for message in self._ours[cell])

    def check_rest(self, cell: int, facts: Facts) -> None:
        """Everything has come to rest: how does this cell stand?"""
        grade, state = self.lms.grades[cell], state_of(facts.values)
        shows_wanted = alike(grade.score, facts.wanted.visible)
        if not grade.by_person and state in {State.HELD, State.KEPT}:
            raise BrokenPromiseError(f"cell {cell} is {state} where the LMS shows our own {grade.score}")
        if grade.by_person and (state in {State.HELD, State.KEPT} or shows_wanted):
            return
        if state is State.REFUSED and self._declined.get(cell) in {None, facts.wanted}:
            return
        if not shows_wanted or grade.comment != facts.wanted.comment or state not in {State.TRUE, State.WAITING}:
            raise BrokenPromiseError(
                f"cell {cell} wants {facts.wanted.score} ({facts.wanted.comment}) and is {state}, "
                f"but the LMS shows {grade.score} ({grade.comment})"
            )

    def check_count(self) -> None:
        """Everything has come to rest: was anything sent without need?"""
        if self.sends > self.changes + self.faults:
            raise BrokenPromiseError(
                f"{self.sends} sends for {self.changes} changes and {self.faults} faults are too many"
            )
