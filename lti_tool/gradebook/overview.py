"""What pages show of a gradebook: how many grades are where, and each cell's standing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from lti_tool.audit import AuditEntry
from lti_tool.gradebook.columns import short_label
from lti_tool.gradebook.decisions import SUBJECT, sight
from lti_tool.gradebook.states import NOTHING, State, Values, has_foreign_comment, has_foreign_score, state_of
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Enrolment, Person


class Foreign(StrEnum):
    """What of a cell in the LMS is a person's."""

    GRADE = "grade"
    CLEARED = "cleared"
    COMMENT = "comment"  # and the grade is ours


@dataclass(frozen=True, slots=True)
class Standing:
    """One cell as pages show it. `value` is what the LMS shows or will show; `ours` is what Peerloop wants.

    `foreign` says what a person set, where a person did; `shown_comment` is theirs.
    """

    cell_id: int
    person_id: int
    person: str
    measure: str
    label: str
    state: State
    value: float | None
    ours: float | None
    comment: str | None
    is_nothing: bool
    foreign: Foreign | None
    shown_comment: str | None
    sight: str
    shown_by: str | None
    shown_at: datetime | None
    problem: str | None
    reference: str | None
    try_at: datetime | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A program's gradebook in numbers. Cells that want nothing yet are in none of them.

    `read_at` is when the columns were last read back, the oldest of them; `problems` is what stops whole columns.
    """

    counts: Mapping[State, int]
    read_at: datetime | None
    problems: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def in_lms(self) -> int:
        """Grades that are as they should be, those included that an instructor chose to keep."""
        return self.counts[State.TRUE] + self.counts[State.KEPT]

    @property
    def need_you(self) -> int:
        return self.counts[State.HELD] + self.counts[State.REFUSED]


def summary(session: Session, program_id: int) -> Summary:
    """The gradebook of a program in numbers, by two queries."""
    return summarise(columns_of(session, program_id), standings(session, program_id))


def summarise(columns: Sequence[Column], cells: Iterable[Standing]) -> Summary:
    """The same from what has been read already."""
    counts = Counter(dict.fromkeys(State, 0))
    counts.update(cell.state for cell in cells if not cell.is_nothing)
    read = [column.read_at for column in columns if column.line_item_url is not None]
    oldest = min((at for at in read if at is not None), default=None) if None not in read else None
    return Summary(counts, oldest, tuple(dict.fromkeys(c.problem for c in columns if c.problem)))


def cells_of(session: Session, program_id: int, person_id: int) -> list[Standing]:
    """One person's cells, in the order of the columns."""
    return standings(session, program_id, Cell.person_id == person_id)


def columns_of(session: Session, program_id: int) -> Sequence[Column]:
    """The columns of a program in the order in which they were made."""
    return session.scalars(select(Column).where(Column.program_id == program_id).order_by(Column.id)).all()


def standings(session: Session, program_id: int, *conditions: ColumnElement[bool]) -> list[Standing]:
    """The cells of a program by name and column, by one query."""
    learning = and_(
        Enrolment.person_id == Cell.person_id, Enrolment.course_id == Program.course_id, Enrolment.may_learn
    )
    rows = session.execute(
        select(Cell, Column, Person.name, Enrolment.id.is_not(None))
        .join(Column, Column.id == Cell.column_id)
        .join(Program, Program.id == Column.program_id)
        .join(Person, Person.id == Cell.person_id)
        .outerjoin(Enrolment, learning)
        .where(Column.program_id == program_id, *conditions)
        .order_by(Person.name, Person.id, Column.id)
    )
    return [_standing(cell, column, name, can_send=learns) for cell, column, name, learns in rows]


def _standing(cell: Cell, column: Column, name: str, *, can_send: bool) -> Standing:
    values = cell.values
    state = state_of(values, can_send=can_send and column.problem is None)
    persons = state in {State.HELD, State.KEPT}
    return Standing(
        cell_id=cell.id,
        person_id=cell.person_id,
        person=name,
        measure=column.measure,
        label=short_label(column.measure),
        state=state,
        value=values.shown if persons else values.wanted.score,
        ours=values.wanted.score,
        comment=values.wanted.comment,
        foreign=_foreign(values) if persons else None,
        shown_comment=values.shown_comment if persons and has_foreign_comment(values) else None,
        sight=sight(values),
        is_nothing=state is State.WAITING and values.wanted == NOTHING,
        shown_by=cell.shown_by if persons else None,
        shown_at=cell.shown_at,
        problem=cell.problem,
        reference=cell.problem_reference,
        try_at=cell.try_at,
    )


def _foreign(values: Values) -> Foreign:
    if not has_foreign_score(values):
        return Foreign.COMMENT
    return Foreign.CLEARED if values.shown is None else Foreign.GRADE


def first_seen(session: Session, cell_ids: Sequence[int]) -> dict[int, datetime]:
    """When each cell's grade by a person was first seen."""
    entries = session.execute(
        select(AuditEntry.subject_id, AuditEntry.at)
        .where(AuditEntry.subject == SUBJECT, AuditEntry.subject_id.in_(cell_ids), AuditEntry.actor_id.is_(None))
        .order_by(AuditEntry.id)
    )
    return {entry.subject_id: entry.at for entry in entries}


def names_by_subject(session: Session, course_id: int, subjects: Iterable[str | None]) -> dict[str, str]:
    """The names of people of the course's institution whom the LMS calls so."""
    wanted = {subject for subject in subjects if subject}
    rows = session.execute(
        select(Person.subject, Person.name)
        .join(Course, Course.tenant_id == Person.tenant_id)
        .where(Course.id == course_id, Person.subject.in_(wanted))
    )
    return {row.subject: row.name for row in rows}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a cell's story."""

    at: datetime
    action: str
    actor: str | None
    before: object
    after: object


def story(session: Session, cell_id: int) -> list[Event]:
    """What people did about a cell, and what was seen in the LMS; newest first."""
    rows = session.execute(
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.actor_id)
        .where(AuditEntry.subject == SUBJECT, AuditEntry.subject_id == cell_id)
        .order_by(AuditEntry.id.desc())
    )
    return [Event(entry.at, entry.action, name, entry.before, entry.after) for entry, name in rows]
