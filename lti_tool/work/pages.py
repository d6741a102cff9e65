"""Pages of micro-assignments: a learner's own, and everybody's for those who facilitate."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.lti.launch import STAFF, Role
from lti_tool.meetings.pairs import partners
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.web.gate import Access, allow, current_visit, row_id
from lti_tool.web.notices import redirect_with
from lti_tool.work import answers, extensions, rules, terms
from lti_tool.work.access import assignment_of, own_assignment_of
from lti_tool.work.due import due_of
from lti_tool.work.overview import everybody, of_partners, work_overview
from lti_tool.work.tables import LINK_LENGTH, Submission

blueprint = Blueprint("work", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/assignments/<int:assignment_id>")
@allow(Access.LEARNER)
def show(assignment_id: int) -> ResponseReturnValue:
    """One's own micro-assignment, and the partner's to confirm."""
    return _own_page(assignment_id)


@blueprint.post("/assignments/<int:assignment_id>")
@allow(Access.LEARNER)
def hand_in(assignment_id: int) -> ResponseReturnValue:
    """Hand in what the form says (see `answers.read`)."""
    visit = current_visit()
    assignment, _program = own_assignment_of(visit, assignment_id)
    try:
        rules.hand_in(db.session(), assignment, visit.person_id, request.form, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _own_page(assignment_id, errors=wrong.errors, typed=request.form), 400
    return redirect_with("good", _("Handed in."), "work.show", assignment_id=assignment_id)


@blueprint.post("/assignments/<int:assignment_id>/confirm")
@allow(Access.LEARNER)
def confirm(assignment_id: int) -> ResponseReturnValue:
    """Confirm the work of the partner whose id the field `person` holds."""
    visit = current_visit()
    own_assignment_of(visit, assignment_id)
    submission = _submission(assignment_id)
    try:
        rules.confirm_as_partner(db.session(), submission, visit.person_id, clock.now(), request.form.get("seen"))
    except FormError as wrong:
        db.session.rollback()
        return _own_page(assignment_id, errors=wrong.errors), 400
    return redirect_with("good", _("Confirmed. It counts now."), "work.show", assignment_id=assignment_id)


@blueprint.get("/assignments/<int:assignment_id>/submissions")
@allow(Access.FACILITATOR)
def submissions(assignment_id: int) -> ResponseReturnValue:
    """What everybody of a cohort has handed in."""
    return _everybodys_page(assignment_id)


@blueprint.post("/assignments/<int:assignment_id>/submissions/confirm")
@allow(Access.FACILITATOR)
def confirm_for_all(assignment_id: int) -> ResponseReturnValue:
    """Confirm the work of the field `person`, in the partner's stead."""
    visit = current_visit()
    assignment_of(visit, assignment_id)
    submission = _submission(assignment_id)
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
    person_id = _named_person()
    if request.form.get("back"):
        extensions.take_back(session, program, assignment, person_id, visit.person_id)
        return redirect_with("good", _("Taken back."), "work.submissions", assignment_id=assignment_id)
    try:
        extensions.extend(session, program, assignment, person_id, request.form, visit.person_id, clock.now())
    except FormError as wrong:
        session.rollback()
        return _everybodys_page(assignment_id, errors=wrong.errors), 400
    return redirect_with("good", _("They have more time now."), "work.submissions", assignment_id=assignment_id)


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
        confirmed=sum(one.confirmed for one in counted),
        now=clock.now(),
        may_change=current_visit().role is Role.INSTRUCTOR,
        late_words=terms.in_words(terms.of_program(found)),
        late_rules=terms.rules(),
        values=typed or terms.values_of(found),
        errors=errors or {},
        summary=[(f"field-{name}", text) for name, text in (errors or {}).items()],
    )


def _submission(assignment_id: int) -> Submission:
    """The submission of this assignment by the person whom the form names; 404 when there is none."""
    submission = rules.submission_of(db.session(), assignment_id, _named_person())
    if submission is None:
        abort(404, _("This person has not handed in anything yet."))
    return submission


def _named_person() -> int:
    try:
        return row_id(request.form.get("person", ""))
    except ValueError:
        abort(400, _("The form does not say whose work is meant. Go back, reload the page and send it again."))


# Where on the page an error is put right, if not at the field of its name.
_PLACES = {"confirm": "partner", "items": f"field-{answers.TICK}1"}


def _own_page(
    assignment_id: int, *, errors: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None
) -> str:
    """A learner's page; `typed` is what was refused and must not be lost."""
    visit, session = current_visit(), db.session()
    assignment, program = own_assignment_of(visit, assignment_id)
    own = rules.submission_of(session, assignment_id, visit.person_id)
    due = due_of(session, assignment, visit.person_id)
    late_rule = terms.of_module(program, assignment.meeting.module)
    return render_template(
        "work/assignment.html",
        assignment=assignment,
        meeting=assignment.meeting,
        module=assignment.meeting.module,
        program=program,
        own=own,
        me=visit.person_id,
        due_at=due,
        more_time=due > assignment.due_at,
        terms=late_rule,
        closed=late_rule.is_closed(due, clock.now()),
        late=own is not None and own.handed_in_at > due,
        overdue=own is None and due < clock.now(),
        items=answers.items_of(assignment.meeting.module),
        values=typed or answers.values_of(assignment.meeting.module, own),
        typed=typed,
        draft=f"submission-{visit.person_id}-{assignment_id}",
        longest=answers.LONGEST_TEXT,
        longest_link=LINK_LENGTH,
        partners=partners(session, assignment.meeting_id, visit.person_id),
        theirs={one.person_id: one for one in of_partners(session, assignment_id, visit.person_id)},
        fingerprint=answers.fingerprint,
        errors=errors or {},
        summary=[(_PLACES.get(name, f"field-{name}"), text) for name, text in (errors or {}).items()],
    )


def _everybodys_page(assignment_id: int, *, errors: Mapping[str, str] | None = None) -> str:
    visit, session = current_visit(), db.session()
    assignment, program = assignment_of(visit, assignment_id)
    people = everybody(session, assignment, assignment.meeting)
    return render_template(
        "work/submissions.html",
        assignment=assignment,
        meeting=assignment.meeting,
        module=assignment.meeting.module,
        program=program,
        people=people,
        handed_in=sum(1 for one in people if one.submission is not None),
        waiting=len({one.submission.id for one in people if one.submission and not one.submission.confirmed_at}),
        now=clock.now(),
        late_words=terms.in_words(terms.of_module(program, assignment.meeting.module)),
        is_staff=visit.role in STAFF,
        fingerprint=answers.fingerprint,
        viewer_id=visit.person_id,
        may_change=visit.role is Role.INSTRUCTOR,
        summary=[("people", text) for text in (errors or {}).values()],
    )
