"""Pages of micro-assignments for those who facilitate: what was handed in, more time, grades and spot checks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.lti.launch import STAFF, Role
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with
from lti_tool.work import answers, downloads, extensions, grading, rubric, rules, spot_checks, terms
from lti_tool.work.access import assignment_of
from lti_tool.work.blueprint import blueprint
from lti_tool.work.measure import share_of
from lti_tool.work.naming import named_person, named_submission
from lti_tool.work.overview import everybody, work_overview
from lti_tool.work.rows import submission_of


@blueprint.get("/assignments/<int:assignment_id>/submissions")
@allow(Access.FACILITATOR)
def submissions(assignment_id: int) -> ResponseReturnValue:
    """What everybody of a cohort has handed in."""
    return _everybodys_page(assignment_id)


@blueprint.get("/assignments/<int:assignment_id>/submissions/files/<int:person_id>")
@allow(Access.FACILITATOR)
def file_for_all(assignment_id: int, person_id: int) -> ResponseReturnValue:
    """The file that somebody of the cohort has handed in."""
    visit = current_visit()
    assignment_of(visit, assignment_id)
    return downloads.answer(submission_of(db.session(), assignment_id, person_id), visit.tenant_id)


@blueprint.post("/assignments/<int:assignment_id>/submissions/confirm")
@allow(Access.FACILITATOR)
def confirm_for_all(assignment_id: int) -> ResponseReturnValue:
    """Confirm the work of the field `person`, in the partner's stead."""
    visit = current_visit()
    assignment_of(visit, assignment_id)
    submission = named_submission(assignment_id)
    try:
        rules.confirm(db.session(), submission, visit.person_id, clock.now(), request.form.get("seen"))
    except FormError as wrong:
        db.session.rollback()
        return _everybodys_page(assignment_id, errors=wrong.errors), 400
    return redirect_with("good", _("Confirmed. It counts now."), "work.submissions", assignment_id=assignment_id)


@blueprint.post("/assignments/<int:assignment_id>/submissions/extend")
@allow(Access.STAFF)
def extend(assignment_id: int) -> ResponseReturnValue:
    """Give the person of the field `person` until `day`, or with `back` as much time as everybody."""
    visit, session = current_visit(), db.session()
    assignment, program = assignment_of(visit, assignment_id)
    person_id = named_person()
    if request.form.get("back"):
        extensions.take_back(session, program, assignment, person_id, visit.person_id)
        return redirect_with("good", _("Taken back."), "work.submissions", assignment_id=assignment_id)
    try:
        extensions.extend(session, program, assignment, person_id, request.form, visit.person_id, clock.now())
    except FormError as wrong:
        session.rollback()
        return _everybodys_page(assignment_id, errors=wrong.errors), 400
    return redirect_with("good", _("They have more time now."), "work.submissions", assignment_id=assignment_id)


@blueprint.post("/assignments/<int:assignment_id>/submissions/grade")
@allow(Access.INSTRUCTOR)
def grade(assignment_id: int) -> ResponseReturnValue:
    """Give the work of the field `person` points (see `grading.grade`)."""
    visit = current_visit()
    assignment_of(visit, assignment_id)
    submission = named_submission(assignment_id)
    try:
        grading.grade(db.session(), submission, request.form, visit.person_id, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _everybodys_page(assignment_id, errors=wrong.errors, typed=request.form), 400
    return redirect_with("good", _("Graded. It counts now."), "work.submissions", assignment_id=assignment_id)


@blueprint.post("/assignments/<int:assignment_id>/submissions/look")
@allow(Access.FACILITATOR)
def look_at(assignment_id: int) -> ResponseReturnValue:
    """Say that the drawn work of the field `person` is fine, or send it back (see `spot_checks.look_at`)."""
    visit = current_visit()
    assignment_of(visit, assignment_id)
    submission = named_submission(assignment_id)
    try:
        spot_checks.look_at(db.session(), submission, request.form, visit.person_id, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _everybodys_page(assignment_id, errors=wrong.errors, typed=request.form), 400
    told = _("Sent back. It counts again once it is changed and confirmed.")
    thanks = told if request.form.get("back") else _("Thank you for looking.")
    return redirect_with("good", thanks, "work.submissions", assignment_id=assignment_id)


@blueprint.get("/programs/<int:program_id>/assignments")
@allow(Access.STAFF)
def program(program_id: int) -> ResponseReturnValue:
    """All cohorts and all micro-assignments, in numbers that lead to the texts."""
    return _programs_page(program_id)


@blueprint.post("/programs/<int:program_id>/assignments/late")
@allow(Access.INSTRUCTOR)
def set_late_rule(program_id: int) -> ResponseReturnValue:
    """Say what late hand-ins count, wherever an assignment has no rule of its own."""
    visit = current_visit()
    try:
        terms.change(db.session(), program_of(visit, program_id), request.form, visit.person_id)
    except FormError as wrong:
        db.session.rollback()
        return _programs_page(program_id, request.form, wrong.errors), 400
    return redirect_with("good", _("Saved, and counted again."), "work.program", program_id=program_id)


def _programs_page(
    program_id: int, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> str:
    found = program_of(current_visit(), program_id)
    counted = work_overview(db.session(), found.id)
    by_cohort = groupby(counted, key=lambda one: one.assignment.meeting.cohort_id)
    return render_template(
        "work/program.html",
        program=found,
        cohorts=[list(weeks) for _cohort, weeks in by_cohort],
        waiting=sum(one.handed_in - one.confirmed for one in counted),
        to_look_at=sum(one.to_look_at for one in counted),
        confirmed=sum(one.confirmed for one in counted),
        now=clock.now(),
        may_change=current_visit().role is Role.INSTRUCTOR,
        late_words=terms.in_words(terms.of_program(found)),
        late_rules=terms.rules(),
        values=typed or terms.values_of(found),
        errors=errors or {},
        summary=[(f"field-{name}", text) for name, text in (errors or {}).items()],
    )


def _everybodys_page(
    assignment_id: int, *, errors: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None
) -> str:
    """Everybody's work; `typed` is what was refused of one person's and must not be lost."""
    visit, session = current_visit(), db.session()
    assignment, program = assignment_of(visit, assignment_id)
    module = assignment.meeting.module
    people = everybody(session, assignment, assignment.meeting)
    handed_in = {one.submission.id: one.submission for one in people if one.submission}.values()
    return render_template(
        "work/submissions.html",
        assignment=assignment,
        meeting=assignment.meeting,
        module=module,
        criteria=rubric.parse(module.assignment_rubric) if module.assignment_rubric else (),
        typed=typed or {},
        first_to_grade=next((one for one in handed_in if one.grade is None), None),
        program=program,
        people=people,
        handed_in=sum(1 for one in people if one.submission is not None),
        waiting=sum(1 for one in handed_in if share_of(module, one, one.grade) is None and not one.sent_back),
        to_look_at=sum(1 for one in handed_in if one.waits_for_a_look),
        now=clock.now(),
        late_words=terms.in_words(terms.of_module(program, module)),
        is_staff=visit.role in STAFF,
        fingerprint=answers.fingerprint,
        viewer_id=visit.person_id,
        may_change=visit.role is Role.INSTRUCTOR,
        summary=[("people", text) for text in (errors or {}).values()],
    )
