"""The first page of each role, and one person's rows."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lti_tool import clock
from lti_tool.cohorts.usual import program_of_visit
from lti_tool.database import db
from lti_tool.home import learner, staff
from lti_tool.lti.launch import Role
from lti_tool.meetings.overview import facilitated_meetings
from lti_tool.programs.access import program_of, programs_of
from lti_tool.programs.tables import Program
from lti_tool.roster import people, readings
from lti_tool.roster.tables import Course, Enrolment
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.visits import Visit
from lti_tool.work import story

blueprint = Blueprint("home", __name__, template_folder="templates", url_prefix="/v/<visit>")


@blueprint.get("/")
@allow(Access.VISITOR)
def index() -> ResponseReturnValue:
    """What this person needs first."""
    visit = current_visit()
    program = program_of_visit(visit)
    if visit.role in {Role.INSTRUCTOR, Role.TEACHING_ASSISTANT}:
        return _board(visit, program)
    if visit.role is Role.LEARNER:
        return _learner(visit, program)
    if visit.is_admin:
        return redirect(url_for("connection.show"))
    return render_template("home/nothing.html", visit=visit, has_program=program is not None)


@blueprint.get("/programs/<int:program_id>")
@allow(Access.STAFF)
def board(program_id: int) -> ResponseReturnValue:
    """The same for one program of several."""
    return _board(current_visit(), program_of(current_visit(), program_id))


def _board(visit: Visit, program: Program | None) -> ResponseReturnValue:
    if program is None:
        return _first_steps(visit, None)
    now = clock.now()
    home = staff.home_of(db.session(), visit, program, now)
    if not home.cohorts:
        return _first_steps(visit, program)
    return render_template(
        "home/staff.html", visit=visit, program=program, home=home, programs=programs_of(visit.course_id)
    )


def _first_steps(visit: Visit, program: Program | None) -> ResponseReturnValue:
    session = db.session()
    return render_template(
        "home/first_steps.html",
        visit=visit,
        program=program,
        programs=programs_of(visit.course_id),
        course=session.get_one(Course, visit.course_id),
        reading=readings.latest(session, visit.course_id),
        counts=people.counts(session, visit.course_id),
        facilitated=facilitated_meetings(session, visit.person_id, visit.course_id, clock.now()),
    )


def _learner(visit: Visit, program: Program | None) -> ResponseReturnValue:
    if program is None:
        return render_template("home/nothing.html", visit=visit, has_program=False)
    home = learner.home_of(db.session(), visit, program, clock.now())
    if home.cohort is None and not home.facilitated:
        return render_template("home/nothing.html", visit=visit, has_program=True)
    return render_template("home/learner.html", visit=visit, program=program, home=home)


@blueprint.get("/programs/<int:program_id>/people/<int:person_id>")
@allow(Access.STAFF)
def person(program_id: int, person_id: int) -> ResponseReturnValue:
    """One person's sessions, assignments and grades."""
    return _story(program_id, person_id)


@blueprint.get("/programs/<int:program_id>/mine")
@allow(Access.LEARNER)
def mine(program_id: int) -> ResponseReturnValue:
    """A learner's own."""
    return _story(program_id, current_visit().person_id)


def _story(program_id: int, person_id: int) -> ResponseReturnValue:
    visit, now = current_visit(), clock.now()
    program = program_of(visit, program_id)
    enrolment = db.session.scalar(
        select(Enrolment)
        .where(Enrolment.course_id == visit.course_id, Enrolment.person_id == person_id)
        .options(joinedload(Enrolment.person))
    )
    if enrolment is None:
        abort(404)
    told = story.story_of(db.session(), enrolment, program.id, now)
    is_own = visit.role is Role.LEARNER
    return render_template("home/person.html", program=program, story=told, now=now, is_own=is_own)
