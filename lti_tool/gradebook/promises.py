"""Columns that come into the LMS with a link: in the answer to a deep linking request, never twice.

https://www.imsglobal.org/spec/lti-dl/v2p0#lti-resource-link
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from flask_babel import force_locale
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.gradebook import columns, progress
from lti_tool.gradebook.tables import Column
from lti_tool.programs.tables import Plan, Program

# An LMS may show a form of its own first, and make link and column only when somebody has saved it.
EXPECTED = timedelta(hours=1)


def plan_is_open(session: Session, program_id: int) -> bool:
    """Whether the program's grades can still be planned otherwise: no column of its plan has left for the LMS.

    Completion is in every plan, so it counts for none.
    """
    return not any(_has_left(column) for column in session.scalars(_of_plan(program_id)))


def choose_plan(session: Session, program: Program, plan: Plan) -> bool:
    """Let the program's grades stand by `plan`. False when other columns have left for the LMS already."""
    session.refresh(program, with_for_update=True)
    if program.gradebook_plan == plan:
        return True
    query = _of_plan(program.id).with_for_update()
    old = session.scalars(query, execution_options={"populate_existing": True}).all()
    if any(_has_left(column) for column in old):
        return False
    people = progress.counted_people(session, program.id)
    session.execute(delete(Column).where(Column.id.in_([column.id for column in old])))
    session.expire_all()
    program.gradebook_plan = plan.value
    session.flush()
    progress.changed(session, program.id, people)
    return True


def promise(session: Session, program: Program, measures: Collection[str]) -> dict[str, Column]:
    """Those of a program's columns that the LMS has not been given, by measure. From now on it has.

    Whoever answers a request must send them along: they are not given again, and for an hour only looked for.
    """
    session.refresh(program, with_for_update=True)
    with force_locale(progress.LOCALE):
        made = columns.ensure(session, program)
    given = {measure: made[measure] for measure in measures if measure in made and not _has_left(made[measure])}
    for column in given.values():
        column.expected_until = clock.wall() + EXPECTED
    return given


def expect_copies(session: Session, program: Program) -> None:
    """Make the columns of a program that was copied with its course, as ones that the LMS has already.

    Each is found by its name there, or made if the old course had none of it.
    """
    with force_locale(progress.LOCALE):
        for column in columns.ensure(session, program).values():
            column.expected_until = clock.wall()


def _of_plan(program_id: int) -> Select[Column]:
    return select(Column).where(Column.program_id == program_id, Column.measure != columns.COMPLETION)


def _has_left(column: Column) -> bool:
    return (column.line_item_url or column.expected_until or column.leased_by) is not None
