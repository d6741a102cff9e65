"""The script of a session as it is played: which part runs, until when, and what that leaves for the others.

A session ends when it was announced to end. So whatever a part takes more or less, the parts after it share what is
left: the longest give first, and nobody's part falls below a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from lti_tool.programs.schedule import fitted
from lti_tool.programs.tables import Module

LEAST = 60
MORE = 120
RED_AFTER = timedelta(seconds=MORE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. Lengths are in seconds: as the script has it, and as it is planned now.

    `added` is what it got while it ran, which does not move the moments at which roles swap.
    """

    title: str
    tip: str
    scripted: int
    seconds: int
    practice: bool = False
    added: int = 0
    began: datetime | None = None

    @property
    def ends(self) -> datetime:
        """When a part that has begun is to end. Raises ValueError for one that has not."""
        if self.began is None:
            raise ValueError(f"{self.title!r} has not begun")
        return self.began + timedelta(seconds=self.seconds)

    def swaps(self, people: int) -> list[datetime]:
        """When roles change in a group of so many people: each practises equally long."""
        if self.began is None or people < 2:
            return []
        turn = timedelta(seconds=self.seconds - self.added) / people
        return [self.began + turn * number for number in range(1, people)]


Script = tuple[Part, ...]


def of_module(module: Module, minutes: int) -> Script:
    """The parts of a session of `minutes` that has not begun. The longest one is the practice."""
    fits = fitted(module.agenda, minutes)
    if not fits:
        return (Part(module.title, "", minutes * 60, minutes * 60, practice=True),)
    practice, _length = max(fits, key=lambda fit: fit[1])
    return tuple(
        Part(item.title, item.tip, length * 60, length * 60, practice=item is practice) for item, length in fits
    )


def current(script: Script) -> int:
    """The index of the part that runs. Raises ValueError before the first has begun."""
    running = [number for number, part in enumerate(script) if part.began is not None]
    if not running:
        raise ValueError("this script has not begun")
    return running[-1]


def seen(script: Script) -> str:
    """What tells one state of the clock from another, for whoever pressed a button while looking at it."""
    number = current(script)
    return f"{number}.{script[number].added}"


def practice_is_over(script: Script) -> bool:
    """Whether a part after the practice has begun."""
    return any(before.practice and part.began for before, part in pairwise(script))


def begin(script: Script, now: datetime, end: datetime) -> Script:
    """Begin the first part."""
    return _run(script, 0, now, end)


def go_on(script: Script, now: datetime, end: datetime) -> Script:
    """End the part that runs and begin the next; after the last one nothing changes."""
    number = current(script)
    if number + 1 == len(script):
        return script
    part = script[number]
    took = int((now - (part.began or now)).total_seconds())
    return _run((*script[:number], replace(part, seconds=took), *script[number + 1 :]), number + 1, now, end)


def go_back(script: Script, end: datetime) -> Script:
    """Undo the last step: the part before runs on as if it had not ended."""
    number = current(script)
    if number == 0:
        return script
    before = replace(script[number - 1], seconds=script[number - 1].scripted, added=0)
    rest = (replace(script[number], began=None, added=0), *script[number + 1 :])
    return (*script[: number - 1], before, *_shared(rest, before.ends, end))


def add_time(script: Script, now: datetime, end: datetime) -> Script:
    """Give the part that runs two minutes more, from now on if its time is up."""
    number = current(script)
    part = script[number]
    overrun = max(0, int((now - part.ends).total_seconds()))
    longer = replace(part, seconds=part.seconds + overrun + MORE, added=part.added + overrun + MORE)
    return (*script[:number], longer, *_shared(script[number + 1 :], longer.ends, end))


def _run(script: Script, number: int, now: datetime, end: datetime) -> Script:
    started, *rest = _shared(script[number:], now, end)
    return (*script[:number], replace(started, began=now), *rest)


def _shared(parts: Script, since: datetime, end: datetime) -> Script:
    """`parts` with the time between two moments shared among them."""
    lengths = shares([part.scripted for part in parts], int((end - since).total_seconds()))
    return tuple(replace(part, seconds=length) for part, length in zip(parts, lengths, strict=True))


def shares(lengths: Sequence[int], available: int) -> list[int]:
    """Lengths that fill `available` seconds: the longest gives first, down to the next longest, or takes the rest.

    None falls below a minute, so that they may take longer than there is.
    """
    shared = [0] * len(lengths)
    left = available
    by_length = sorted(range(len(lengths)), key=lambda number: lengths[number])
    for done, number in enumerate(by_length):
        is_longest = done + 1 == len(lengths)
        share = left // (len(lengths) - done)
        shared[number] = max(LEAST, share if is_longest else min(lengths[number], share))
        left -= shared[number]
    return shared


def to_rows(script: Script) -> list[dict[str, Any]]:
    """As it is stored."""
    return [asdict(part) | {"began": part.began and part.began.isoformat()} for part in script]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> Script:
    """What `to_rows` stored."""
    return tuple(
        Part(**{**row, "began": datetime.fromisoformat(row["began"]) if row["began"] else None}) for row in rows
    )
