"""A gradebook as an LMS keeps it, reduced to what the tool can notice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lti_tool.gradebook.states import Message

DELAY = timedelta(seconds=15)


class OlderError(Exception):
    """The LMS holds a score as new or newer."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What an LMS does in its own way."""

    name: str
    shows_comments: bool = True
    leaves_out_nought: bool = False
    whole_seconds: bool = False


HABITS = (
    Habits("standard"),
    Habits("hides comments", shows_comments=False),
    Habits("whole seconds, no nought", leaves_out_nought=True, whole_seconds=True),
)


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade as it stands in the LMS."""

    score: float | None = None
    comment: str | None = None
    by_person: bool = False
    timestamp: datetime | None = None


class Lms:
    """Grades by cell. `delayed` are requests that are still on their way."""

    def __init__(self, habits: Habits, cells: int) -> None:
        self.habits = habits
        self.grades = dict.fromkeys(range(cells), Grade())
        self.delayed: list[tuple[datetime, Callable[[], object]]] = []

    def type(self, cell: int, score: float | None, comment: str | None) -> None:
        """A person types a grade, or takes one away."""
        grade = self.grades[cell]
        if (grade.score, grade.comment) != (score, comment):
            self.grades[cell] = replace(grade, score=score, comment=comment, by_person=True)

    def store(self, cell: int, message: Message, timestamp: datetime) -> None:
        """A score arrives. Raises OlderError for one that is not newer than the last."""
        grade = self.grades[cell]
        if grade.timestamp is not None and self._instant(timestamp) <= self._instant(grade.timestamp):
            raise OlderError
        self.grades[cell] = Grade(message.visible, message.comment, False, timestamp)

    def _instant(self, time: datetime) -> datetime:
        return time.replace(microsecond=0) if self.habits.whole_seconds else time

    def result(self, grade: Grade) -> tuple[float | None, str | None] | None:
        """What the results service tells of a grade; None where there is no row."""
        if grade.score is None and grade.comment is None:
            return None
        score = None if grade.score == 0 and self.habits.leaves_out_nought else grade.score
        return score, grade.comment if self.habits.shows_comments else None

    def deliver(self, now: datetime) -> None:
        """What was delayed for long enough arrives."""
        due = [request for at, request in self.delayed if at + DELAY <= now]
        self.delayed = [(at, request) for at, request in self.delayed if at + DELAY > now]
        for request in due:
            with suppress(OlderError):
                request()
