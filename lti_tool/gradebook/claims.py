"""Taking differing cells, and noting what became of them. Short transactions, and nothing else.

A batch is leased: its cells carry an owner and a time until which nobody else touches them. Whoever dies leaves
an expired lease behind, which the next worker takes over; a late answer of the old owner then changes nothing,
because every note asks for the owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import audit, clock, settings
from lti_tool.database import transaction
from lti_tool.gradebook import places
from lti_tool.gradebook.events import Action, Event, Facts, Lease, Look, Notice, OwnersEvent, Prepare, Send
from lti_tool.gradebook.places import Place
from lti_tool.gradebook.states import Message, Shown, Values
from lti_tool.gradebook.steps import FRESH, step
from lti_tool.gradebook.tables import Cell, Column, differs
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment, Person

BATCH = 200


@dataclass(frozen=True, slots=True)
class Task:
    """One cell in a worker's hands, as it was when it got there."""

    cell_id: int
    subject: str
    facts: Facts

    @property
    def values(self) -> Values:
        """What the rules about a cell look at."""
        return self.facts.values


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells of one column, leased by `owner` until `until`."""

    owner: str
    until: datetime
    place: Place
    tasks: Sequence[Task]


@dataclass(frozen=True, slots=True)
class Sending:
    """A task that goes out: this message, with this time. Its facts hold what was looked up before."""

    task: Task
    message: Message
    timestamp: datetime


def lease() -> timedelta:
    """How long a unit may take at the very most: a few seconds of starting calls, twice, and their longest waits."""
    return timedelta(seconds=20 + 8 * settings.current().lms_timeout_seconds)


def due_cells(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Cells that differ, are due, are in nobody's hands, and belong to a learner of the course."""
    return (
        differs(),
        Cell.try_at <= now,
        places.free(Cell, now),
        is_learners(),
    )


def is_learners() -> ColumnElement[bool]:
    """Cells of people who are learners of the course now."""
    return exists(
        select(Enrolment.id)
        .join(Program, Program.course_id == Enrolment.course_id)
        .join(Column, Column.program_id == Program.id)
        .where(Column.id == Cell.column_id, Enrolment.person_id == Cell.person_id, Enrolment.may_learn)
    )


def unread(now: datetime) -> ColumnElement[bool]:
    """Cells of which nobody knows what the LMS shows by now."""
    return or_(Cell.shown_at.is_(None), Cell.shown_at <= now - FRESH, Cell.shown_at > now)


def pick_column(session: Session, now: datetime, *conditions: ColumnElement[bool]) -> Column | None:
    """Lock the column that has waited longest among those that may be worked on; others' are skipped."""
    return session.scalar(
        select(Column)
        .where(Column.try_at <= now, places.free(Column, now), *conditions)
        .order_by(Column.try_at, Column.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def new_owner() -> str:
    """A name that no other lease has ever had."""
    return secrets.token_hex(16)


def claim(session: Session, column: Column, now: datetime) -> Batch | None:
    """Lease up to BATCH due cells of a locked column in the caller's transaction."""
    rows = session.execute(
        select(Cell, Person.subject)
        .join(Person, Person.id == Cell.person_id)
        .where(Cell.column_id == column.id, *due_cells(now))
        .order_by(Cell.try_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Cell)
    ).all()
    if not rows:
        return None
    taken = Lease(new_owner(), now + lease())
    tasks = tuple(Task(cell.id, subject, step(cell.facts, taken)[0]) for cell, subject in rows)
    session.execute(
        update(Cell)
        .where(Cell.id.in_([task.cell_id for task in tasks]))
        .values(leased_by=taken.owner, leased_until=taken.until),
        execution_options={"synchronize_session": False},
    )
    # A reading that had the column, by a clock that is behind ours, must not go on.
    column.leased_by = column.leased_until = None
    column.try_at = now  # the others have their turn before this one's next batch
    return Batch(taken.owner, taken.until, places.of(session, column), tasks)


def end_leases(session: Session, column: Column, now: datetime) -> None:
    """Take the cells of a locked column from owners whose time is over; what they still note changes nothing."""
    session.execute(
        update(Cell)
        .where(Cell.column_id == column.id, Cell.leased_until <= now)
        .values(leased_by=None, leased_until=None),
        execution_options={"synchronize_session": False},
    )


def prepare(batch: Batch, read: Mapping[int, Shown | None]) -> list[Sending]:
    """Note what was read, and what is about to be sent; whatever need not or must not go out is given back.

    `read` holds what the LMS showed, by cell, for the cells that were looked up.
    """
    now = clock.wall()
    events = {
        task.cell_id: Prepare(batch.owner, now, Look(read[task.cell_id]) if task.cell_id in read else None)
        for task in batch.tasks
    }
    with transaction() as session:
        actions = note(session, batch, events)
    return [
        Sending(Task(task.cell_id, task.subject, action.before), action.message, action.timestamp)
        for task in batch.tasks
        for action in actions.get(task.cell_id, ())
        if isinstance(action, Send)
    ]


def note(session: Session, batch: Batch, events: Mapping[int, OwnersEvent]) -> dict[int, tuple[Action, ...]]:
    """Let an event happen to each of these cells that is still the owner's; answers what is to be done, by cell."""
    cells = _locked(session, events, Cell.leased_by == batch.owner)
    return {cell.id: happen(session, batch.place.course_id, cell, events[cell.id]) for cell in cells}


def happen(session: Session, course_id: int, cell: Cell, event: Event) -> tuple[Action, ...]:
    """Take one step with a cell that is locked for the caller's transaction."""
    facts, actions = step(cell.facts, event)
    cell.become(facts)
    for action in actions:
        if isinstance(action, Notice):
            _write_down(session, course_id, cell.id, action)
    return actions


def _write_down(session: Session, course_id: int, cell_id: int, notice: Notice) -> None:
    audit.record(
        session,
        "set in the LMS",
        "cell",
        cell_id,
        course_id=course_id,
        actor_id=None,
        before=notice.before,
        after={"score": notice.score, "comment": notice.comment, "by": notice.by},
    )


def _locked(session: Session, ids: Iterable[int], *conditions: ColumnElement[bool]) -> Sequence[Cell]:
    query = select(Cell).where(Cell.id.in_(ids), *conditions).order_by(Cell.id).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).all()
