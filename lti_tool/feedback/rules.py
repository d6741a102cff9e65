"""Giving feedback, saying whether it helped, deciding whether it counts, finding another who gives it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.feedback import asking, exchange, questions
from lti_tool.feedback.tables import FeedbackRound, PeerFeedback
from lti_tool.gradebook import progress
from lti_tool.meetings.rows import lock, program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.tables import Module

LONGEST_TEXT = 1_000
SHORTEST_TEXT = 10  # in characters: "good job" tells nobody what to do again
LONGEST_REASON = 500
STAND_IN_TIME = timedelta(days=2)


def give(
    session: Session, meeting: Meeting, giver_id: int, receiver_id: int, fields: Mapping[str, str], now: datetime
) -> PeerFeedback:
    """Take down the answers and `text` of 10 to 1,000 characters; they can be changed until the receiver sees them.

    Late feedback is taken, and does not count. Raises FormError. The caller has checked that they are asked.
    """
    lock(session, meeting)
    reader = Reader(fields)
    answers = questions.read(reader, questions.of_module(session.get_one(Module, meeting.module_id)))
    text = reader.text("text", LONGEST_TEXT)
    if text and len(text) < SHORTEST_TEXT:
        reader.errors["text"] = _("Write at least one sentence: what did you see or hear?")
    reader.check()
    row = _row(session, meeting, giver_id, receiver_id)
    if row.given_at is not None:
        if is_shown(session, meeting, row, now):
            raise FormError({"text": _("This can be read by now, and can no longer be changed.")})
        if (row.answers, row.text) == (answers, text):
            return row
    row.answers, row.text, row.given_at, row.declined_at = answers, text, row.given_at or now, None
    _note(session, row, meeting, "feedback given", giver_id)
    return row


def _row(session: Session, meeting: Meeting, giver_id: int, receiver_id: int) -> PeerFeedback:
    row = asking.row_of(session, meeting.id, giver_id, receiver_id)
    if row is None:
        due_at = session.get_one(FeedbackRound, meeting.id).due_at
        row = PeerFeedback(meeting_id=meeting.id, giver_id=giver_id, receiver_id=receiver_id, due_at=due_at)
        session.add(row)
    else:
        session.refresh(row)  # as the last one left it who held the session
    return row


def is_shown(session: Session, meeting: Meeting, row: PeerFeedback, now: datetime) -> bool:
    """Whether anybody but its writer sees it."""
    told = exchange.of_meeting(session, meeting, now)
    return told is not None and told.is_shown(row)


def decline(session: Session, meeting: Meeting, row: PeerFeedback, now: datetime) -> None:
    """Say as a stand-in that one has not seen enough. Nothing is held against them. Raises FormError."""
    lock(session, meeting)
    session.refresh(row)
    if not row.stand_in or row.given_at is not None:
        raise FormError({"text": _("You have given this feedback already, or you practised together.")})
    if row.declined_at is None:
        row.declined_at = now
        _note(session, row, meeting, "feedback declined", row.giver_id)


def judge(session: Session, meeting: Meeting, row: PeerFeedback, fields: Mapping[str, str]) -> None:
    """Say as the receiver whether it was `helpful` (yes or no), and why not; until a facilitator has decided.

    Raises FormError. The caller has checked that the receiver sees it.
    """
    lock(session, meeting)
    session.refresh(row)
    if row.counts is not None:
        raise FormError({"helpful": _("Your facilitator has looked at this; it can no longer be changed.")})
    reader = Reader(fields)
    said = fields.get("helpful", "")
    if said not in ("yes", "no"):
        reader.errors["helpful"] = _("Choose whether it helped you.")
    reason = reader.text("reason", LONGEST_REASON) if said == "no" else None
    reader.check()
    if (row.helpful, row.reason) == (said == "yes", reason):
        return
    row.helpful, row.reason = said == "yes", reason
    _note(session, row, meeting, "feedback judged", row.receiver_id)


def decide(session: Session, meeting: Meeting, row: PeerFeedback, counts: bool, actor_id: int) -> None:
    """Say as a facilitator whether feedback counts that its receiver did not find helpful. It can be decided anew.

    Raises FormError when it is no longer called unhelpful, or for one's own.
    """
    lock(session, meeting)
    session.refresh(row)
    if actor_id in (row.giver_id, row.receiver_id):
        raise FormError({"decide": _("Nobody decides on feedback of their own: another facilitator does.")})
    if row.helpful is not False:
        raise FormError({"decide": _("Its receiver no longer calls it unhelpful, so it counts.")})
    if row.counts is counts:
        return
    row.counts, row.decided_by_id = counts, actor_id
    _note(session, row, meeting, "feedback decided on", actor_id)


def find_another(
    session: Session, meeting: Meeting, receiver_id: int, giver_id: int, actor_id: int, now: datetime
) -> None:
    """Ask somebody who was there to stand in for a partner who gave nothing. Asking twice does no harm.

    Raises FormError when this person no longer needs one, or another is next.
    """
    lock(session, meeting)
    existing = asking.row_of(session, meeting.id, giver_id, receiver_id)
    if existing is not None and existing.stand_in and existing.declined_at is None:
        return
    due_at = session.get_one(FeedbackRound, meeting.id).due_at
    lacking = asking.without(session, meeting, due_at, now)
    proposed = asking.stand_ins(session, meeting, lacking).get(receiver_id)
    if proposed is None or proposed.id != giver_id:
        raise FormError({"ask": _("This has changed in the meantime. Look at the list again, then ask.")})
    row = PeerFeedback(
        meeting_id=meeting.id,
        giver_id=giver_id,
        receiver_id=receiver_id,
        due_at=now + STAND_IN_TIME,
        stand_in=True,
    )
    session.add(row)
    _note(session, row, meeting, "stand-in asked", actor_id)


def _note(session: Session, row: PeerFeedback, meeting: Meeting, action: str, actor_id: int) -> None:
    session.flush()
    meeting.version += 1  # open pages show who has given and what was received
    program = program_of_meeting(session, meeting)
    audit.record(
        session,
        action,
        "feedback",
        row.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"giver": row.giver_id, "receiver": row.receiver_id, "counts": row.counts},
    )
    progress.changed(session, program.id, [row.giver_id])
