"""Taking differing cells, and noting what became of them. Short transactions, and nothing else.

A batch is leased: its cells carry an owner and a time until which nobody else touches them. Whoever dies leaves
an expired lease behind, which the next worker takes over; a late answer of the old owner then changes nothing,
because every note asks for the owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import audit, clock, settings
from lti_tool.database import transaction
from lti_tool.gradebook import places
from lti_tool.gradebook.places import Place
from lti_tool.gradebook.states import (
    Message,
    Shown,
    State,
    Step,
    Values,
    after_reading,
    next_step,
    next_timestamp,
    state_of,
)
from lti_tool.gradebook.tables import Cell, Column, differs, fields
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment, Person

BATCH = 200
FRESH = timedelta(seconds=60)  # a cell is read at most so long before it is sent
UNREAD: dict[str, object] = {"shown_score": None, "shown_comment": None, "shown_by": None, "shown_at": None}
NO_PROBLEM: dict[str, object] = {"problem_code": None, "problem": None, "problem_reference": None}
UNLEASED: dict[str, object] = {"leased_by": None, "leased_until": None}


@dataclass(frozen=True, slots=True)
class Task:
    """One cell in a worker's hands. `last` is the latest time that the LMS may have been told.

    `shown_at` is when the LMS was asked what it shows, empty if something was sent since.
    """

    cell_id: int
    subject: str
    values: Values
    last: datetime | None
    attempts: int
    shown_at: datetime | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells of one column, leased by `owner` until `until`."""

    owner: str
    until: datetime
    place: Place
    tasks: Sequence[Task]


@dataclass(frozen=True, slots=True)
class Sending:
    """A task that goes out: this message, with this time."""

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


def is_leased(cell: Cell) -> bool:
    """Whether a worker is sending it now."""
    return cell.leased_until is not None and cell.leased_until > clock.wall()


def is_fresh(at: datetime | None, now: datetime) -> bool:
    """Whether what was seen `at` that time still counts. A clock that was put back proves nothing."""
    return at is not None and now - FRESH < at <= now


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
    owner, until = new_owner(), now + lease()
    tasks = tuple(_task(cell, subject) for cell, subject in rows)
    session.execute(
        update(Cell).where(Cell.id.in_([task.cell_id for task in tasks])).values(leased_by=owner, leased_until=until),
        execution_options={"synchronize_session": False},
    )
    column.try_at = now  # the others have their turn before this one's next batch
    return Batch(owner, until, places.of(session, column), tasks)


def _task(cell: Cell, subject: str) -> Task:
    last = max((time for time in (cell.sent_timestamp, cell.trying_timestamp) if time), default=None)
    return Task(cell.id, subject, cell.values, last, cell.attempts, cell.shown_at)


def prepare(batch: Batch, read: Mapping[int, Shown | None]) -> list[Sending]:
    """Note what was read, and what is about to be sent; whatever need not or must not go out is given back.

    `read` holds what the LMS showed, by cell, for the cells that were looked up.
    """
    now = clock.wall()
    with transaction() as session:
        tasks = [_after(session, batch, task, read, now) for task in _as_they_are(session, batch)]
        note_rows(session, batch.owner, [_prepared(task, read, now) for task in tasks])
    return [
        Sending(task, task.values.wanted, next_timestamp(now, task.last))
        for task in tasks
        if next_step(task.values) is Step.SEND
    ]


def _after(session: Session, batch: Batch, task: Task, read: Mapping[int, Shown | None], now: datetime) -> Task:
    if task.cell_id not in read:
        return task
    shown = read[task.cell_id]
    values = after_reading(task.values, shown)
    notice(session, batch.place.course_id, task.cell_id, task.values, values, shown)
    return replace(task, values=values, shown_at=now)


def _prepared(task: Task, read: Mapping[int, Shown | None], now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"id": task.cell_id}
    if task.cell_id in read:
        row |= shown_fields(task.values, read[task.cell_id], now)
    match next_step(task.values):
        case Step.SEND:
            timestamp = next_timestamp(now, task.last)
            return row | fields("trying", task.values.wanted) | {"trying_timestamp": timestamp, "shown_at": None}
        case Step.HOLD:
            return row | UNLEASED | {"try_at": None}
        case Step.REST:
            # It may still differ, where a person set what is wanted: nobody need take it up again.
            return row | UNLEASED | {"try_at": None}


def shown_fields(values: Values, shown: Shown | None, at: datetime) -> dict[str, object]:
    """What a reading writes into a cell whose values after it are `values`."""
    return {
        **fields("sent", values.sent),
        **fields("trying", values.trying),
        "shown_score": values.shown,
        "shown_comment": values.shown_comment,
        "shown_by": shown.by if shown else None,
        "shown_at": at,
        "decision": values.decision.value if values.decision else None,
        "decided_on_score": values.decided_on,
    }


def notice(
    session: Session, course_id: int, cell_id: int, before: Values, values: Values, shown: Shown | None
) -> None:
    """Write down that what a person set was seen for the first time."""
    known = state_of(before) is State.HELD and (before.shown, before.shown_comment) == (
        values.shown,
        values.shown_comment,
    )
    if state_of(values) is State.HELD and not known:
        audit.record(
            session,
            "set in the LMS",
            "cell",
            cell_id,
            course_id=course_id,
            actor_id=None,
            before=before.sent.visible if before.sent else None,
            after={"score": values.shown, "comment": values.shown_comment, "by": shown.by if shown else None},
        )


def _as_they_are(session: Session, batch: Batch) -> list[Task]:
    """The tasks whose cells are still this owner's, with what their cells want by now; locked."""
    tasks = {task.cell_id: task for task in batch.tasks}
    cells = _locked(session, tasks, Cell.leased_by == batch.owner)
    return [replace(tasks[cell.id], values=cell.values) for cell in cells]


def _locked(session: Session, ids: Iterable[int], *conditions: ColumnElement[bool]) -> Sequence[Cell]:
    query = select(Cell).where(Cell.id.in_(ids), *conditions).order_by(Cell.id).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def outdated(session: Session, sendings: Sequence[Sending]) -> set[int]:
    """The cells that want something else by now than was sent, locked for the caller's transaction."""
    sent = {sending.task.cell_id: sending.message for sending in sendings}
    return {cell.id for cell in _locked(session, sent) if cell.values.wanted != sent[cell.id]}


def note_rows(session: Session, owner: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write each row's fields into the cell with its id, if it is still `owner`'s. One statement for each shape."""
    rows = list(rows)
    # Everybody locks cells in the order of their ids; the statements below go shape by shape.
    session.execute(
        select(Cell.id).where(Cell.id.in_([row["id"] for row in rows])).order_by(Cell.id).with_for_update()
    )
    shapes: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        shapes.setdefault(frozenset(row), []).append(row)
    for names, same in shapes.items():
        assignments: dict[str, BindParameter[object]] = {
            name: bindparam(f"to_{name}") for name in names if name != "id"
        }
        if assignments:
            session.connection().execute(
                update(Cell.__table__)  # type: ignore[arg-type]  # a mapped class's table is a Table
                .where(Cell.id == bindparam("of_id"), Cell.leased_by == owner)
                .values(assignments),
                [{("of_" if name == "id" else "to_") + name: value for name, value in row.items()} for row in same],
            )
