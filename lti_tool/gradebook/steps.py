"""What happens to a cell, as one pure step: (facts, event) → (facts, actions). No clock, no database, no network.

Whoever works on a cell (a deed, a worker, a reading, an instructor) locks it, takes the step, stores the facts that
follow and does the actions. What a worker does counts only while the cell is leased to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from lti_tool.gradebook.events import (
    Action,
    Declined,
    Event,
    Facts,
    Keep,
    Lease,
    Notice,
    Overtaken,
    OwnersEvent,
    Passage,
    PassOver,
    Prepare,
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
from lti_tool.gradebook.states import (
    Decision,
    Shown,
    State,
    Step,
    after_reading,
    decision,
    next_step,
    next_timestamp,
    state_of,
)

# An LMS that was too slow to be waited for may still store what it was sent, but hardly after so long, even where
# the clocks of two machines differ by a minute.
SETTLED = timedelta(minutes=2)
FRESH = timedelta(seconds=60)  # a cell is read at most so long before it is sent

Stepped: TypeAlias = tuple[Facts, tuple[Action, ...]]


def step(facts: Facts, event: Event) -> Stepped:
    """How the cell stands after `event`, and what is to be done."""
    if isinstance(event, OwnersEvent) and facts.leased_by != event.owner:
        return facts, ()
    return RULES[type(event)](facts, event)


def is_leased(facts: Facts, now: datetime) -> bool:
    """Whether the cell is in a worker's hands."""
    return facts.leased_until is not None and facts.leased_until > now


def is_fresh(at: datetime | None, now: datetime) -> bool:
    """Whether what was seen `at` that time still counts. A clock that was put back proves nothing."""
    return at is not None and now - FRESH < at <= now


def must_look(facts: Facts, now: datetime) -> bool:
    """Whether the LMS must be asked what it shows before anything is sent.

    Our last answer was lost, the cell was not just read, or a grade that somebody looked at is about to be replaced.
    """
    is_to_be_replaced = decision(facts.values) is Decision.SEND
    return facts.trying is not None or not is_fresh(facts.shown_at, now) or is_to_be_replaced


def _wish(facts: Facts, event: Wish) -> Stepped:
    """A refused cell is tried again; a person's grade stays until somebody chooses."""
    facts = replace(facts, wanted=event.message, attempts=0, problem=None)
    is_due = state_of(facts.values) is State.ON_ITS_WAY
    return replace(facts, try_at=event.at if is_due else None), ()


def _lease(facts: Facts, event: Lease) -> Stepped:
    return replace(facts, leased_by=event.owner, leased_until=event.until), ()


def _prepare(facts: Facts, event: Prepare) -> Stepped:
    if not is_leased(facts, event.at):
        # The worker was asleep: what it looked up is old.
        return _released(facts), ()
    seen, notices = (facts, ()) if event.look is None else _seen(facts, event.look.shown, event.at)
    match next_step(seen.values):
        case Step.SEND if _may_still_arrive(seen, event.at):
            return _released(seen, try_at=event.at + SETTLED), notices
        case Step.SEND:
            timestamp = next_timestamp(event.at, seen.sent_timestamp, seen.trying_timestamp)
            tried = replace(seen, trying=seen.wanted, trying_timestamp=timestamp, shown_at=None)
            return tried, (*notices, Send(seen.wanted, timestamp, seen))
        case Step.HOLD | Step.REST:
            # It may still differ, where a person set what is wanted: nobody need take it up again.
            return _released(seen, try_at=None), notices


def _may_still_arrive(facts: Facts, now: datetime) -> bool:
    """Whether something else than is wanted may be on its way: two at once could not be told from a person's."""
    at, is_other = facts.trying_timestamp, facts.trying not in (None, facts.wanted)
    is_unanswered = at is not None and (facts.sent_timestamp is None or facts.sent_timestamp < at)
    return is_other and is_unanswered and at is not None and abs(now - at) < SETTLED


def _seen(facts: Facts, shown: Shown | None, at: datetime) -> tuple[Facts, tuple[Notice, ...]]:
    """What a reading tells, and whether it is news of a person."""
    before, values = facts.values, after_reading(facts.values, shown)
    seen = replace(
        facts,
        trying=values.trying,
        sent=values.sent,
        shown=values.shown,
        shown_comment=values.shown_comment,
        shown_by=shown.by if shown else None,
        shown_at=at,
        decision=values.decision,
        decided_on=values.decided_on,
    )
    is_same = (before.shown, before.shown_comment) == (values.shown, values.shown_comment)
    is_known = state_of(before) is State.HELD and is_same
    if state_of(values) is not State.HELD or is_known:
        return seen, ()
    had = before.sent.visible if before.sent else None
    return seen, (Notice(had, values.shown, values.shown_comment, seen.shown_by),)


def _taken(facts: Facts, event: Taken) -> Stepped:
    after = _released(
        facts,
        sent=event.message,
        trying=None,
        sent_timestamp=event.timestamp,
        sent_at=event.at,
        shown=None,
        shown_comment=None,
        shown_by=None,
        shown_at=None,
        decision=None,
        decided_on=None,
        problem=None,
        attempts=0,
    )
    return after, ()


def _unsent(facts: Facts, event: Unsent) -> Stepped:
    """The LMS shows what it showed, and the cell is as due as before."""
    return _as_before(facts, event.before), ()


def _declined(facts: Facts, event: Declined) -> Stepped:
    """It stops, unless the cell wants something else by now, of which the refusal says nothing."""
    after = _as_before(facts, event.before)
    if facts.wanted != event.message:
        return after, ()
    return replace(after, problem=event.problem, try_at=None), ()


def _as_before(facts: Facts, before: Facts) -> Facts:
    """An earlier attempt whose answer was lost may still arrive, whatever became of this one."""
    return _released(facts, trying=before.trying, shown_at=before.shown_at)


def _overtaken(facts: Facts, event: Overtaken) -> Stepped:
    """It is looked up before the next attempt, which then carries a later time."""
    put_off = _put_off(facts, PutOff(event.owner, event.problem, event.again_at))[0]
    return replace(put_off, sent_timestamp=event.timestamp), ()


def _put_off(facts: Facts, event: PutOff) -> Stepped:
    return _released(facts, attempts=facts.attempts + 1, problem=event.problem, try_at=event.again_at), ()


def _unseen(facts: Facts, event: Unseen) -> Stepped:
    """What may have been sent is still unknown."""
    return _released(facts, problem=event.problem, try_at=None), ()


def _release(facts: Facts, _event: Release) -> Stepped:
    return _released(facts), ()


def _released(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, leased_by=None, leased_until=None, **changes)


def _passage(facts: Facts, event: Passage) -> Stepped:
    """A cell that is being sent, or was sent or looked up since the reading began, may show more than was read."""
    is_older = any(at is not None and at >= event.began for at in (facts.sent_at, facts.shown_at))
    if is_older or is_leased(facts, event.at):
        return facts, (PassOver(),)
    seen, notices = _seen(facts, event.shown, event.asked_at)
    state = state_of(seen.values)
    if state in {State.HELD, State.KEPT}:
        seen = replace(seen, try_at=None)
    elif state is State.ON_ITS_WAY and seen.try_at is None:
        seen = replace(seen, try_at=event.at)
    return seen, notices


def _keep(facts: Facts, _event: Keep) -> Stepped:
    return replace(facts, decision=Decision.KEEP, decided_on=facts.shown, try_at=None), ()


def _send_ours(facts: Facts, event: SendOurs) -> Stepped:
    """What we sent before is hardly there any more, so even the same grade is a difference now."""
    there = facts.trying or facts.sent
    decided = replace(facts, decision=Decision.SEND, decided_on=facts.shown, sent=None, trying=there)
    return _try_again(decided, TryAgain(event.at))


def _try_again(facts: Facts, event: TryAgain) -> Stepped:
    return replace(facts, problem=None, attempts=0, try_at=event.at), ()


RULES: dict[type, Callable[[Facts, Any], Stepped]] = {
    Wish: _wish,
    Lease: _lease,
    Prepare: _prepare,
    Taken: _taken,
    Unsent: _unsent,
    Declined: _declined,
    Overtaken: _overtaken,
    PutOff: _put_off,
    Unseen: _unseen,
    Release: _release,
    Passage: _passage,
    Keep: _keep,
    SendOurs: _send_ours,
    TryAgain: _try_again,
}
