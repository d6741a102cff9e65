"""The gradebook as instructors see it: is it right, what needs me, and each cell's story."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from babel import Locale
from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, get_locale, get_timezone, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from lti_tool import clock
from lti_tool.database import db
from lti_tool.gradebook import decisions, overview, reading
from lti_tool.gradebook.overview import Standing, Summary
from lti_tool.gradebook.states import State
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.programs.tables import Program
from lti_tool.web import face, navigation
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

PAGE = 50
CARDS = 10

blueprint = Blueprint("gradebook", __name__, template_folder="templates", url_prefix="/v/<visit>")


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: one of the face's statuses, and its word here."""

    status: str
    word: LazyString


LOOKS = {
    State.HELD: Look("held", _l("set in the LMS")),
    State.REFUSED: Look("need", _l("refused")),
    State.ON_ITS_WAY: Look("sent", _l("on its way")),
    State.WAITING: Look("waits", _l("waits")),
    State.KEPT: Look("done", _l("kept as in the LMS")),
    State.TRUE: Look("done", _l("in the LMS")),
}
ACTIONS = {
    "set in the LMS": _l("A change made in the LMS was seen"),
    "keep the LMS's grade": _l("What the LMS shows was kept"),
    "send Peerloop's grade": _l("Peerloop's grade was sent instead"),
    "try again": _l("Sending was tried again"),
}


@blueprint.context_processor
def _wire_times() -> dict[str, Callable[[datetime], str]]:
    """When the LMS was called is told by the wire's clock, also where a demonstration moves the program's."""
    zone, locale = get_timezone(), get_locale() or Locale("en")
    return {
        "wire_moment": lambda at: face.moment(at, clock.wall(), zone, locale),
    }


@blueprint.get("/programs/<int:program_id>/gradebook")
@allow(Access.STAFF)
def show(program_id: int) -> str:
    """All cells of a program, those that need somebody first."""
    program = _program(program_id)
    columns = overview.columns_of(db.session(), program.id)
    cells = overview.standings(db.session(), program.id)
    summary = overview.summarise(columns, cells)
    chosen = _chosen_state()
    needing = [cell for cell in cells if cell.state in {State.HELD, State.REFUSED}]
    rows = _rows([cell for cell in cells if chosen is None or cell.state is chosen])
    page, pages = _page(len(rows))
    return render_template(
        "gradebook/gradebook.html",
        program=program,
        heading=_heading(summary),
        summary=summary,
        cards=_with_origin(needing[:CARDS]),
        more=len(needing) - CARDS,
        labels=_labels(cells),
        rows=rows[(page - 1) * PAGE : page * PAGE],
        looks=LOOKS,
        filters=_filters(program.id, summary, chosen),
        page=page,
        pages=pages,
        page_address=lambda number: _address(program.id, chosen, number),
        may_act=current_visit().role is Role.INSTRUCTOR,
    )


@blueprint.get("/cells/<int:cell_id>")
@allow(Access.STAFF)
def cell(cell_id: int) -> str:
    """One cell: what is wanted, what was sent, what the LMS shows, and what people decided."""
    found = _cell(cell_id)
    program = _program(_program_id(found))
    (standing,) = overview.standings(db.session(), program.id, Cell.id == cell_id)
    return render_template(
        "gradebook/cell.html",
        program=program,
        cell=found,
        values=found.values,
        card=_with_origin([standing])[0],
        look=LOOKS[standing.state],
        story=overview.story(db.session(), cell_id),
        actions=ACTIONS,
        may_act=current_visit().role is Role.INSTRUCTOR,
    )


@blueprint.post("/programs/<int:program_id>/gradebook/read")
@allow(Access.INSTRUCTOR)
def read(program_id: int) -> ResponseReturnValue:
    """Ask for the LMS's gradebook to be read now."""
    program = _program(program_id)
    reading.want_program(db.session(), program.id)
    return redirect_with(
        "good", _("Reading the LMS's gradebook. Reload in a moment."), "gradebook.show", program_id=program.id
    )


@blueprint.post("/cells/<int:cell_id>/keep")
@allow(Access.INSTRUCTOR)
def keep(cell_id: int) -> ResponseReturnValue:
    """Keep what a person set in the LMS."""
    return _decide(cell_id, lambda c: decisions.keep(db.session(), c, _actor(), _seen()), _("Kept as in the LMS."))


@blueprint.post("/cells/<int:cell_id>/send")
@allow(Access.INSTRUCTOR)
def send(cell_id: int) -> ResponseReturnValue:
    """Send ours in place of what a person set in the LMS."""
    text = _("Peerloop's grade is on its way.")
    return _decide(cell_id, lambda c: decisions.send_ours(db.session(), c, _actor(), _seen()), text)


@blueprint.post("/cells/<int:cell_id>/retry")
@allow(Access.INSTRUCTOR)
def retry(cell_id: int) -> ResponseReturnValue:
    """Send a refused grade once more."""
    return _decide(cell_id, lambda c: decisions.try_again(db.session(), c, _actor()), _("Trying again."))


def _decide(cell_id: int, decide: Callable[[Cell], None], text: str) -> ResponseReturnValue:
    found = _cell(cell_id)
    program_id = _program_id(found)
    try:
        decide(found)
    except decisions.OutdatedError:
        abort(409)
    return redirect_with("good", text, "gradebook.show", program_id=program_id)


def _actor() -> int:
    return current_visit().person_id


def _seen() -> str:
    """What the form was about; a form about something else is out of date."""
    return request.form.get("seen", "")


def _program(program_id: int) -> Program:
    program = db.session.scalar(
        select(Program).where(Program.id == program_id, Program.course_id == current_visit().course_id)
    )
    if program is None:
        abort(404)
    navigation.in_program(program.id, program.title)
    return program


def _cell(cell_id: int) -> Cell:
    found = decisions.find(db.session(), current_visit().course_id, cell_id)
    if found is None:
        abort(404)
    return found


def _program_id(cell: Cell) -> int:
    return db.session.scalars(select(Column.program_id).where(Column.id == cell.column_id)).one()


def _chosen_state() -> State | None:
    try:
        return State(request.args["state"]) if request.args.get("state") else None
    except ValueError:
        abort(404)


def _page(rows: int) -> tuple[int, int]:
    pages = max(1, -(-rows // PAGE))
    asked = request.args.get("page", 1, type=int)
    return min(max(asked, 1), pages), pages


def _address(program_id: int, chosen: State | None, page: int = 1) -> str:
    state = chosen.value if chosen else None
    return url_for("gradebook.show", program_id=program_id, state=state, page=page if page > 1 else None)


def _heading(summary: Summary) -> str:
    if not summary.total:
        return str(_("There are no grades yet"))
    if summary.in_lms == summary.total:
        return str(ngettext("The grade is in the LMS", "All %(num)s grades are in the LMS", summary.total))
    return str(_("%(done)s of %(total)s grades are in the LMS", done=summary.in_lms, total=summary.total))


def _labels(cells: Sequence[Standing]) -> dict[str, str]:
    return {cell.measure: cell.label for cell in cells}


@dataclass(frozen=True, slots=True)
class Row:
    """One learner's line."""

    person_id: int
    person: str
    cells: Mapping[str, Standing]


def _rows(cells: Sequence[Standing]) -> list[Row]:
    people = groupby(cells, key=lambda cell: (cell.person_id, cell.person))
    return [Row(person_id, name, {cell.measure: cell for cell in own}) for (person_id, name), own in people]


@dataclass(frozen=True, slots=True)
class Filter:
    """A tab above the table."""

    label: str
    href: str
    current: bool


def _filters(program_id: int, summary: Summary, chosen: State | None) -> list[Filter]:
    every = Filter(_("Everything"), _address(program_id, None), chosen is None)
    return [every] + [
        Filter(f"{LOOKS[state].word} · {count}", _address(program_id, state), chosen is state)
        for state, count in summary.counts.items()
        if count or chosen is state
    ]


@dataclass(frozen=True, slots=True)
class Origin:
    """A standing with who set the LMS's grade, and when that was first seen."""

    standing: Standing
    by: str | None
    seen_at: datetime | None


def _with_origin(cells: Sequence[Standing]) -> list[Origin]:
    names = overview.names_by_subject(db.session(), current_visit().course_id, [cell.shown_by for cell in cells])
    seen = overview.first_seen(db.session(), [cell.cell_id for cell in cells])
    return [Origin(cell, names.get(cell.shown_by or ""), seen.get(cell.cell_id, cell.shown_at)) for cell in cells]
