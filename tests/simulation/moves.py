"""A history: what people, time, the network and two workers do, move by move.

A history is drawn from a seed before it is played, and a move that makes no sense where it stands does nothing. So
a seed replays exactly, and a history may be shortened by leaving moves out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from lti_tool.gradebook.states import NOTHING, Message
from lti_tool.lti.grades import Activity, Grading

CELLS = 3
WORKERS = ("A", "B")
LENGTH = 90


def _graded(score: float, comment: str) -> Message:
    return Message(score, comment, Activity.IN_PROGRESS, Grading.FULLY_GRADED)


# What a learner's progress may become: the same score twice, nought, no score, nothing at all.
MESSAGES = (
    _graded(100.0, "1 of 8 sessions"),
    _graded(100.0, "2 of 8 sessions"),
    _graded(66.67, "2 of 8 sessions"),
    _graded(50.0, "1 of 8 sessions"),
    _graded(0.0, "0 of 8 sessions"),
    Message(None, "2 of 8 done", Activity.IN_PROGRESS, Grading.PENDING),
    NOTHING,
)
# What a person types: grades of their own, one of ours, none.
TYPED = (64.5, 9.0, 12.0, 100.0, None)


class Fate(StrEnum):
    """How the next call or transaction of a worker goes. What does not fit goes well."""

    WELL = "goes on"
    DIES_BEFORE = "dies before its next step is done"
    DIES_AFTER = "dies after its next step is done"
    UNHEARD = "calls, and nobody hears it"
    UNANSWERED = "calls, and the answer is lost"
    DELAYED = "calls, the answer is lost, and what it said arrives later"
    BUSY = "calls an LMS that is busy (503)"
    SLOW_DOWN = "calls an LMS that asks it to slow down (429)"
    DECLINED = "calls an LMS that will not have it (422)"


@dataclass(frozen=True, slots=True)
class Deed:
    cell: int
    message: Message

    def __str__(self) -> str:
        return f"cell {self.cell} wants {self.message.score} ({self.message.comment})"


@dataclass(frozen=True, slots=True)
class Typing:
    cell: int
    score: float | None
    comment: str | None

    def __str__(self) -> str:
        return f"a person types {self.score} ({self.comment}) into cell {self.cell} of the LMS"


class Choice(StrEnum):
    KEEP = "keep theirs"
    SEND = "send ours"
    AGAIN = "try again"


@dataclass(frozen=True, slots=True)
class Decide:
    cell: int
    choice: Choice

    def __str__(self) -> str:
        return f"an instructor says of cell {self.cell}: {self.choice}"


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:g} s pass"


@dataclass(frozen=True, slots=True)
class Skew:
    worker: str
    seconds: float

    def __str__(self) -> str:
        return f"the clock of worker {self.worker} is put {self.seconds:+g} s from the true time"


@dataclass(frozen=True, slots=True)
class Go:
    worker: str
    fate: Fate
    reads: bool
    """Whether it reads the column, if it has nothing in its hands."""

    def __str__(self) -> str:
        return f"worker {self.worker} {self.fate}" + (" (reading, if it is idle)" if self.reads else "")


Move: TypeAlias = Deed | Typing | Decide | Wait | Skew | Go
History: TypeAlias = tuple[Move, ...]


def drawn(seed: int, *, cells: int = CELLS, length: int = LENGTH) -> History:
    """The history of a seed."""
    dice = random.Random(seed)
    start = [Deed(cell, dice.choice(MESSAGES)) for cell in range(cells)]
    faulty = dice.choice((0.05, 0.15, 0.3))
    return (*start, *(_move(dice, cells, faulty) for _ in range(length)))


def _move(dice: random.Random, cells: int, faulty: float) -> Move:
    cell, worker = dice.randrange(cells), dice.choice(WORKERS)
    kind = dice.random()
    if kind < 0.72:
        fate = dice.choice(list(Fate)) if dice.random() < faulty else Fate.WELL
        return Go(worker, fate, dice.random() < 0.25)
    if kind < 0.81:
        return Deed(cell, dice.choice(MESSAGES))
    if kind < 0.86:
        return Typing(cell, dice.choice(TYPED), dice.choice((None, "Well done")))
    if kind < 0.91:
        return Decide(cell, dice.choice(list(Choice)))
    if kind < 0.98:
        return Wait(dice.choice((0.3, 4.0, 4.0, 20.0, 61.0, 200.0, 700.0)))
    return Skew(worker, dice.choice((-30.0, -10.0, 0.0, 10.0, 30.0)))


def shortest(history: History, fails: Callable[[History], bool]) -> History:
    """A part of `history` that still fails, of which no single move can be left out."""
    size = max(1, len(history) // 2)
    while True:
        shorter = _without_a_part(history, size, fails)
        if shorter is not None:
            history = shorter
        elif size == 1:
            return history
        else:
            size //= 2


def _without_a_part(history: History, size: int, fails: Callable[[History], bool]) -> History | None:
    for start in range(0, len(history), size):
        shorter = history[:start] + history[start + size :]
        if fails(shorter):
            return shorter
    return None


def told(history: Sequence[Move]) -> str:
    """A history in words, a line for each move."""
    return "\n".join(f"{number:3}. {move}" for number, move in enumerate(history, 1))
