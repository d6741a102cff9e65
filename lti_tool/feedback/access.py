"""Who may see which feedback: whoever wrote it; once it is shown, its receiver and the cohort's facilitators."""

from __future__ import annotations

from flask import abort
from sqlalchemy.orm import joinedload

from lti_tool import clock
from lti_tool.database import db
from lti_tool.feedback import asking, exchange
from lti_tool.feedback.exchange import Exchange
from lti_tool.feedback.tables import FeedbackConcern, PeerFeedback
from lti_tool.meetings.access import facilitates, meeting_of, people_with
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person
from lti_tool.web.visits import Visit


def own_exchange_of(visit: Visit, meeting_id: int) -> tuple[Meeting, Program, Exchange]:
    """The feedback of a session that the visitor belongs to; another session answers 404, so does one without."""
    meeting, program = meeting_of(visit, meeting_id)
    people_with(visit, meeting)
    told = exchange.of_meeting(db.session(), meeting, clock.now())
    if told is None:
        abort(404)
    return meeting, program, told


def receiver_of(visit: Visit, meeting: Meeting, person_id: int) -> Person:
    """Somebody about whom the visitor is asked in a session; anybody else answers 404."""
    if not asking.is_asked(db.session(), meeting.id, visit.person_id, person_id):
        abort(404)
    return db.session.get_one(Person, person_id)


def received_of(visit: Visit, feedback_id: int) -> tuple[PeerFeedback, Meeting]:
    """Feedback that the visitor has received and sees; before it is shown, and for anybody else, 404."""
    found = db.session.get(PeerFeedback, feedback_id, options=[joinedload(PeerFeedback.giver)])
    if found is None or found.receiver_id != visit.person_id:
        abort(404)
    meeting, _program, told = own_exchange_of(visit, found.meeting_id)
    if not told.is_shown(found):
        abort(404)
    return found, meeting


def shown_in(visit: Visit, meeting: Meeting, feedback_id: int) -> PeerFeedback:
    """Shown feedback of a session, for a facilitator of its cohort; anybody else is answered 404."""
    found = db.session.get(PeerFeedback, feedback_id)
    if found is None or found.meeting_id != meeting.id or not facilitates(visit, meeting.id):
        abort(404)
    told = exchange.of_meeting(db.session(), meeting, clock.now())
    if told is None or not told.is_shown(found):
        abort(404)
    return found


def concern_in(visit: Visit, meeting: Meeting, concern_id: int) -> FeedbackConcern:
    """A concern of a session, for a facilitator of its cohort whom it is not about; anybody else is answered 404."""
    found = db.session.get(FeedbackConcern, concern_id)
    if found is None or found.meeting_id != meeting.id or not facilitates(visit, meeting.id):
        abort(404)
    if found.about_id == visit.person_id:
        abort(404)
    return found
