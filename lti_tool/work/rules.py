"""Handing in a micro-assignment, and confirming it for a partner."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.meetings.pairs import partners
from lti_tool.meetings.planning import program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.tables import Program
from lti_tool.work.tables import Assignment, Submission

LONGEST_TEXT = 10_000


def hand_in(session: Session, assignment: Assignment, person_id: int, text: str, now: datetime) -> Submission:
    """Hand in a text of 1 to 10,000 characters, or change it until it is confirmed; late is accepted.

    The time of the first handing in decides whether it is late. Raises FormError.
    """
    reader = Reader({"text": text})
    text = reader.text("text", LONGEST_TEXT)
    reader.check()
    _lock(session, assignment)
    submission = submission_of(session, assignment.id, person_id)
    if submission is None:
        submission = Submission(assignment_id=assignment.id, person_id=person_id, text=text, handed_in_at=now)
        session.add(submission)
        _count(session, assignment, person_id, "assignment handed in", person_id)
    elif submission.text != text:
        _check_open(submission)
        submission.text = text
        _count(session, assignment, person_id, "assignment changed", person_id)
    return submission


def _check_open(submission: Submission) -> None:
    if submission.confirmed_at is not None:
        raise FormError({"text": _("This has been confirmed and can no longer be changed.")})


def confirm_as_partner(
    session: Session, submission: Submission, partner_id: int, now: datetime, seen: str | None = None
) -> None:
    """Confirm what somebody of one's own pair (of a trio: one of the two others) has handed in.

    `seen` is the `fingerprint` of the text that was read. Raises FormError.
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    if partner_id not in {person.id for person in partners(session, assignment.meeting_id, submission.person_id)}:
        raise FormError({"confirm": _("Only the partner in this session's pair can confirm this.")})
    confirm(session, submission, partner_id, now, seen)


def confirm(session: Session, submission: Submission, actor_id: int, now: datetime, seen: str | None = None) -> None:
    """Confirm a submission as staff or facilitator; never one's own. Confirming twice does no harm.

    Raises FormError, also when the text is no longer the one that was read (see `fingerprint`).
    """
    if submission.person_id == actor_id:
        raise FormError({"confirm": _("Nobody can confirm their own work: your partner does.")})
    assignment = session.get_one(Assignment, submission.assignment_id)
    _lock(session, assignment)
    session.refresh(submission, ["text", "confirmed_at", "confirmed_by_id"])
    if submission.confirmed_at is not None:
        return
    if seen is not None and seen != fingerprint(submission.text):
        raise FormError({"confirm": _("The text was changed in the meantime. Read it again, then confirm it.")})
    submission.confirmed_at, submission.confirmed_by_id = now, actor_id
    _count(session, assignment, submission.person_id, "assignment confirmed", actor_id)


def fingerprint(text: str) -> str:
    """Stands for a text in a form, so that what is confirmed is what was read."""
    return sha256(text.encode()).hexdigest()[:16]


def submission_of(session: Session, assignment_id: int, person_id: int) -> Submission | None:
    """What somebody has handed in."""
    own = select(Submission).where(Submission.assignment_id == assignment_id, Submission.person_id == person_id)
    return session.scalar(own)


def _lock(session: Session, assignment: Assignment) -> None:
    """Let those who write about one assignment wait for each other: the same form sent twice makes one row."""
    session.refresh(assignment, ["due_at", "lapsed_at"], with_for_update={"key_share": True})


def _count(session: Session, assignment: Assignment, person_id: int, action: str, actor_id: int) -> None:
    session.flush()
    program = _program(session, assignment)
    audit.record(
        session,
        action,
        "assignment",
        assignment.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"person": person_id},
    )
    progress.changed(session, program.id, [person_id])


def _program(session: Session, assignment: Assignment) -> Program:
    return program_of_meeting(session, session.get_one(Meeting, assignment.meeting_id))
