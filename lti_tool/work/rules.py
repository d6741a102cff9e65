"""Handing in a micro-assignment, and confirming it for a partner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.meetings.pairs import partners
from lti_tool.meetings.rows import program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Module, Program
from lti_tool.work import answers, terms
from lti_tool.work.answers import Answer
from lti_tool.work.due import due_of
from lti_tool.work.tables import Assignment, Credit, Submission


def hand_in(
    session: Session, assignment: Assignment, person_id: int, fields: Mapping[str, str], now: datetime
) -> Submission:
    """Hand in what the form says (see `answers.read`), or change it until it is confirmed or closed (see `terms`).

    The time of the first handing in decides whether it is late. What is done together counts for the whole pair, and
    each of them can change it. Raises FormError.
    """
    module = module_of(session, assignment)
    session.refresh(
        module, ["assignment_kind", "assignment_items", "assignment_paired"], with_for_update={"read": True}
    )
    answer = answers.read(module, fields)
    _lock(session, assignment)
    submission = submission_of(session, assignment.id, person_id)
    if submission is not None and answers.answer_of(submission) == answer:
        return submission
    _check_open(session, assignment, module, person_id, submission, now)
    if submission is None:
        return _first(session, assignment, person_id, answer, now)
    submission.text, submission.link = answer.text, answer.link
    submission.person_id = person_id
    _count(session, assignment, submission, "assignment changed", person_id)
    return submission


def _first(session: Session, assignment: Assignment, person_id: int, answer: Answer, now: datetime) -> Submission:
    people = {person_id, *_others(session, assignment, person_id)}
    submission = Submission(
        assignment_id=assignment.id,
        person_id=person_id,
        text=answer.text,
        link=answer.link,
        handed_in_at=now,
        credits=[Credit(assignment_id=assignment.id, person_id=each) for each in sorted(people)],
    )
    session.add(submission)
    _count(session, assignment, submission, "assignment handed in", person_id)
    return submission


def _others(session: Session, assignment: Assignment, person_id: int) -> set[int]:
    """For whom else it counts: where it is done together, whoever of the pair has no hand-in yet."""
    if not module_of(session, assignment).assignment_paired:
        return set()
    pair = {person.id for person in partners(session, assignment.meeting_id, person_id)}
    return pair.difference(session.scalars(select(Credit.person_id).where(Credit.assignment_id == assignment.id)))


def _check_open(
    session: Session,
    assignment: Assignment,
    module: Module,
    person_id: int,
    submission: Submission | None,
    now: datetime,
) -> None:
    if submission is not None and submission.confirmed_at is not None:
        raise FormError({"text": _("This has been confirmed and can no longer be changed.")})
    due = due_of(session, assignment, person_id)
    if terms.of_module(_program(session, assignment), module).is_closed(due, now):
        raise FormError({"text": _("This is closed. Ask the person who runs the course for more time.")})


def confirm_as_partner(
    session: Session, submission: Submission, partner_id: int, now: datetime, seen: str | None = None
) -> None:
    """Confirm what somebody of one's own pair (of a trio: one of the two others) has handed in.

    `seen` is the `fingerprint` of what was read. Raises FormError.
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    if partner_id not in {person.id for person in partners(session, assignment.meeting_id, submission.person_id)}:
        raise FormError({"confirm": _("Only the partner in this session's pair can confirm this.")})
    confirm(session, submission, partner_id, now, seen)


def confirm(session: Session, submission: Submission, actor_id: int, now: datetime, seen: str | None = None) -> None:
    """Confirm a submission as staff or facilitator; never one's own. Confirming twice does no harm.

    Raises FormError, also when it is no longer what was read (see `Answer`).
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    _lock(session, assignment)
    session.refresh(submission, ["text", "link", "person_id", "confirmed_at", "confirmed_by_id"])
    if submission.person_id == actor_id:
        raise FormError({"confirm": _("Nobody can confirm their own work: your partner does.")})
    if submission.confirmed_at is not None:
        return
    if seen is not None and seen != answers.fingerprint(submission):
        raise FormError({"confirm": _("This was changed in the meantime. Read it again, then confirm it.")})
    submission.confirmed_at, submission.confirmed_by_id = now, actor_id
    _count(session, assignment, submission, "assignment confirmed", actor_id)


def submission_of(session: Session, assignment_id: int, person_id: int) -> Submission | None:
    """What somebody has handed in, or their partner for both."""
    own = (
        select(Submission).join(Credit, Credit.submission_id == Submission.id).options(joinedload(Submission.person))
    )
    return session.scalar(own.where(Credit.assignment_id == assignment_id, Credit.person_id == person_id))


def module_of(session: Session, assignment: Assignment) -> Module:
    """The module that says what an assignment asks for."""
    return session.get_one(Module, session.get_one(Meeting, assignment.meeting_id).module_id)


def _lock(session: Session, assignment: Assignment) -> None:
    """Let those who write about one assignment wait for each other: the same form sent twice makes one row."""
    session.refresh(assignment, ["due_at", "lapsed_at"], with_for_update={"key_share": True})


def _count(session: Session, assignment: Assignment, submission: Submission, action: str, actor_id: int) -> None:
    """Note what was done, and let it count for all whose hand-in it is."""
    session.flush()
    program = _program(session, assignment)
    audit.record(
        session,
        action,
        "assignment",
        assignment.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"person": submission.person_id},
    )
    people = session.scalars(select(Credit.person_id).where(Credit.submission_id == submission.id))
    progress.changed(session, program.id, people)


def _program(session: Session, assignment: Assignment) -> Program:
    return program_of_meeting(session, session.get_one(Meeting, assignment.meeting_id))
