"""Reflections for staff: who has caught up; for the cohort's facilitators also the words."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.meetings.access import facilitates, meeting_of
from lti_tool.meetings.members import members_of
from lti_tool.programs.access import program_of
from lti_tool.reflections import queries, rules
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("reflections_staff", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/meetings/<int:meeting_id>/reflections")
@allow(Access.FACILITATOR)
def of_session(meeting_id: int) -> ResponseReturnValue:
    """What people wrote about a session; whoever does not facilitate its cohort sees no words."""
    session = db.session()
    meeting, program = meeting_of(current_visit(), meeting_id)
    may_read = facilitates(current_visit(), meeting_id)
    written = queries.of_meeting(session, meeting_id)
    return render_template(
        "reflections/session.html",
        meeting=meeting,
        program=program,
        count=len(written),
        people=len(members_of(session, meeting)),
        written=written if may_read else [],
        away=queries.away_from(session, meeting),
        may_read=may_read,
    )


@blueprint.get("/programs/<int:program_id>/catching-up")
@allow(Access.STAFF)
def program(program_id: int) -> ResponseReturnValue:
    """Who missed which session, whether they have caught up, and what that counts for."""
    found = program_of(current_visit(), program_id)
    return render_template(
        "reflections/program.html",
        program=found,
        missed=queries.of_program(db.session(), found.id),
        may_change=current_visit().role is Role.INSTRUCTOR,
    )


@blueprint.post("/programs/<int:program_id>/catching-up")
@allow(Access.INSTRUCTOR)
def choose_effect(program_id: int) -> ResponseReturnValue:
    """Choose what catching up counts for: the field `excuses` is there or not."""
    found = program_of(current_visit(), program_id)
    rules.choose_effect(db.session(), found, "excuses" in request.form, current_visit().person_id)
    return redirect_with("good", _("Saved."), "reflections_staff.program", program_id=program_id)
