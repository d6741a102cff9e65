"""What is kept of a cell, what can happen to it, and what is then to be done. Values; `steps.py` has the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from lti_tool.gradebook.states import Decision, Message, Shown, Values


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a cell is not as it should be; with a `code` the LMS refused it until something changes."""

    text: str
    code: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is kept of a cell. `tables.Cell` says what each is."""

    wanted: Message
    trying: Message | None = None
    trying_timestamp: datetime | None = None
    sent: Message | None = None
    sent_timestamp: datetime | None = None
    sent_at: datetime | None = None
    shown: float | None = None
    shown_comment: str | None = None
    shown_by: str | None = None
    shown_at: datetime | None = None
    decision: Decision | None = None
    decided_on: float | None = None
    problem: Problem | None = None
    attempts: int = 0
    try_at: datetime | None = None
    leased_by: str | None = None
    leased_until: datetime | None = None

    @property
    def values(self) -> Values:
        """What the rules about a cell look at."""
        read = self.shown_at is not None
        return Values(
            wanted=self.wanted,
            trying=self.trying,
            sent=self.sent,
            read=read,
            shown=self.shown if read else None,
            shown_comment=self.shown_comment if read else None,
            decision=self.decision,
            decided_on=self.decided_on,
            refused=self.problem is not None and self.problem.code is not None,
        )


# Events


@dataclass(frozen=True, slots=True)
class Wish:
    """Something else is wanted since `at`."""

    message: Message
    at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker has taken the cell."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """The LMS was asked what it shows for one person; `shown` is None where it has no row."""

    shown: Shown | None


@dataclass(frozen=True, slots=True)
class OwnersEvent:
    """Something that the worker `owner` did; it counts only while the cell is in its hands."""

    owner: str


@dataclass(frozen=True, slots=True)
class Prepare(OwnersEvent):
    """The worker is about to send; it had to look first, unless the cell was read just before."""

    at: datetime
    look: Look | None


@dataclass(frozen=True, slots=True)
class Taken(OwnersEvent):
    """The LMS took this message."""

    message: Message
    timestamp: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Unsent(OwnersEvent):
    """The message did not get there: it was never begun, or the platform takes no scores now."""

    before: Facts


@dataclass(frozen=True, slots=True)
class Declined(OwnersEvent):
    """The LMS will not take this message from now on."""

    message: Message
    before: Facts
    problem: Problem


@dataclass(frozen=True, slots=True)
class Overtaken(OwnersEvent):
    """The LMS holds a score as new or newer than this one."""

    timestamp: datetime
    problem: Problem
    again_at: datetime


@dataclass(frozen=True, slots=True)
class PutOff(OwnersEvent):
    """No answer, or one that says nothing: nobody knows whether what is being tried has arrived."""

    problem: Problem
    again_at: datetime


@dataclass(frozen=True, slots=True)
class Unseen(OwnersEvent):
    """The LMS will not say what it shows for this person."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Release(OwnersEvent):
    """The worker lets the cell go as it found it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A reading that `began` then asked at `asked_at` and was shown this; it is written down `at` last."""

    shown: Shown | None
    began: datetime
    asked_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Keep:
    """An instructor keeps what a person set in the LMS."""


@dataclass(frozen=True, slots=True)
class SendOurs:
    """An instructor wants it replaced by ours."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TryAgain:
    """An instructor wants a refused grade sent once more."""

    at: datetime


Event: TypeAlias = Wish | Lease | OwnersEvent | Passage | Keep | SendOurs | TryAgain


# Actions


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message with this time. `before` is how the cell stood, with what was just looked up."""

    message: Message
    timestamp: datetime
    before: Facts


@dataclass(frozen=True, slots=True)
class Notice:
    """Write down that what a person set is seen for the first time; `before` is what we had sent."""

    before: float | None
    score: float | None
    comment: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class PassOver:
    """The reading says nothing of this cell: it may show more by now than was read."""


Action: TypeAlias = Send | Notice | PassOver
