"""Feedback for staff: who gets none and who could give it; for the cohort's facilitators also the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import clock
from lti_tool.database import db
from lti_tool.feedback import asking, concerns, exchange, overview, rules, schedule
from lti_tool.feedback.access import concern_in, shown_in
from lti_tool.lti.launch import Role
from lti_tool.meetings.access import facilitates, meeting_of
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.web.gate import Access, allow, current_visit, row_id
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("feedback_staff", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/meetings/<int:meeting_id>/feedback/all")
@allow(Access.FACILITATOR)
def of_session(meeting_id: int) -> ResponseReturnValue:
    """What partners of a session told each other; whoever does not facilitate its cohort sees no words."""
    return _session_page(meeting_id)


@blueprint.post("/meetings/<int:meeting_id>/feedback/all/ask")
@allow(Access.FACILITATOR)
def ask_another(meeting_id: int) -> ResponseReturnValue:
    """Ask the person of the field `giver` about the one of the field `receiver`."""

    def act(meeting: Meeting) -> str:
        giver, receiver = _field("giver"), _field("receiver")
        rules.find_another(db.session(), meeting, receiver, giver, current_visit().person_id, clock.now())
        return str(_("Asked. It stands on their first page."))

    return _act(meeting_id, act)


@blueprint.post("/meetings/<int:meeting_id>/feedback/all/decide")
@allow(Access.FACILITATOR)
def decide(meeting_id: int) -> ResponseReturnValue:
    """Say whether the feedback of the field `feedback` counts: `counts` is yes or no."""

    def act(meeting: Meeting) -> str:
        row = shown_in(current_visit(), meeting, _field("feedback"))
        said = request.form.get("counts")
        if said not in ("yes", "no"):
            raise FormError({"decide": _("Choose whether it counts.")})
        counts = said == "yes"
        rules.decide(db.session(), meeting, row, counts, current_visit().person_id)
        return str(_("It counts.") if counts else _("It does not count."))

    return _act(meeting_id, act)


@blueprint.post("/meetings/<int:meeting_id>/feedback/all/concern")
@allow(Access.FACILITATOR)
def take_up(meeting_id: int) -> ResponseReturnValue:
    """See to the concern of the field `concern`."""

    def act(meeting: Meeting) -> str:
        concern = concern_in(current_visit(), meeting, _field("concern"))
        me, seen = current_visit().person_id, request.form.get("seen")
        concerns.take_up(db.session(), meeting, concern, me, clock.now(), seen)
        return str(_("Noted: whoever told it sees that you take it up."))

    return _act(meeting_id, act)


@blueprint.get("/programs/<int:program_id>/feedback")
@allow(Access.STAFF)
def program(program_id: int) -> ResponseReturnValue:
    """All cohorts and sessions in numbers, and how long people have time."""
    return _program_page(program_id)


@blueprint.post("/programs/<int:program_id>/feedback")
@allow(Access.INSTRUCTOR)
def choose_days(program_id: int) -> ResponseReturnValue:
    """Choose how many `days` people have after a session."""
    found, days = program_of(current_visit(), program_id), request.form.get("days", "")
    allowed = {str(each): each for each in range(schedule.LEAST_DAYS, schedule.MOST_DAYS + 1)}
    if days not in allowed:
        return _program_page(program_id, {"days": _("Choose one of the days in the list.")}), 400
    schedule.choose_days(db.session(), found, allowed[days], current_visit().person_id)
    return redirect_with("good", _("Saved."), "feedback_staff.program", program_id=program_id)


def _act(meeting_id: int, act: Callable[[Meeting], str]) -> ResponseReturnValue:
    """Do what a form asks for, and answer what `act` says of it."""
    meeting, _program = meeting_of(current_visit(), meeting_id)
    if exchange.of_meeting(db.session(), meeting, clock.now()) is None:
        abort(404)
    try:
        said = act(meeting)
    except FormError as wrong:
        db.session.rollback()
        return _session_page(meeting_id, wrong.errors), 400
    return redirect_with("good", said, "feedback_staff.of_session", meeting_id=meeting_id)


def _field(name: str) -> int:
    try:
        return row_id(request.form.get(name, ""))
    except ValueError:
        abort(400, _("The form does not say what is meant. Go back, reload the page and send it again."))


def _session_page(meeting_id: int, errors: Mapping[str, str] | None = None) -> str:
    visit, session, now = current_visit(), db.session(), clock.now()
    meeting, found = meeting_of(visit, meeting_id)
    told = exchange.of_meeting(session, meeting, now)
    may_read = facilitates(visit, meeting_id)
    lacking = asking.without(session, meeting, told.due_at, now) if told else []
    rows = list(told.rows.values()) if told else []
    return render_template(
        "feedback/session.html",
        meeting=meeting,
        program=found,
        told=told,
        given=len(told.partners) - len(told.open) if told else 0,
        all=len(told.partners) if told else 0,
        without=lacking,
        stand_ins=asking.stand_ins(session, meeting, lacking) if lacking else {},
        asked=[row for row in rows if row.is_awaited(now)],
        shown=[row for row in rows if told and told.is_shown(row)] if may_read else [],
        concerns=concerns.of_meeting(session, meeting_id, visit.person_id) if may_read else [],
        fingerprint=concerns.fingerprint,
        may_read=may_read,
        viewer_id=visit.person_id,
        errors=errors or {},
    )


def _program_page(program_id: int, errors: Mapping[str, str] | None = None) -> str:
    found = program_of(current_visit(), program_id)
    counted = overview.of_program(db.session(), found.id, clock.now())
    return render_template(
        "feedback/program.html",
        program=found,
        counted=counted,
        cohorts=[
            {one.meeting.module.number: one for one in weeks}
            for _cohort, weeks in groupby(counted, key=lambda one: one.meeting.cohort_id)
        ],
        days=[(str(each), str(each)) for each in range(schedule.LEAST_DAYS, schedule.MOST_DAYS + 1)],
        chosen=request.form.get("days", str(found.feedback_days)),
        may_change=current_visit().role is Role.INSTRUCTOR,
        errors=errors or {},
    )
