"""Closing the difference: making the LMS show what is wanted, without ever overwriting a person's grade.

One unit of work is one step with one column, chosen from what the database says is due: find or make its line
item, read it, or send a batch of cells. Each is a few calls between short transactions, none of which is open
during a call. A process that dies leaves the difference standing, and whoever comes next closes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool import clock, jobs
from lti_tool.database import transaction
from lti_tool.gradebook import claims, in_flight, line_items, reading, steps
from lti_tool.gradebook.claims import Batch, Sending, Task
from lti_tool.gradebook.events import (
    Declined,
    Overtaken,
    OwnersEvent,
    Problem,
    PutOff,
    Release,
    Taken,
    Unseen,
    Unsent,
)
from lti_tool.gradebook.line_items import Opening
from lti_tool.gradebook.places import Place
from lti_tool.gradebook.reading import Reading
from lti_tool.gradebook.retries import backoff, cell_words, later, wait_after
from lti_tool.gradebook.states import Decision, Shown, decision, shows_grade
from lti_tool.gradebook.tables import PROBLEM_LENGTH, Cell, Column
from lti_tool.lti import grades
from lti_tool.lti.failures import LmsError, Refused, Retryable, Superseded, Throttled, Unauthorised
from lti_tool.lti.grades import Score
from lti_tool.lti.refusals import new_reference

FEW = 10  # up to here people are looked up one by one
STARTING_SECONDS = 5.0  # a unit starts no more calls after this, so that a worker can stop
GIVE_UP_AFTER = 5  # failures in a row, in one unit, that speak of the platform and not of a person


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sending; `error` is empty when the LMS took it.

    With `is_platforms` it says nothing of this person: the platform, or the line item, takes no scores now.
    Without `begun` there was no call.
    """

    sending: Sending
    error: LmsError | None = None
    is_platforms: bool = False
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """What the LMS showed for a task, or why it could not be asked."""

    task: Task
    shown: Shown | None = None
    error: LmsError | None = None


def close_due() -> bool:
    """Do the next step for the column that has waited longest with something to send. False when there is none."""
    match _next():
        case Opening() as opening:
            line_items.open_item(opening)
        case Reading() as a_reading:
            reading.read(a_reading)
        case Batch() as batch:
            _close(batch)
        case None:
            return False
    return True


def _next() -> Opening | Reading | Batch | None:
    now = clock.wall()
    with transaction() as session:
        has_due = Column.id.in_(select(Cell.column_id).where(*claims.due_cells(now)))
        column = claims.pick_column(session, now, has_due)
        if column is None:
            return None
        if column.line_item_url is None or column.line_item_lost:
            return line_items.claim(session, column, now)
        if _is_worth_reading(session, column, now):
            return reading.claim(session, column, now)
        return claims.claim(session, column, now)


def _is_worth_reading(session: Session, column: Column, now: datetime) -> bool:
    """Whether many cells must be looked up before they are sent, and a reading has not just passed them over."""
    if steps.is_fresh(column.read_at, now):
        return False
    due = select(Cell.id).where(Cell.column_id == column.id, *claims.due_cells(now), claims.unread(now))
    return (session.scalar(select(func.count()).select_from(due.limit(FEW + 1).subquery())) or 0) > FEW


def _close(batch: Batch) -> None:
    now = clock.wall()
    unsure = [task for task in batch.tasks if steps.must_look(task.facts, now)]
    looks = _look(batch, unsure)
    blocking = _blocking(looks)
    if blocking is not None:
        _give_back(batch, batch.tasks, blocking)
        return
    _note_failed_looks(batch, [look for look in looks if look.error])
    read = {look.task.cell_id: look.shown for look in looks if not look.error}
    seen = {look.task.cell_id for look in looks}
    _give_back(batch, [task for task in unsure if task.cell_id not in seen])
    known = [task for task in batch.tasks if task not in unsure or task.cell_id in read]
    _send(batch, claims.prepare(replace(batch, tasks=known), read))


def _look(batch: Batch, tasks: Sequence[Task]) -> list[Look]:
    """What the LMS shows for those who must be looked up, as far as there is time."""
    stop, stop_at = jobs.stopping(), time.monotonic() + STARTING_SECONDS
    found: list[Look] = []

    def look(task: Task) -> Look:
        try:
            return Look(task, reading.look_up(batch.place, task.subject))
        except LmsError as error:
            return Look(task, error=error)

    def go_on() -> bool:
        return len(_errors(found)) < GIVE_UP_AFTER and time.monotonic() < stop_at and not stop.is_set()

    for group in in_flight.groups(iter(tasks), look, batch.place.in_flight, go_on):
        found.extend(group)
    return found


def _errors(looks: Iterable[Look]) -> list[LmsError]:
    return [look.error for look in looks if look.error]


def _blocking(looks: Sequence[Look]) -> LmsError | None:
    """The error that speaks of the platform or the line item; one person's own, beside others that came, does not."""
    errors = _errors(looks)
    if len(errors) < GIVE_UP_AFTER and len(errors) < len(looks):
        errors = [error for error in errors if isinstance(error, Throttled | Unauthorised)]
    return next(iter(errors), None)


def _note_failed_looks(batch: Batch, looks: Sequence[Look]) -> None:
    """Whoever cannot be looked up alone waits alone; what may have been sent is still unknown."""
    events = {look.task.cell_id: _not_looked_up(batch, look) for look in looks}
    with transaction() as session:
        claims.note(session, batch, events)


def _not_looked_up(batch: Batch, look: Look) -> OwnersEvent:
    if look.error is None:
        raise ValueError("it was looked up")
    if isinstance(look.error, Refused):
        return Unseen(batch.owner, _refusal(look.error))
    return _put_off(batch, look.task, look.error)


def _give_back(batch: Batch, tasks: Sequence[Task], error: LmsError | None = None) -> None:
    """Let these cells go as they were; after `error` the column waits, or is found again."""
    if not tasks:
        return
    with transaction() as session:
        claims.note(session, batch, {task.cell_id: Release(batch.owner) for task in tasks})
        if error is not None:
            line_items.failed(session, batch.place, error)


def _send(batch: Batch, sendings: Sequence[Sending]) -> None:
    """Send with as many in flight as the platform takes, noting answers in small groups."""
    blocking: LmsError | None = None
    strikes = 0
    stop, stop_at = jobs.stopping(), time.monotonic() + STARTING_SECONDS
    waiting = iter(sendings)

    def post(sending: Sending) -> Outcome:
        # A process that was asleep for long may find its cells in other hands.
        is_ours = clock.wall() < batch.until
        return _post(batch.place, sending) if is_ours else Outcome(sending, begun=False)

    def go_on() -> bool:
        return blocking is None and time.monotonic() < stop_at and not stop.is_set()

    for outcomes in in_flight.groups(waiting, post, batch.place.in_flight, go_on):
        _note(batch, outcomes)
        for outcome in outcomes:
            strikes = strikes + 1 if type(outcome.error) is Retryable else 0
            if outcome.is_platforms or strikes >= GIVE_UP_AFTER:
                blocking = blocking or outcome.error
    _finish(batch, list(waiting), blocking)


def _post(place: Place, sending: Sending) -> Outcome:
    message = sending.message
    score = Score(
        user_id=sending.task.subject,
        timestamp=sending.timestamp,
        activity=message.activity,
        grading=message.grading,
        given=message.score,
        maximum=place.maximum,
        comment=message.comment,
        takes_back=shows_grade(sending.task.values),
        overrules=decision(sending.task.values) is Decision.SEND,
        review_url=f"{place.review_url}{sending.task.cell_id}" if _is_first(sending) else None,
    )
    try:
        grades.post_score(place.connection, place.url, score)
    except Refused as error:
        if error.status != grades.NOT_FOUND:
            return Outcome(sending, error)
        return Outcome(sending, error, is_platforms=_is_gone(place, sending.task.subject))
    except LmsError as error:
        return Outcome(sending, error, is_platforms=isinstance(error, Throttled | Unauthorised))
    return Outcome(sending)


def _is_first(sending: Sending) -> bool:
    """Whether the LMS has had no score of this person, as far as is known: an answer that was lost may have been."""
    values = sending.task.values
    told = values.sent is not None and values.sent.score is not None
    return sending.message.score is not None and not told and values.trying is None


def _is_gone(place: Place, subject: str) -> bool:
    """Whether it is the line item that the LMS does not know, rather than the person."""
    try:
        reading.look_up(place, subject)
    except LmsError as error:
        return error.status == grades.NOT_FOUND
    return False


def _note(batch: Batch, outcomes: Sequence[Outcome]) -> None:
    with transaction() as session:
        claims.note(session, batch, {each.sending.task.cell_id: _became(batch, each) for each in outcomes})


def _became(batch: Batch, outcome: Outcome) -> OwnersEvent:
    """What an outcome means for its cell."""
    sending, error, owner = outcome.sending, outcome.error, batch.owner
    if outcome.is_platforms or not outcome.begun:
        return Unsent(owner, sending.task.facts)
    if error is None:
        return Taken(owner, sending.message, sending.timestamp, clock.wall())
    if isinstance(error, Refused):
        return Declined(owner, sending.message, sending.task.facts, _refusal(error))
    if isinstance(error, Superseded):
        again_at = later(clock.wall(), backoff(sending.task.facts.attempts + 1))
        return Overtaken(owner, sending.timestamp, _problem(error), again_at)
    return _put_off(batch, sending.task, error)


def _put_off(batch: Batch, task: Task, error: LmsError) -> PutOff:
    again_at = later(clock.wall(), wait_after(error, task.facts.attempts + 1))
    return PutOff(batch.owner, _problem(error), again_at)


def _problem(error: LmsError) -> Problem:
    return Problem(cell_words(error)[:PROBLEM_LENGTH])


def _refusal(error: Refused) -> Problem:
    """Until somebody asks."""
    return replace(_problem(error), code=f"refused-{error.status or 'unsent'}", reference=new_reference())


def _finish(batch: Batch, unsent: Iterable[Sending], blocking: LmsError | None) -> None:
    """Give back what was never begun, and let the column wait if it was the platform that failed."""
    events = {sending.task.cell_id: Unsent(batch.owner, sending.task.facts) for sending in unsent}
    with transaction() as session:
        claims.note(session, batch, events)
        if blocking is None:
            line_items.worked(session, batch.place.column_id)
        else:
            line_items.failed(session, batch.place, blocking)
