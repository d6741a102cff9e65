"""A learner's pages: writing a few lines, catching up with a missed session, and all that one wrote."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.meetings import polling
from lti_tool.meetings.access import meeting_of, people_with
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.reflections import queries, rules
from lti_tool.reflections.room import form_fields
from lti_tool.web.gate import Access, allow, current_visit

blueprint = Blueprint("reflections", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/meetings/<int:meeting_id>/reflection")
@allow(Access.LEARNER)
def show(meeting_id: int) -> ResponseReturnValue:
    """What the session was about, and one's own lines: for whoever missed it, the way to catch up."""
    return _page(meeting_id)


@blueprint.post("/meetings/<int:meeting_id>/reflection")
@allow(Access.LEARNER)
def write(meeting_id: int) -> ResponseReturnValue:
    """Write them down."""
    visit, session = current_visit(), db.session()
    meeting, _program = _own_meeting_of(meeting_id)
    text = request.form.get("text", "")
    try:
        rules.write(session, meeting, visit.person_id, text, clock.now())
    except FormError as wrong:
        session.rollback()
        return polling.refused(str(wrong)) or (_page(meeting_id, wrong.errors, text), 400)
    if queries.is_away(session, meeting, visit.person_id):
        return polling.done(_("Written down. You have caught up."), "home.index")
    return polling.done(_("Written down."), "room.mine", meeting_id=meeting_id)


@blueprint.get("/programs/<int:program_id>/reflections/mine")
@allow(Access.LEARNER)
def mine(program_id: int) -> ResponseReturnValue:
    """All that one wrote in a program."""
    visit = current_visit()
    program = program_of(visit, program_id)
    written = queries.of_person(db.session(), program.id, visit.person_id)
    return render_template("reflections/mine.html", program=program, written=written)


def _own_meeting_of(meeting_id: int) -> tuple[Meeting, Program]:
    meeting, program = meeting_of(current_visit(), meeting_id)
    people_with(current_visit(), meeting)
    return meeting, program


def _page(meeting_id: int, errors: Mapping[str, str] | None = None, typed: str | None = None) -> str:
    visit, session = current_visit(), db.session()
    meeting, program = _own_meeting_of(meeting_id)
    form = form_fields(session, meeting, visit.person_id) | {"errors": errors or {}}
    if typed is not None:
        form["text"] = typed
    return render_template(
        "reflections/write.html",
        form=form,
        meeting=meeting,
        module=meeting.module,
        program=program,
        away=queries.is_away(session, meeting, visit.person_id),
    )
