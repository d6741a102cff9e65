"""Opening a cell of the LMS's gradebook: the work behind a grade, for that learner and for staff.

A submission review names a column and a person (https://www.imsglobal.org/spec/lti-sr/v1p0); Canvas opens the
link that came with the score, which names the cell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from lti_tool.cohorts import queries
from lti_tool.cohorts.tables import Cohort
from lti_tool.gradebook import columns, overview
from lti_tool.gradebook.overview import Standing
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Launch
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.programs.tables import Program
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import Enrolment, Person
from lti_tool.work import story
from lti_tool.work.story import Week

_CELL = re.compile(r"review/([1-9]\d{0,8})")


def is_review(launch: Launch) -> bool:
    """Whether a launch is about somebody's work rather than a link."""
    return launch.for_user is not None or _CELL.fullmatch(launch.named) is not None


def cell_of(session: Session, launch: Launch, recorded: Recorded, *, is_staff: bool) -> int | None:
    """The cell that a review is about; None where there is none (yet). Raises LaunchRefused for another's work."""
    if launch.for_user is not None and not is_staff and launch.for_user != launch.identity.subject:
        raise LaunchRefused("not_your_work")
    query = (
        select(Cell.id, Cell.person_id)
        .join(Column, Column.id == Cell.column_id)
        .join(Program, Program.id == Column.program_id)
        .join(Person, Person.id == Cell.person_id)
        .where(Program.course_id == recorded.course_id, *_named(launch))
    )
    found = session.execute(query).first()
    if found is None:
        return None
    if not is_staff and found.person_id != recorded.person_id:
        raise LaunchRefused("not_your_work")
    return int(found.id)


def _named(launch: Launch) -> tuple[ColumnElement[bool], ...]:
    match = _CELL.fullmatch(launch.named)
    if match is not None and launch.for_user is None:
        return (Cell.id == int(match[1]),)
    line_item = launch.grades.line_item_url if launch.grades else None
    return (Column.line_item_url == line_item, Person.subject == launch.for_user)


@dataclass(frozen=True, slots=True)
class Work:
    """What stands behind a grade. `around` are the grades of the person's cohort in the same column, by name."""

    cell: Cell
    program: Program
    label: str
    standing: Standing
    weeks: Sequence[Week]
    cohort: Cohort | None
    around: Sequence[Standing]


def cell_in(session: Session, course_id: int, cell_id: int) -> Cell | None:
    """A cell of a course, with its column and person."""
    return session.scalar(
        select(Cell)
        .join(Column, Column.id == Cell.column_id)
        .join(Program, Program.id == Column.program_id)
        .where(Cell.id == cell_id, Program.course_id == course_id)
        .options(joinedload(Cell.column), joinedload(Cell.person))
    )


def work_of(session: Session, cell: Cell, program: Program, now: datetime, *, with_cohort: bool) -> Work:
    """Gather the work behind a cell by a fixed number of queries; with the cohort's grades if asked for."""
    enrolment = session.scalars(
        select(Enrolment)
        .where(Enrolment.course_id == program.course_id, Enrolment.person_id == cell.person_id)
        .options(joinedload(Enrolment.person))
    ).one()
    week = columns.week_of(cell.column.measure)
    weeks = story.story_of(session, enrolment, program.id, now).weeks
    cohort = queries.cohort_of(session, program.id, cell.person_id)
    return Work(
        cell=cell,
        program=program,
        label=columns.short_label(cell.column.measure),
        standing=overview.standings(session, program.id, Cell.id == cell.id)[0],
        weeks=[one for one in weeks if week is None or one.meeting.module.number == week],
        cohort=cohort,
        around=_around(session, cell, program.id, cohort) if cohort and with_cohort else (),
    )


def _around(session: Session, cell: Cell, program_id: int, cohort: Cohort) -> Sequence[Standing]:
    members = [person.id for person in queries.with_members(session, cohort.id).members]
    return overview.standings(session, program_id, Cell.column_id == cell.column_id, Cell.person_id.in_(members))
