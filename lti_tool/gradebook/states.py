"""What a cell's values mean: its state, and whether what the LMS shows is ours or a person's. Pure functions.

Three truths meet in a cell: what is wanted, what was sent, what the LMS showed when it was last read. A grade or
a comment that is neither what we sent nor what we may have sent (`trying`) was set by a person; so was an empty cell
where we sent a grade. Where it happens to be what is wanted, nothing is left to do, and it stays the person's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from markupsafe import Markup

from lti_tool.lti.grades import Activity, Grading

ALIKE = 1e-6  # scores that differ by less are the same number


class State(StrEnum):
    """How a cell stands. The order is that of urgency."""

    HELD = "held"  # a person set it in the LMS; an instructor must choose
    REFUSED = "refused"  # the LMS will not take it until something changes
    ON_ITS_WAY = "sent"
    WAITING = "waits"  # nothing to send yet, or nowhere to send it
    KEPT = "kept"  # a person set it in the LMS, and an instructor chose to keep it
    TRUE = "done"


class Decision(StrEnum):
    """What an instructor said about a grade that a person set in the LMS."""

    KEEP = "keep"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Message:
    """What a score tells the LMS, without person and time."""

    score: float | None
    comment: str | None
    activity: Activity
    grading: Grading

    @property
    def visible(self) -> float | None:
        """What the LMS is expected to show: it keeps only a score that is fully graded."""
        return self.score if self.grading is Grading.FULLY_GRADED else None


NOTHING = Message(None, None, Activity.INITIALIZED, Grading.NOT_READY)


@dataclass(frozen=True, slots=True)
class Values:
    """What is known about a cell. Only when it was `read` since we sent does an empty `shown` say anything."""

    wanted: Message
    trying: Message | None = None
    sent: Message | None = None
    read: bool = False
    shown: float | None = None
    shown_comment: str | None = None
    decision: Decision | None = None
    decided_on: float | None = None
    refused: bool = False

    @property
    def ours(self) -> tuple[Message, ...]:
        """What the LMS may show without a person having set it."""
        return tuple(message for message in (self.sent or NOTHING, self.trying) if message)


@dataclass(frozen=True, slots=True)
class Shown:
    """One result, in the column's own points. `tolerance` is how far the LMS's rounding may move a score.

    `score` is None where the LMS leaves it out: there is no grade or, where it `hides_nought`, one of exactly 0.
    `comment` is None where there is none, or where the LMS adds comments one below the other, so that none is ever
    lost.
    """

    score: float | None
    comment: str | None
    by: str | None
    tolerance: float
    hides_nought: bool = True


def alike(a: float | None, b: float | None, tolerance: float = ALIKE) -> bool:
    """Whether two grades are the same; no grade is like no other."""
    if a is None or b is None:
        return a is b
    return abs(a - b) <= max(tolerance, ALIKE)


def differs(values: Values) -> bool:
    """Whether the LMS was last told something else than is wanted; it need not be told of nothing at all."""
    return values.wanted != (values.sent or NOTHING)


def is_persons(values: Values) -> bool:
    """Whether a person set, changed or cleared what the LMS shows."""
    return values.read and (has_foreign_score(values) or has_foreign_comment(values))


def has_foreign_score(values: Values) -> bool:
    """Whether the grade, or its absence, is none of ours."""
    return not any(alike(values.shown, message.visible) for message in values.ours)


def has_foreign_comment(values: Values) -> bool:
    """Whether there is a comment that is none of ours; where there is none, nothing of a person's can be lost."""
    return values.shown_comment is not None and not any(
        _same_words(values.shown_comment, message.comment) for message in values.ours
    )


def _same_words(shown: str | None, other: str | None) -> bool:
    """Whether two comments say the same; an LMS may give ours back as HTML."""
    if shown is None or other is None or shown == other:
        return shown == other
    return _words(shown) == _words(other)


def _words(comment: str) -> str:
    return " ".join(Markup(comment).striptags().split())  # noqa: S704 - it is compared, and shown nowhere


def shows_wanted(values: Values) -> bool:
    """Whether the LMS shows what is wanted, whoever set it."""
    comment_fits = values.shown_comment is None or _same_words(values.shown_comment, values.wanted.comment)
    return values.read and comment_fits and alike(values.shown, values.wanted.visible)


def shows_grade(values: Values) -> bool:
    """Whether the LMS shows a grade, or may do so."""
    ours = (message.visible for message in (values.sent, values.trying) if message)
    return values.shown is not None or any(score is not None for score in ours)


def decision(values: Values) -> Decision | None:
    """The decision that holds: one about the grade that is shown now."""
    return values.decision if alike(values.shown, values.decided_on) else None


def state_of(values: Values, *, can_send: bool = True) -> State:
    """The state that follows. `can_send`: the person is a learner here, and the LMS offers a place for it."""
    replaced = is_persons(values)
    if replaced and decision(values) is not Decision.SEND:
        return _persons_state(values)
    is_settled = values.trying is None or _shows_wanted_for_sure(values, values.trying)
    if not replaced and not differs(values) and is_settled:
        return State.WAITING if values.sent is None else State.TRUE
    if values.refused:
        return State.REFUSED
    return State.ON_ITS_WAY if can_send else State.WAITING


def _shows_wanted_for_sure(values: Values, trying: Message) -> bool:
    """Whether what is shown, where it may hide a comment, cannot be what was tried."""
    hides = values.shown_comment is None and alike(trying.visible, values.wanted.visible)
    return shows_wanted(values) and not hides


def _persons_state(values: Values) -> State:
    if decision(values) is Decision.KEEP:
        return State.KEPT
    return State.TRUE if shows_wanted(values) else State.HELD


def after_reading(values: Values, shown: Shown | None) -> Values:
    """The values once the LMS was read; `shown` is None where it has no row for the person.

    A lost answer is settled here: where the LMS shows what may have been sent, it has been sent. A decision ends
    when something else is shown.
    """
    comment_before, comment = values.shown_comment, shown.comment if shown else None
    values = replace(values, read=True, shown=_as_ours(values, shown) if shown else None, shown_comment=comment)
    if values.trying and _arrived(values, shown):
        values = replace(values, sent=values.trying, trying=None)
    if values.decision and (decision(values) is None or not _same_words(comment_before, comment)):
        values = replace(values, decision=None, decided_on=None)
    return values


def _as_ours(values: Values, shown: Shown) -> float | None:
    """The shown score; where rounding alone (or leaving out a 0) parts it from one of ours, that one."""
    if shown.score is None:
        return _unsaid(values, shown)
    scores = [message.visible for message in (*values.ours, values.wanted) if message.visible is not None]
    return next((score for score in scores if alike(shown.score, score, shown.tolerance)), shown.score)


def _unsaid(values: Values, shown: Shown) -> float | None:
    """What a score that is left out stands for: a nought of ours, or none. The comment tells, where there is one."""
    told = [message for message in values.ours if shown.comment and _same_words(shown.comment, message.comment)]
    scores = [message.visible for message in told or values.ours]
    return 0.0 if shown.hides_nought and 0 in scores and None not in scores else None


def _arrived(values: Values, shown: Shown | None) -> bool:
    """Whether the LMS shows that `trying` came: its score and comment, where they differ from those sent before."""
    trying, sent = values.trying, values.sent or NOTHING
    if trying is None or not alike(values.shown, trying.visible):
        return False
    if shown is None:
        return sent.visible is not None
    if shown.comment is None:
        may_be_nought = trying.visible is None and sent.visible == 0 and shown.hides_nought
        return not alike(trying.visible, sent.visible) and not may_be_nought
    is_news = (trying.visible, trying.comment) != (sent.visible, sent.comment)
    return is_news and _same_words(shown.comment, trying.comment)


class Step(StrEnum):
    """What a worker does next about a cell."""

    SEND = "send"
    HOLD = "hold"
    REST = "rest"  # nothing differs any more


def next_step(values: Values) -> Step:
    """The decision, once the LMS has been read (see `after_reading`)."""
    match state_of(replace(values, refused=False)):
        case State.HELD | State.KEPT:
            return Step.HOLD
        case State.ON_ITS_WAY:
            return Step.SEND
        case _:
            return Step.REST


def next_timestamp(now: datetime, *earlier: datetime | None) -> datetime:
    """When a score was made, as the LMS is told: strictly after `earlier`, in another whole second.

    The standard asks for strictly rising times; Moodle compares whole seconds.
    """
    last = max((time for time in earlier if time), default=None)
    if last is None or now.replace(microsecond=0) > last:
        return now
    return last.replace(microsecond=0) + timedelta(seconds=1)
