"""The pages that a week's link opens: a learner's own week, and everybody's for staff."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from lti_tool import clock
from lti_tool.database import db
from lti_tool.links import weeks
from lti_tool.programs.access import program_of
from lti_tool.programs.schedule import session_start
from lti_tool.programs.tables import Module, Program
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.work import terms, words

blueprint = Blueprint("weeks", __name__, url_prefix="/v/<visit>/weeks/<int:module_id>", template_folder="templates")


@blueprint.get("/")
@allow(Access.STAFF)
def week(module_id: int) -> ResponseReturnValue:
    """A week of all cohorts."""
    program, module = _module(module_id)
    return render_template(
        "links/week.html",
        program=program,
        module=module,
        starts_at=session_start(program, module.number),
        week=weeks.of_staff(db.session(), program, module),
        now=clock.now(),
    )


@blueprint.get("/session")
@allow(Access.STAFF)
def session(module_id: int) -> ResponseReturnValue:
    """The session of a week: the page of it where there is one cohort, else the week."""
    program, module = _module(module_id)
    match weeks.of_staff(db.session(), program, module).sessions:
        case [only]:
            return redirect(url_for("meetings.show", meeting_id=only.meeting.id))
    return redirect(url_for("weeks.week", module_id=module_id))


@blueprint.get("/assignment")
@allow(Access.STAFF)
def assignment(module_id: int) -> ResponseReturnValue:
    """The micro-assignment of a week: what was handed in where there is one cohort, else the week."""
    program, module = _module(module_id)
    match weeks.of_staff(db.session(), program, module).assignments:
        case [only]:
            return redirect(url_for("work.submissions", assignment_id=only.assignment.id))
    return redirect(url_for("weeks.week", module_id=module_id))


@blueprint.get("/mine")
@allow(Access.LEARNER)
def own_week(module_id: int) -> ResponseReturnValue:
    """A learner's own week. Who is in no cohort is told so on the first page."""
    program, module = _module(module_id)
    visit, now = current_visit(), clock.now()
    own = weeks.of_learner(db.session(), visit.person_id, module)
    held = weeks.facilitated(db.session(), visit, module, now)
    if own is None and not held:
        return redirect(url_for("home.index"))
    return render_template(
        "links/own_week.html",
        program=program,
        module=module,
        own=own,
        overdue=own and words.overdue(terms.of_module(program, module), own.due_at, now),
        facilitated=held,
        now=now,
    )


@blueprint.get("/mine/session")
@allow(Access.LEARNER)
def own_session(module_id: int) -> ResponseReturnValue:
    """A learner's session has no page of its own: the week begins with it."""
    return own_week(module_id)


@blueprint.get("/mine/assignment")
@allow(Access.LEARNER)
def own_assignment(module_id: int) -> ResponseReturnValue:
    """A learner's micro-assignment, once its session has begun; until then the week."""
    _program, module = _module(module_id)
    own = weeks.of_learner(db.session(), current_visit().person_id, module)
    if own is None or own.meeting.starts_at > clock.now():
        return own_week(module_id)
    return redirect(url_for("work.show", assignment_id=own.assignment.id))


def _module(module_id: int) -> tuple[Program, Module]:
    """The program and the module of this page. Answers 404 when it is another course's."""
    visit = current_visit()
    own = select(Module.program_id).join(Program).where(Module.id == module_id, Program.course_id == visit.course_id)
    program_id = db.session.scalar(own)
    if program_id is None:
        abort(404)
    program = program_of(visit, program_id)
    return program, next(module for module in program.modules if module.id == module_id)
