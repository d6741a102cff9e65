"""Pages of a program: making one, and its plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.programs import rules
from lti_tool.programs.access import program_of, programs_of
from lti_tool.programs.fields import LONGEST_SESSION, SHORTEST_SESSION, FormError, zones
from lti_tool.programs.schedule import scheduled, session_start
from lti_tool.programs.script_pages import SCRIPTS
from lti_tool.programs.templates import SHORT, template
from lti_tool.roster.tables import Course
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("programs", __name__, url_prefix="/v/<visit>/programs", template_folder="templates")


@blueprint.get("/new")
@allow(Access.INSTRUCTOR)
def new() -> ResponseReturnValue:
    """The form for a new program, filled in so that it can be sent at once."""
    course = _course()
    source = template()
    taken = {program.title for program in programs_of(course.id)}
    return _form(
        {
            "title": source.title if source.title not in taken else "",
            "skill": source.skill,
            "first_session_on": (clock.now() + timedelta(weeks=1)).date().isoformat(),
            "session_time": "14:00",
            "session_minutes": str(SHORTEST_SESSION),
            "zone": course.zone,
            "script": SHORT,
        },
        {},
    )


@blueprint.post("/new")
@allow(Access.INSTRUCTOR)
def create() -> ResponseReturnValue:
    """Make the program."""
    try:
        program = rules.create(db.session(), _course(), request.form, current_visit().person_id)
    except FormError as wrong:
        return _form(request.form, wrong.errors), 400
    return redirect_with(
        "good", _("The program is planned. Next: form its cohorts."), "programs.plan", program_id=program.id
    )


@blueprint.get("/<int:program_id>/plan")
@allow(Access.STAFF)
def plan(program_id: int) -> ResponseReturnValue:
    """The sessions of a program: when each cohort meets, with which script, and what to do afterwards."""
    program = program_of(current_visit(), program_id)
    by_module = scheduled(db.session(), program.id)
    weeks = [
        (module, session_start(program, module.number), by_module.get(module.id, ())) for module in program.modules
    ]
    begun_after = clock.now() - timedelta(minutes=program.session_minutes)
    return render_template(
        "programs/plan.html",
        program=program,
        weeks=weeks,
        has_cohorts=bool(by_module),
        may_edit=current_visit().role is Role.INSTRUCTOR,
        coming=next((module for module, starts_at, _cohorts in weeks if starts_at > begun_after), None),
    )


def _form(values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "programs/new.html",
        values=values,
        errors=errors,
        summary=[(f"field-{name}", text) for name, text in errors.items()],
        zones=[(name, name) for name in zones()],
        shortest=SHORTEST_SESSION,
        longest=LONGEST_SESSION,
        scripts=SCRIPTS,
        source=template(),
    )


def _course() -> Course:
    return db.session.get_one(Course, current_visit().course_id)
