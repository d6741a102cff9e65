"""Pages of commitments: writing one down, saying how it went, having seen it; a session's for its facilitators."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_timezone
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.commitments import queries, rules
from lti_tool.commitments.access import (
    commitment_in,
    own_commitment_of,
    own_meeting_of,
    witnessed_commitment_of,
)
from lti_tool.commitments.form import form_fields
from lti_tool.commitments.tables import Commitment
from lti_tool.database import db
from lti_tool.meetings import polling
from lti_tool.meetings.access import facilitates, meeting_of
from lti_tool.meetings.members import members_of
from lti_tool.programs.fields import FormError
from lti_tool.web.gate import Access, allow, current_visit, row_id
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("commitments", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/meetings/<int:meeting_id>/commitment")
@allow(Access.LEARNER)
def write(meeting_id: int) -> ResponseReturnValue:
    """What one takes on in a session."""
    return _form_page(meeting_id)


@blueprint.post("/meetings/<int:meeting_id>/commitment")
@allow(Access.LEARNER)
def take_on(meeting_id: int) -> ResponseReturnValue:
    """Write it down."""
    visit, session = current_visit(), db.session()
    meeting, _program = own_meeting_of(visit, meeting_id)
    try:
        rules.take_on(session, meeting, visit.person_id, request.form, str(get_timezone()), clock.now())
    except FormError as wrong:
        session.rollback()
        return polling.refused(str(wrong)) or (_form_page(meeting_id, wrong.errors), 400)
    return polling.done(_("Written down. It comes up again at the next session."), "room.mine", meeting_id=meeting_id)


@blueprint.get("/commitments/<int:commitment_id>")
@allow(Access.LEARNER)
def show(commitment_id: int) -> ResponseReturnValue:
    """One's own commitment, and how it went."""
    return _own_page(own_commitment_of(current_visit(), commitment_id))


@blueprint.post("/commitments/<int:commitment_id>/outcome")
@allow(Access.LEARNER)
def say_how_it_went(commitment_id: int) -> ResponseReturnValue:
    """Say how it went."""
    commitment = own_commitment_of(current_visit(), commitment_id)
    try:
        rules.say_how_it_went(db.session(), commitment, request.form, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _own_page(own_commitment_of(current_visit(), commitment_id), wrong.errors), 400
    return redirect_with(
        "good", _("Thank you for saying how it went."), "commitments.show", commitment_id=commitment_id
    )


@blueprint.get("/commitments/<int:commitment_id>/witness")
@allow(Access.LEARNER)
def witness(commitment_id: int) -> ResponseReturnValue:
    """What somebody took on, for their witness."""
    return _witness_page(witnessed_commitment_of(current_visit(), commitment_id))


@blueprint.post("/commitments/<int:commitment_id>/confirm")
@allow(Access.LEARNER)
def confirm(commitment_id: int) -> ResponseReturnValue:
    """Confirm it as the witness."""
    visit = current_visit()
    commitment = witnessed_commitment_of(visit, commitment_id)
    try:
        rules.confirm(db.session(), commitment, visit.person_id, request.form.get("seen", ""), clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _witness_page(witnessed_commitment_of(visit, commitment_id), wrong.errors), 400
    return redirect_with("good", _("Confirmed."), "home.index")


@blueprint.get("/meetings/<int:meeting_id>/commitments")
@allow(Access.FACILITATOR)
def of_session(meeting_id: int) -> ResponseReturnValue:
    """What people took on in a session; whoever does not facilitate its cohort sees numbers alone."""
    return _session_page(meeting_id)


@blueprint.post("/meetings/<int:meeting_id>/commitments/confirm")
@allow(Access.FACILITATOR)
def confirm_as_facilitator(meeting_id: int) -> ResponseReturnValue:
    """Confirm the one whose id the field `commitment` holds, in the witness's stead."""
    visit = current_visit()
    meeting, _program = meeting_of(visit, meeting_id)
    try:
        commitment = commitment_in(visit, meeting, row_id(request.form.get("commitment", "")))
    except ValueError:
        abort(400, _("The form does not say what is meant. Go back, reload the page and send it again."))
    try:
        rules.confirm(db.session(), commitment, visit.person_id, request.form.get("seen", ""), clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _session_page(meeting_id, wrong.errors), 400
    return redirect_with("good", _("Confirmed."), "commitments.of_session", meeting_id=meeting_id)


def _form_page(meeting_id: int, errors: Mapping[str, str] | None = None) -> str:
    visit = current_visit()
    meeting, program = own_meeting_of(visit, meeting_id)
    form = form_fields(db.session(), meeting, visit.person_id)
    if errors:
        typed = {name: request.form.get(name, "") for name in ("text", "day", "witness")}
        form |= {**typed, "errors": errors}
    return render_template("commitments/write.html", form=form, meeting=meeting, program=program)


def _own_page(commitment: Commitment, errors: Mapping[str, str] | None = None) -> str:
    meeting, program = meeting_of(current_visit(), commitment.meeting_id)
    return render_template(
        "commitments/mine.html",
        commitment=commitment,
        meeting=meeting,
        program=program,
        now=clock.now(),
        outcome=request.form.get("outcome", commitment.outcome or ""),
        hindrance=request.form.get("hindrance", commitment.hindrance or ""),
        longest=rules.LONGEST_TEXT,
        errors=errors or {},
    )


def _witness_page(commitment: Commitment, errors: Mapping[str, str] | None = None) -> str:
    meeting, program = meeting_of(current_visit(), commitment.meeting_id)
    return render_template(
        "commitments/witness.html", commitment=commitment, meeting=meeting, program=program, errors=errors or {}
    )


def _session_page(meeting_id: int, errors: Mapping[str, str] | None = None) -> str:
    visit, session = current_visit(), db.session()
    meeting, program = meeting_of(visit, meeting_id)
    found = queries.of_meeting(session, meeting)
    return render_template(
        "commitments/session.html",
        meeting=meeting,
        program=program,
        commitments=found,
        may_read=facilitates(visit, meeting_id),
        people=len(members_of(session, meeting)),
        answered=sum(1 for one in found if one.outcome),
        confirmed=sum(1 for one in found if one.confirmed_at),
        viewer_id=visit.person_id,
        errors=errors or {},
    )
