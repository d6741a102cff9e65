"""The columns of a program by its plan: one for each registered measure or one for each week; always completion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.gradebook.tables import Column
from lti_tool.gradebook.wanted import MAXIMUM
from lti_tool.programs.schedule import planned_end
from lti_tool.programs.tables import Module, Plan, Program

COMPLETION = "completion"
LABEL_LENGTH = 200

_WEEK = re.compile(r"week-(\d{1,3})")


def ensure(session: Session, program: Program) -> dict[str, Column]:
    """The columns of a locked `program` by measure, in the order of its plan, made where missing."""
    labels = _planned(session, program)
    found = {
        column.measure: column
        for column in session.scalars(select(Column).where(Column.program_id == program.id).order_by(Column.id))
    }
    ends_at = _end(session, program)
    for measure, label in labels.items():
        if measure not in found:
            found[measure] = _new(program, measure, label, ends_at)
            session.add(found[measure])
        _follow_plan(found[measure], ends_at)
    session.flush()
    return {measure: found[measure] for measure in labels}


def _planned(session: Session, program: Program) -> dict[str, str]:
    if program.gradebook_plan == Plan.TOTALS:
        return _measure_labels() | {COMPLETION: short_label(COMPLETION)}
    weeks = [of_week(number) for number in weeks_of(session, program.id)]
    return {measure: short_label(measure) for measure in (*weeks, COMPLETION)}


def _new(program: Program, measure: str, label: str, ends_at: datetime) -> Column:
    title = program.title[: LABEL_LENGTH - len(label) - 2]
    return Column(
        program_id=program.id,
        measure=measure,
        label=_("%(program)s: %(column)s", program=title, column=label[:1].lower() + label[1:]),
        maximum=MAXIMUM,
        resource_id=program.resource_id,
        tag=measure,
        ends_at=ends_at,
        try_at=clock.wall(),
        attempts=0,
        line_item_lost=False,
    )


def _follow_plan(column: Column, ends_at: datetime) -> None:
    if column.ends_at != ends_at:
        column.ends_at = ends_at
        column.finished_at = None


def _end(session: Session, program: Program) -> datetime:
    """The end of the plan; later where a measure says so."""
    weeks = session.scalar(select(func.count(Module.id)).where(Module.program_id == program.id)) or 0
    measures = current_app.extensions.get("measures", {}).values()
    stated: list[datetime] = [at for measure in measures if (at := measure.ends(session, program.id))]
    return max([planned_end(program, weeks), *stated])


def weeks_of(session: Session, program_id: int) -> Sequence[int]:
    """The numbers of a program's weeks."""
    return session.scalars(select(Module.number).where(Module.program_id == program_id).order_by(Module.number)).all()


def of_week(number: int) -> str:
    """The measure of a week's column."""
    return f"week-{number}"


def week_of(measure: str) -> int | None:
    """The other way; None for a column of the whole program."""
    match = _WEEK.fullmatch(measure)
    return int(match[1]) if match else None


def short_label(measure: str) -> str:
    """What the pages call a column."""
    week = week_of(measure)
    if week is not None:
        return str(_("Week %(number)s", number=week))
    return (_measure_labels() | {COMPLETION: str(_("Program completion"))}).get(measure, measure)


def _measure_labels() -> dict[str, str]:
    measures = current_app.extensions.get("measures", {})
    return {key: str(measure.label) for key, measure in measures.items()}
