"""The first page of each role, and one person's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lti_tool import clock
from lti_tool.cohorts.proposing import is_published
from lti_tool.cohorts.queries import programs_of_member
from lti_tool.cohorts.usual import program_of_visit
from lti_tool.database import db
from lti_tool.feedback.concerns import to_look_at
from lti_tool.home import learner, staff
from lti_tool.lti.launch import STAFF, Role
from lti_tool.meetings.overview import facilitated_meetings
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.access import program_of, programs_of
from lti_tool.programs.tables import Program
from lti_tool.questions.asked import asked
from lti_tool.questions.overview import count_silent
from lti_tool.roster import people, readings
from lti_tool.roster.tables import Course, Enrolment
from lti_tool.web import navigation
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.visits import Visit
from lti_tool.work import story

blueprint = Blueprint("home", __name__, template_folder="templates", url_prefix="/v/<visit>")


@blueprint.get("/")
@allow(Access.VISITOR)
def index() -> ResponseReturnValue:
    """What this person needs first."""
    return _home(current_visit(), None)


@blueprint.get("/programs/<int:program_id>")
@allow(Access.VISITOR)
def board(program_id: int) -> ResponseReturnValue:
    """The same for one program of several."""
    program = program_of(current_visit(), program_id)
    return _home(current_visit(), program)


def _home(visit: Visit, chosen: Program | None) -> ResponseReturnValue:
    if visit.role in STAFF:
        return _board(visit, chosen)
    if visit.role is Role.LEARNER:
        return _learner(visit, chosen)
    if visit.is_admin:
        return redirect(url_for("connection.show"))
    return render_template("home/nothing.html", visit=visit, has_program=program_of_visit(visit) is not None)


def _board(visit: Visit, chosen: Program | None) -> ResponseReturnValue:
    """Who chose no program sees the usual one, unless only another one needs somebody."""
    now, programs = clock.now(), programs_of(visit.course_id)
    homes = {program.id: staff.home_of(db.session(), program, now) for program in programs}
    needs = {program_id: home.needs for program_id, home in homes.items() if home.cohorts}
    program = chosen or program_of_visit(visit)
    if program is not None and chosen is None and not needs.get(program.id):
        program = next((other for other in programs if needs.get(other.id)), program)
    if program is None or not homes[program.id].cohorts:
        return _first_steps(visit, program, programs, needs)
    navigation.in_program(program.id, program.title)
    return render_template(
        "home/staff.html",
        visit=visit,
        program=program,
        home=homes[program.id],
        programs=programs,
        needs=needs,
        facilitated=_facilitated(visit),
        to_look_at=_to_look_at(visit),
    )


def _first_steps(
    visit: Visit, program: Program | None, programs: Sequence[Program], needs: Mapping[int, int]
) -> ResponseReturnValue:
    session = db.session()
    return render_template(
        "home/first_steps.html",
        visit=visit,
        program=program,
        programs=programs,
        needs=needs,
        course=session.get_one(Course, visit.course_id),
        reading=readings.latest(session, visit.course_id),
        counts=people.counts(session, visit.course_id),
        silent=count_silent(session, visit.course_id),
        facilitated=_facilitated(visit),
    )


def _facilitated(visit: Visit) -> Sequence[Meeting]:
    return facilitated_meetings(db.session(), visit.person_id, visit.course_id, clock.now())


def _to_look_at(visit: Visit) -> Sequence[tuple[Meeting, int]]:
    return to_look_at(db.session(), visit.person_id, visit.course_id)


def _learner(visit: Visit, chosen: Program | None) -> ResponseReturnValue:
    """Who learns in several programs and chose none sees the one whose next thing comes first."""
    now, own = clock.now(), programs_of_member(db.session(), visit.course_id, visit.person_id)
    program = chosen or program_of_visit(visit)
    ask = asked(db.session(), visit.course_id, visit.person_id)
    if program is None:
        return render_template("home/nothing.html", visit=visit, has_program=False, asked=ask)
    candidates = [program] if chosen or not own else own
    homes = [(each, learner.home_of(db.session(), visit.person_id, each, now)) for each in candidates]
    program, home = min(homes, key=lambda pair: pair[1].next_at(now))
    facilitated = _facilitated(visit)
    if home.cohort is None and not facilitated:
        formed = is_published(db.session(), program.id)
        return render_template("home/nothing.html", visit=visit, has_program=True, is_formed=formed, asked=ask)
    navigation.in_program(program.id, program.title)
    return render_template(
        "home/learner.html",
        visit=visit,
        asked=ask,
        program=program,
        home=home,
        programs=own,
        needs={},
        facilitated=facilitated,
        to_look_at=_to_look_at(visit),
    )


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
