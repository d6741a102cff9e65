"""How deeds become wanted cells: rooms register measures, and say whose progress changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString, force_locale
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from lti_tool import clock, jobs
from lti_tool.gradebook import columns, wanted
from lti_tool.gradebook.events import Wish
from lti_tool.gradebook.states import NOTHING, Message
from lti_tool.gradebook.steps import step
from lti_tool.gradebook.tables import Cell, Column, fields, stored
from lti_tool.gradebook.wanted import Progress as Progress
from lti_tool.programs.tables import Plan, Program
from lti_tool.roster.tables import Enrolment

JOB = "gradebook"
# What is stored or sent must not change with the language of whoever caused the change.
LOCALE = "en"
# Up to here people are named in a query; beyond it the whole program is read and filtered here.
NAMED_PEOPLE = 500
# What of a cell a new wish may change.
MOVED = (
    *("wanted_score", "wanted_comment", "wanted_activity", "wanted_grading"),
    *("problem_code", "problem", "problem_reference", "attempts", "try_at"),
)


# (session, program id, person ids, now) -> progress by person id; people without any are left out.
Compute = Callable[[Session, int, Sequence[int], datetime], Mapping[int, Progress]]
# The same by person id, then by week; weeks without any are left out.
ByWeek = Callable[[Session, int, Sequence[int], datetime], Mapping[int, Mapping[int, Progress]]]


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that counts. `label` names its column in the LMS; `unit` goes into comments ("sessions").

    One that tells nothing `by_week` counts in no column of a week, but in the completion of the program.
    `ends` says until when something may still be done in a program; None where only the plan knows.
    """

    key: str
    label: LazyString
    unit: LazyString
    compute: Compute
    by_week: ByWeek | None = None
    ends: Callable[[Session, int], datetime | None] = lambda _session, _program_id: None


def whole_program(by_week: ByWeek) -> Compute:
    """The weeks taken together."""

    def compute(session: Session, program_id: int, person_ids: Sequence[int], now: datetime) -> dict[int, Progress]:
        counted = by_week(session, program_id, person_ids, now)
        return {person_id: wanted.together(weeks.values()) for person_id, weeks in counted.items()}

    return compute


def register_measure(app: Flask, measure: Measure) -> None:
    """Make `measure` a column of every program's gradebook."""
    app.extensions.setdefault("measures", {})[measure.key] = measure


def _measures() -> dict[str, Measure]:
    measures: dict[str, Measure] = current_app.extensions.get("measures", {})
    return measures


def changed(session: Session, program_id: int, person_ids: Iterable[int], now: datetime | None = None) -> None:
    """Recount these people and make their cells want what follows, in the caller's transaction.

    The number of queries does not depend on the number of people. Who is not a learner of the course (left, a
    test user, staff) is passed over: a cell that exists stays as it is. `now` is the program's time.
    """
    session.flush()
    # Two deeds of one person at once would each count without the other; the second waits here for the first.
    program = session.scalar(select(Program).where(Program.id == program_id).with_for_update(key_share=True))
    if program is None:
        raise LookupError(f"there is no program {program_id}")
    learners = _learners(session, program, set(person_ids))
    now = now or clock.now()
    with force_locale(LOCALE):
        made = columns.ensure(session, program)
        messages = _messages(session, program, learners, now, over=now >= made[columns.COMPLETION].ends_at)
    if learners and _write(session, made, learners, messages):
        jobs.ring(session, JOB)


def everybody(session: Session, program_id: int, now: datetime | None = None) -> None:
    """Recount all learners of the program's course who have a cell in it."""
    changed(session, program_id, counted_people(session, program_id), now)


def counted_people(session: Session, program_id: int) -> Sequence[int]:
    """The ids of those who have a cell in a program."""
    return session.scalars(
        select(Cell.person_id).distinct().join(Column).where(Column.program_id == program_id)
    ).all()


def of_person(
    session: Session, program_id: int, person_id: int, now: datetime | None = None
) -> Mapping[str, Progress]:
    """How far one person is by every measure; a measure that knows nothing of them is left out."""
    now = now or clock.now()
    counted = {key: each.compute(session, program_id, [person_id], now) for key, each in _measures().items()}
    return {key: people[person_id] for key, people in counted.items() if person_id in people}


def _learners(session: Session, program: Program, person_ids: set[int]) -> list[int]:
    found = session.scalars(
        select(Enrolment.person_id).where(
            Enrolment.course_id == program.course_id,
            Enrolment.may_learn,
            *_named(Enrolment.person_id, person_ids),
        )
    )
    return sorted(person_ids.intersection(found))


def _named(column: InstrumentedAttribute[int], person_ids: Collection[int]) -> Iterator[ColumnElement[bool]]:
    if len(person_ids) <= NAMED_PEOPLE:
        yield column.in_(person_ids)


def _messages(
    session: Session, program: Program, learners: Sequence[int], now: datetime, *, over: bool
) -> dict[tuple[str, int], Message]:
    """What each (measure, person) should show."""
    counted = {key: measure.compute(session, program.id, learners, now) for key, measure in _measures().items()}
    messages: dict[tuple[str, int], Message] = {}
    for person_id in learners:
        parts = {key: progress[person_id] for key, progress in counted.items() if person_id in progress}
        if program.gradebook_plan == Plan.TOTALS:
            for key, measure in _measures().items():
                messages[key, person_id] = wanted.measured(parts.get(key), str(measure.unit))
        messages[columns.COMPLETION, person_id] = wanted.completion(tuple(parts.values()), over=over)
    if program.gradebook_plan == Plan.WEEKS:
        messages |= _weekly_messages(session, program.id, learners, now)
    return messages


def _weekly_messages(
    session: Session, program_id: int, learners: Sequence[int], now: datetime
) -> dict[tuple[str, int], Message]:
    """What each (column of a week, person) should show."""
    counted = [
        measure.by_week(session, program_id, learners, now) for measure in _measures().values() if measure.by_week
    ]
    return {
        (columns.of_week(week), person_id): wanted.week(
            [weeks[person_id][week] for weeks in counted if week in weeks.get(person_id, {})]
        )
        for week in columns.weeks_of(session, program_id)
        for person_id in learners
    }


def _write(
    session: Session,
    made: Mapping[str, Column],
    learners: Sequence[int],
    messages: Mapping[tuple[str, int], Message],
) -> bool:
    """Insert missing cells and update those that differ. Returns whether there is anything to send."""
    ids = [column.id for column in made.values()]
    query = select(Cell).where(Cell.column_id.in_(ids), *_named(Cell.person_id, learners))
    # What this session read before it had the lock may be old.
    found = session.scalars(query, execution_options={"populate_existing": True})
    cells = {(cell.column_id, cell.person_id): cell for cell in found}
    fresh, moved = [], []
    for (measure, person_id), message in messages.items():
        cell = cells.get((made[measure].id, person_id))
        if cell is None:
            fresh.append(_new_row(made[measure].id, person_id, message))
        elif cell.values.wanted != message:
            moved.append(_moved_row(cell, message))
            session.expire(cell)
    if fresh:
        session.execute(insert(Cell), fresh)
    if moved:
        # Everybody who writes many cells does so in the order of their ids, so that none waits for the other.
        session.execute(update(Cell), sorted(moved, key=itemgetter("id")))
    return any(row["try_at"] is not None for row in (*fresh, *moved))


def _new_row(column_id: int, person_id: int, message: Message) -> dict[str, Any]:
    now = clock.wall()
    return {
        "column_id": column_id,
        "person_id": person_id,
        **fields("wanted", message),
        "wanted_at": now,
        "attempts": 0,
        "try_at": None if message == NOTHING else now,
    }


def _moved_row(cell: Cell, message: Message) -> dict[str, Any]:
    now = clock.wall()
    facts, _none = step(cell.facts, Wish(message, now))
    return {"id": cell.id, "wanted_at": now, **{name: stored(facts)[name] for name in MOVED}}
