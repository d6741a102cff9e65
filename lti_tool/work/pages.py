"""A learner's page of a micro-assignment: their own, and the partner's to confirm."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.meetings.pairs import partners
from lti_tool.programs.fields import FormError
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with
from lti_tool.web.uploads import takes_up_to
from lti_tool.work import answers, downloads, drafts, files, rubric, rules, terms, words
from lti_tool.work.access import own_assignment_of
from lti_tool.work.blueprint import blueprint
from lti_tool.work.due import due_of, has_opened
from lti_tool.work.naming import named_submission
from lti_tool.work.overview import of_partners
from lti_tool.work.rows import submission_of
from lti_tool.work.tables import LINK_LENGTH, Draft


@blueprint.get("/assignments/<int:assignment_id>")
@allow(Access.LEARNER)
def show(assignment_id: int) -> ResponseReturnValue:
    """One's own micro-assignment, and the partner's to confirm."""
    return _own_page(assignment_id)


@blueprint.post("/assignments/<int:assignment_id>")
@allow(Access.LEARNER)
@takes_up_to(2 * files.LARGEST)  # so that a file that is somewhat too large is told of beside its text
def hand_in(assignment_id: int) -> ResponseReturnValue:
    """Hand in what the form says (see `answers.read`)."""
    visit = current_visit()
    assignment, _program = own_assignment_of(visit, assignment_id)
    try:
        upload = files.read(request.files.get("file"))
        rules.hand_in(db.session(), assignment, visit.person_id, request.form, clock.now(), upload)
    except FormError as wrong:
        db.session.rollback()
        return _own_page(assignment_id, errors=wrong.errors, typed=request.form), 400
    return redirect_with("good", _("Handed in."), "work.show", assignment_id=assignment_id)


@blueprint.get("/assignments/<int:assignment_id>/files/<int:person_id>")
@allow(Access.LEARNER)
def file(assignment_id: int, person_id: int) -> ResponseReturnValue:
    """The file that one has handed in oneself, or whose partner one is."""
    visit, session = current_visit(), db.session()
    own_assignment_of(visit, assignment_id)
    own = submission_of(session, assignment_id, visit.person_id)
    readable = [*of_partners(session, assignment_id, visit.person_id), *([own] if own else ())]
    return downloads.answer(next((one for one in readable if one.person_id == person_id), None), visit.tenant_id)


@blueprint.post("/assignments/<int:assignment_id>/draft")
@allow(Access.LEARNER)
def save_draft(assignment_id: int) -> ResponseReturnValue:
    """Keep what has been typed so far; 409 when another tab wrote since."""
    visit = current_visit()
    assignment, _program = own_assignment_of(visit, assignment_id)
    try:
        version = drafts.save(db.session(), assignment, visit.person_id, request.form, clock.now())
    except drafts.WrittenElsewhereError:
        return {}, 409
    return {"version": version}


@blueprint.post("/assignments/<int:assignment_id>/confirm")
@allow(Access.LEARNER)
def confirm(assignment_id: int) -> ResponseReturnValue:
    """Confirm the work of the partner whose id the field `person` holds."""
    visit = current_visit()
    own_assignment_of(visit, assignment_id)
    submission = named_submission(assignment_id)
    try:
        rules.confirm_as_partner(db.session(), submission, visit.person_id, clock.now(), request.form.get("seen"))
    except FormError as wrong:
        db.session.rollback()
        return _own_page(assignment_id, errors=wrong.errors), 400
    return redirect_with("good", _("Confirmed. It counts now."), "work.show", assignment_id=assignment_id)


# Where on the page an error is put right, if not at the field of its name.
_PLACES = {"confirm": "partner", "items": f"field-{answers.TICK}1"}


def _own_page(
    assignment_id: int, *, errors: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None
) -> str:
    """A learner's page; `typed` is what was refused and must not be lost."""
    visit, session = current_visit(), db.session()
    assignment, program = own_assignment_of(visit, assignment_id)
    module = assignment.meeting.module
    own = submission_of(session, assignment_id, visit.person_id)
    draft = session.get(Draft, (assignment_id, visit.person_id))
    due = due_of(session, assignment, visit.person_id)
    criteria = rubric.parse(module.assignment_rubric) if module.assignment_rubric else []
    late_rule = terms.of_module(program, module)
    return render_template(
        "work/assignment.html",
        assignment=assignment,
        meeting=assignment.meeting,
        module=module,
        program=program,
        own=own,
        state=words.state(module, own) if own else None,
        settled=own is not None and (own.confirmed_at is not None or own.grade is not None),
        criteria=criteria,
        reached=[
            (one.name, one.levels[level])
            for one, level in zip(criteria, own.grade.levels if own and own.grade else (), strict=False)
        ],
        me=visit.person_id,
        due_at=due,
        more_time=due > assignment.due_at,
        terms=late_rule,
        opened=own is not None or has_opened(assignment.meeting, clock.now()),
        closed=late_rule.is_closed(due, clock.now()),
        late=own is not None and own.handed_in_at > due,
        overdue=words.overdue(late_rule, due, clock.now()),
        items=answers.items_of(module),
        values=typed or (draft.fields if draft else answers.values_of(module, own)),
        draft=draft,
        tab=token_hex(8),
        file_types=files.TYPES,
        largest_file=files.LARGEST,
        other=errors is not None and "text" in errors and typed is not None,
        typed=typed,
        draft_key=f"submission-{visit.person_id}-{assignment_id}",
        longest=answers.LONGEST_TEXT,
        longest_link=LINK_LENGTH,
        partners=partners(session, assignment.meeting_id, visit.person_id),
        theirs={one.person_id: one for one in of_partners(session, assignment_id, visit.person_id)},
        fingerprint=answers.fingerprint,
        errors=errors or {},
        summary=[(_PLACES.get(name, f"field-{name}"), text) for name, text in (errors or {}).items()],
    )
