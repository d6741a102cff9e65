"""The page behind a cell of the LMS's gradebook."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from lti_tool import clock
from lti_tool.database import db
from lti_tool.gradebook.tables import Cell
from lti_tool.links import reviews
from lti_tool.programs.access import program_of
from lti_tool.web.gate import Access, allow, current_visit

blueprint = Blueprint("reviews", __name__, url_prefix="/v/<visit>/work/<int:cell_id>", template_folder="templates")


@blueprint.get("/")
@allow(Access.STAFF)
def work(cell_id: int) -> ResponseReturnValue:
    """A learner's work, and how the cohort around it stands."""
    return _page(_cell(cell_id), is_own=False)


@blueprint.get("/mine")
@allow(Access.LEARNER)
def own_work(cell_id: int) -> ResponseReturnValue:
    """A learner's own."""
    cell = _cell(cell_id)
    if cell.person_id != current_visit().person_id:
        abort(404)
    return _page(cell, is_own=True)


def _cell(cell_id: int) -> Cell:
    return reviews.cell_in(db.session(), current_visit().course_id, cell_id) or abort(404)


def _page(cell: Cell, *, is_own: bool) -> str:
    program, now = program_of(current_visit(), cell.column.program_id), clock.now()
    work = reviews.work_of(db.session(), cell, program, now, with_cohort=not is_own)
    return render_template("links/work.html", work=work, program=program, is_own=is_own, now=now)
