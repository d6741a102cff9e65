"""The columns of a program: one for each registered measure, and one for completion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.gradebook.tables import Column
from lti_tool.gradebook.wanted import MAXIMUM
from lti_tool.programs.tables import Module, Program

COMPLETION = "completion"
LABEL_LENGTH = 200


def ensure(session: Session, program: Program, labels: dict[str, str], ends: Sequence[datetime]) -> dict[str, Column]:
    """The columns of a locked `program` by measure, in the order of `labels`, made where missing.

    The program ends with the last of `ends`, and not before the plan does.
    """
    found = {
        column.measure: column
        for column in session.scalars(select(Column).where(Column.program_id == program.id).order_by(Column.id))
    }
    ends_at = max([_end(session, program), *ends])
    for measure, label in labels.items():
        if measure not in found:
            found[measure] = _new(program, measure, label, ends_at)
            session.add(found[measure])
        _follow_plan(found[measure], ends_at)
    session.flush()
    return {measure: found[measure] for measure in labels}


def _new(program: Program, measure: str, label: str, ends_at: datetime) -> Column:
    title = program.title[: LABEL_LENGTH - len(label) - 2]
    return Column(
        program_id=program.id,
        measure=measure,
        label=_("%(program)s: %(column)s", program=title, column=label[:1].lower() + label[1:]),
        maximum=MAXIMUM,
        resource_id=f"peerloop-program-{program.id}",
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
    """A week after the last planned session, when its assignment has been due too."""
    weeks = session.scalar(select(func.count(Module.id)).where(Module.program_id == program.id)) or 0
    first = datetime.combine(program.first_session_on, program.session_time, ZoneInfo(program.zone))
    return (first + timedelta(weeks=weeks)).astimezone(UTC)


def short_labels() -> dict[str, str]:
    """What the pages call the columns, by measure."""
    measures = current_app.extensions.get("measures", {})
    return {key: str(measure.label) for key, measure in measures.items()} | {COMPLETION: _("Program completion")}
