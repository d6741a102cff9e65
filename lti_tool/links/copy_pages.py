"""What to do with a copied course: the instructor decides once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.links import copies
from lti_tool.links.tables import CourseCopy
from lti_tool.programs.access import programs_of
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.rules import EARLIEST, LATEST
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("copies", __name__, url_prefix="/v/<visit>/copy/<int:origin_id>", template_folder="templates")


@blueprint.get("/")
@allow(Access.INSTRUCTOR)
def offer(origin_id: int) -> ResponseReturnValue:
    """Take over the old course's plan, or start afresh."""
    return _page(origin_id) if _copy(origin_id) else redirect(url_for("home.index"))


@blueprint.post("/take-over")
@allow(Access.INSTRUCTOR)
def take_over(origin_id: int) -> ResponseReturnValue:
    """Take over the program of the field `program`, from the day of the field `first_session_on`."""
    copy = _copy(origin_id)
    if copy is None:
        return redirect(url_for("home.index"), code=303)
    try:
        source, day = _chosen(origin_id)
    except FormError as wrong:
        db.session.rollback()
        return _page(origin_id, errors=wrong.errors), 400
    program = copies.take_over(db.session(), copy, source, day, current_visit().person_id)
    text = _(
        "The plan is taken over. Look through it, then form the cohorts. Links that the LMS copied still carry the "
        "due dates of the old course: correct them in the LMS."
    )
    return redirect_with("good", text, "programs.plan", program_id=program.id)


@blueprint.post("/afresh")
@allow(Access.INSTRUCTOR)
def afresh(origin_id: int) -> ResponseReturnValue:
    """Start without the old plan."""
    copy = _copy(origin_id)
    if copy is not None:
        copies.start_afresh(db.session(), copy, origin_id, current_visit().person_id)
    return redirect(url_for("home.index"), code=303)


def _copy(origin_id: int) -> CourseCopy | None:
    """What waits for a decision; 404 for an origin that is not this person's."""
    visit = current_visit()
    if not copies.may_take_over(db.session(), visit, origin_id):
        abort(404)
    return copies.undecided(db.session(), visit.course_id)


def _chosen(origin_id: int) -> tuple[Program, date]:
    """What the form chooses. Raises FormError."""
    sources = {str(program.id): program for program in programs_of(origin_id)}
    today = clock.now().astimezone(UTC).date()
    reader = Reader(request.form)
    day = reader.day("first_session_on", today - EARLIEST, today + LATEST)
    source = sources.get(request.form.get("program", ""))
    if source is None:
        reader.errors["program"] = _("Choose one of the programs of the old course.")
    reader.check()
    assert source is not None  # noqa: S101 - or the check would have raised
    return source, day


def _page(origin_id: int, errors: Mapping[str, str] | None = None) -> str:
    sources = programs_of(origin_id)
    return render_template(
        "links/copy.html",
        origin=db.session.get_one(Course, origin_id),
        sources=sources,
        chosen=request.form.get("program") or sources[0].id,
        day=request.form.get("first_session_on") or _usual_day(sources[0]).isoformat(),
        errors=errors or {},
        nav=[],
    )


def _usual_day(source: Program) -> date:
    """The old program's weekday, a week from now or a little later."""
    soon = clock.now().astimezone(UTC).date() + timedelta(weeks=1)
    return soon + timedelta(days=(source.first_session_on.weekday() - soon.weekday()) % 7)
