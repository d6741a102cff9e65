"""A learner's pages of feedback: giving it, reading what one got, and telling the facilitator a concern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from lti_tool import clock
from lti_tool.database import db
from lti_tool.feedback import asking, concerns, questions, rules
from lti_tool.feedback.access import own_exchange_of, received_of, receiver_of
from lti_tool.feedback.tables import FeedbackConcern, PeerFeedback
from lti_tool.meetings import room_view
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("feedback", __name__, url_prefix="/v/<visit>", template_folder="templates")


@dataclass(frozen=True, slots=True)
class Asked:
    """About whom somebody is asked, after which session, and what they have said already."""

    meeting: Meeting
    program: Program
    receiver: Person
    given: PeerFeedback | None
    concern: FeedbackConcern | None
    due_at: datetime
    is_shown: bool


@blueprint.get("/meetings/<int:meeting_id>/feedback/<int:person_id>")
@allow(Access.LEARNER)
def write(meeting_id: int, person_id: int) -> ResponseReturnValue:
    """The questions about one partner."""
    return _form_page(_asked(meeting_id, person_id), {})


@blueprint.post("/meetings/<int:meeting_id>/feedback/<int:person_id>")
@allow(Access.LEARNER)
def give(meeting_id: int, person_id: int) -> ResponseReturnValue:
    """Give the feedback."""
    asked = _asked(meeting_id, person_id)
    try:
        rules.give(db.session(), asked.meeting, current_visit().person_id, person_id, request.form, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _form_page(_asked(meeting_id, person_id), wrong.errors, typed=request.form), 400
    return redirect_with("good", _("Thank you. Your feedback is given."), "feedback.mine", meeting_id=meeting_id)


@blueprint.post("/meetings/<int:meeting_id>/feedback/<int:person_id>/decline")
@allow(Access.LEARNER)
def decline(meeting_id: int, person_id: int) -> ResponseReturnValue:
    """Say as a stand-in that one has not seen enough."""
    asked = _asked(meeting_id, person_id)
    if asked.given is None:
        abort(404)
    try:
        rules.decline(db.session(), asked.meeting, asked.given, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _form_page(_asked(meeting_id, person_id), wrong.errors), 400
    return redirect_with("good", _("Thank you for saying so. Somebody else is asked."), "home.index")


@blueprint.post("/meetings/<int:meeting_id>/feedback/<int:person_id>/concern")
@allow(Access.LEARNER)
def tell(meeting_id: int, person_id: int) -> ResponseReturnValue:
    """Tell the facilitators a concern about a partner."""
    asked, text = _asked(meeting_id, person_id), request.form.get("concern", "")
    try:
        concerns.write(db.session(), asked.meeting, current_visit().person_id, person_id, text, clock.now())
    except FormError as wrong:
        db.session.rollback()
        return _form_page(_asked(meeting_id, person_id), wrong.errors, concern=text), 400
    said = _("Told. Only your facilitator reads it.")
    return redirect_with("good", said, "feedback.write", meeting_id=meeting_id, person_id=person_id)


@blueprint.get("/meetings/<int:meeting_id>/feedback")
@allow(Access.LEARNER)
def mine(meeting_id: int) -> ResponseReturnValue:
    """What one got after a session, and what one gave."""
    return _own_page(meeting_id)


@blueprint.post("/feedback/<int:feedback_id>/helpful")
@allow(Access.LEARNER)
def judge(feedback_id: int) -> ResponseReturnValue:
    """Say whether it helped."""
    received, meeting = received_of(current_visit(), feedback_id)
    meeting_id = meeting.id
    try:
        rules.judge(db.session(), meeting, received, request.form)
    except FormError as wrong:
        db.session.rollback()
        return _own_page(meeting_id, feedback_id, wrong.errors), 400
    return redirect_with("good", _("Thank you for saying so."), "feedback.mine", meeting_id=meeting_id)


def _asked(meeting_id: int, person_id: int) -> Asked:
    visit, session = current_visit(), db.session()
    meeting, program, told = own_exchange_of(visit, meeting_id)
    receiver = receiver_of(visit, meeting, person_id)
    if not asking.is_over(meeting, told.now) and not _practised(meeting):
        abort(404)
    given = told.rows.get((visit.person_id, person_id))
    return Asked(
        meeting=meeting,
        program=program,
        receiver=receiver,
        given=given,
        concern=concerns.own(session, meeting_id, visit.person_id, person_id),
        due_at=given.due_at if given else told.due_at,
        is_shown=given is not None and told.is_shown(given),
    )


def _practised(meeting: Meeting) -> bool:
    running = room_view.clock_of(db.session(), meeting, (), clock.now())
    return running is not None and running.practised


def _form_page(
    asked: Asked,
    errors: Mapping[str, str],
    *,
    typed: Mapping[str, str] | None = None,
    concern: str | None = None,
) -> str:
    """The form; what was typed into one that was refused must not be lost."""
    visit = current_visit()
    of_module = questions.of_module(asked.meeting.module)
    given = asked.given if asked.given and asked.given.given_at else None
    shown = questions.chosen(given.answers, of_module) | {"text": given.text or ""} if given else {}
    return render_template(
        "feedback/write.html",
        asked=asked,
        meeting=asked.meeting,
        program=asked.program,
        questions=of_module,
        not_seen=questions.NOT_SEEN,
        values=typed if typed is not None else shown,
        is_late=asked.due_at <= clock.now(),
        concern=concern if concern is not None else asked.concern.text if asked.concern else "",
        readers=concerns.readers(db.session(), asked.meeting, asked.receiver.id),
        draft=f"feedback-{visit.person_id}-{asked.meeting.id}-{asked.receiver.id}",
        longest=rules.LONGEST_TEXT,
        longest_concern=concerns.LONGEST_TEXT,
        errors=errors,
    )


def _own_page(meeting_id: int, judged: int | None = None, errors: Mapping[str, str] | None = None) -> str:
    visit = current_visit()
    meeting, program, told = own_exchange_of(visit, meeting_id)
    by_id = {row.receiver_id: row for (giver, _to), row in told.rows.items() if giver == visit.person_id}
    people = db.session.scalars(
        select(Person).where(Person.id.in_(told.asked(visit.person_id))).order_by(Person.name, Person.id)
    )
    return render_template(
        "feedback/mine.html",
        meeting=meeting,
        program=program,
        received=told.shown_to(visit.person_id),
        asked=[(person, by_id.get(person.id)) for person in people],
        due_at=told.due_at,
        is_over=told.is_over,
        judged=judged,
        typed=request.form,
        longest=rules.LONGEST_REASON,
        errors=errors or {},
    )
