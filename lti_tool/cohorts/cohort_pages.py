"""The page of one published cohort: its people, its facilitators, and moving somebody to another one."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from lti_tool.cohorts import facilitating, hour_pages, hour_view, hours, people, publishing, undoing, words
from lti_tool.cohorts.facilitating import NotInCourseError
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.naming import Naming, UnclearError
from lti_tool.cohorts.pages import blueprint
from lti_tool.cohorts.proposing import proposal_of
from lti_tool.cohorts.publishing import BrokenRulesError, NotThereError
from lti_tool.cohorts.queries import CohortMembers, cohorts_with_members, present_ids, with_members
from lti_tool.cohorts.standing import rules_of
from lti_tool.cohorts.tables import Cohort
from lti_tool.cohorts.wish_form import whole_number
from lti_tool.database import db
from lti_tool.lti.launch import STAFF, Role
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.schedule import own_hour
from lti_tool.programs.tables import Program
from lti_tool.roster.words import ROLES
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with


@blueprint.get("/cohorts/<int:cohort_id>")
@allow(Access.FACILITATOR)
def cohort(cohort_id: int) -> ResponseReturnValue:
    """Who is in the cohort, who was, who facilitates it; `person` is chosen to be moved."""
    return _page(*_cohort(cohort_id), chosen=(request.args.get("person", type=int), None))


@blueprint.post("/cohorts/<int:cohort_id>/transfer")
@allow(Access.INSTRUCTOR)
def transfer(cohort_id: int) -> ResponseReturnValue:
    """Move a person to another cohort. Fields: `person`, `to` (a cohort's id), `anyway` (1: break rules)."""
    place, program = _cohort(cohort_id)
    person_id, target_id = _field("person"), _field("to")
    try:
        person, target = publishing.transfer(
            db.session(),
            program,
            place,
            person_id,
            target_id,
            anyway=request.form.get("anyway") == "1",
            actor_id=current_visit().person_id,
        )
    except NotThereError:
        return _page(
            place, program, problem=_("Choose somebody of this cohort, and another cohort. Nothing was changed.")
        ), 400
    except BrokenRulesError as broken:
        return _page(place, program, reasons=broken.reasons, chosen=(person_id, target_id)), 400
    text = _("%(name)s is now in Cohort %(cohort)s.", name=person.name, cohort=target.name)
    return redirect_with("good", text, "cohorts.cohort", cohort_id=cohort_id)


@blueprint.post("/cohorts/<int:cohort_id>/appoint")
@allow(Access.INSTRUCTOR)
def appoint(cohort_id: int) -> ResponseReturnValue:
    """Make somebody of the course a facilitator. Field: `person` (as the page calls them, or an id)."""
    place, program = _cohort(cohort_id)
    try:
        person_id = int(Naming(_appointable(program)).person(request.form.get("person", "")))
        person = facilitating.appoint(db.session(), program, place, person_id, actor_id=current_visit().person_id)
    except UnclearError as unclear:
        return _page(place, program, problem=_("%(why)s Nobody was appointed.", why=unclear)), 400
    except NotInCourseError:
        return _page(
            place, program, problem=_("Choose somebody who is in the course now. Nobody was appointed.")
        ), 400
    text = _("%(name)s facilitates this cohort.", name=person.name)
    return redirect_with("good", text, "cohorts.cohort", cohort_id=cohort_id)


@blueprint.post("/cohorts/<int:cohort_id>/dismiss")
@allow(Access.INSTRUCTOR)
def dismiss(cohort_id: int) -> ResponseReturnValue:
    """Take an appointment back. Field: `person`."""
    place, program = _cohort(cohort_id)
    facilitating.dismiss(db.session(), program, place, _field("person"), actor_id=current_visit().person_id)
    return redirect_with("good", _("The appointment was taken back."), "cohorts.cohort", cohort_id=cohort_id)


@blueprint.post("/cohorts/<int:cohort_id>/hour")
@allow(Access.INSTRUCTOR)
def change_hour(cohort_id: int) -> ResponseReturnValue:
    """Let the cohort meet at another hour from its next session on. Field: `hour`, empty for the program's time."""
    place, program = _cohort(cohort_id)
    if place.ended_at is not None:
        abort(404)
    try:
        hour = hour_pages.weekly("hour", request.form.get("hour", ""), program, place.hour)
        hours.change(db.session(), program, place, hour, actor_id=current_visit().person_id)
    except FormError as wrong:
        db.session.rollback()
        place, program = _cohort(cohort_id)
        return _page(place, program, problem=_("Nothing was changed. %(why)s", why=str(wrong))), 400
    text = _("This cohort meets %(hour)s from now on.", hour=words.hour(place.hour or own_hour(program)))
    return redirect_with("good", text, "cohorts.cohort", cohort_id=cohort_id)


def _page(
    cohort: Cohort,
    program: Program,
    *,
    problem: str | None = None,
    reasons: list[str] | None = None,
    chosen: tuple[int | None, int | None] = (None, None),
) -> str:
    session = db.session()
    entries = cohorts_with_members(session, program.id)
    [entry] = undoing.without_undone(session, program, [with_members(session, cohort.id)])
    rules = rules_of(program, proposal_of(session, program.id))
    facilitators = {person.id for person in entry.facilitators}
    role = current_visit().role
    name = _("Cohort %(name)s", name=cohort.name)
    return render_template(
        "cohorts/cohort.html",
        program=program,
        entry=entry,
        name=name,
        others=[
            (other.cohort.id, _("Cohort %(name)s", name=other.cohort.name))
            for other in entries
            if other.cohort is not cohort
        ],
        candidates=[name for person, name in _appointable(program).items() if int(person) not in facilitators],
        hour=hour_view.standing(
            cohort, Hours.of(session, program, rules, [person.id for person in entry.members]), entry.members
        ),
        present=present_ids(session, program.course_id),
        transferable=[(person.id, person.name) for person in entry.members],
        warnings_of=words.partner_warnings([(name, len(entry.members))], len(program.modules))
        if entry.members
        else [],
        may_change=role is Role.INSTRUCTOR and cohort.ended_at is None,
        is_staff=role in STAFF,
        problem=problem,
        reasons=reasons,
        moving=_who_to_where(entries, chosen) if reasons else None,
        chosen=chosen,
    )


def _who_to_where(entries: Sequence[CohortMembers], chosen: tuple[int | None, int | None]) -> tuple[str, str]:
    """The names of the person and of the cohort that were chosen."""
    name = next(person.name for entry in entries for person in entry.members if person.id == chosen[0])
    target = next(entry.cohort.name for entry in entries if entry.cohort.id == chosen[1])
    return name, _("Cohort %(name)s", name=target)


def _appointable(program: Program) -> dict[str, str]:
    """What everybody who may be appointed is called, by id: with their role."""
    found = people.appointable(db.session(), program.course_id)
    names = people.labels(person for person, _role in found)
    return {str(person.id): f"{names[str(person.id)]} · {ROLES[role]}" for person, role in found}


def _cohort(cohort_id: int) -> tuple[Cohort, Program]:
    """The cohort of this page and its program. Answers 404 when it is another course's."""
    visit = current_visit()
    query = select(Cohort).join(Program, Program.id == Cohort.program_id)
    cohort = db.session.scalar(query.where(Cohort.id == cohort_id, Program.course_id == visit.course_id))
    if cohort is None:
        abort(404)
    return cohort, program_of(visit, cohort.program_id)


def _field(name: str) -> int:
    """An id that was sent; 0, which is nobody's, when it is missing or no number."""
    return whole_number(request.form.get(name, "")) or 0
