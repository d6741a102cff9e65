"""Handing in a micro-assignment, and confirming it for a partner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.meetings.pairs import partners
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Grading, Module
from lti_tool.roster.tables import Course
from lti_tool.work import answers, drafts, files, spot_checks, terms
from lti_tool.work.answers import Answer
from lti_tool.work.due import due_of, has_opened
from lti_tool.work.files import Upload
from lti_tool.work.rows import lock, module_of, note, program_of, submission_of
from lti_tool.work.tables import Assignment, Credit, Grade, Submission

_ASKED = ("assignment_kind", "assignment_items", "assignment_paired")
# What others may have changed of a hand-in since it was read.
_MOVED = ("text", "link", "file_digest", "person_id", "confirmed_at", "confirmed_by_id", "drawn", "sent_back")


def hand_in(
    session: Session,
    assignment: Assignment,
    person_id: int,
    fields: Mapping[str, str],
    now: datetime,
    upload: Upload | None = None,
) -> Submission:
    """Hand in what the form says (see `answers.read`), or change it until it is confirmed, graded or closed, from the
    beginning of its session on.

    The time of the first handing in decides whether it is late. What is done together counts for the whole pair, and
    each of them can change it. Nothing replaces what its form did not show: `seen` is the fingerprint of what was
    stored then, `tab` and `draft_version` those of the draft. Raises FormError.
    """
    module = module_of(session, assignment)
    session.refresh(module, _ASKED, with_for_update={"read": True})
    lock(session, assignment)
    submission = submission_of(session, assignment.id, person_id)
    stored = submission.file_digest if submission else None
    answer = answers.read(module, fields, upload.digest if upload else stored)
    if submission is not None and answers.answer_of(submission) == answer:
        drafts.drop(session, assignment.id, person_id)
        return submission
    _check_open(session, assignment, module, person_id, submission, now)
    _check_shown(submission, fields)
    drafts.check_shown(session, assignment.id, person_id, fields, answer)
    drafts.drop(session, assignment.id, person_id)
    if submission is None:
        return _first(session, assignment, person_id, answer, now, upload)
    if upload is not None and answer.file not in {None, stored}:
        _store(session, assignment, submission, upload)
    submission.text, submission.link = answer.text, answer.link
    submission.person_id, submission.sent_back = person_id, None
    note(session, assignment, submission, "assignment changed", person_id)
    return submission


def _check_shown(submission: Submission | None, fields: Mapping[str, str]) -> None:
    if submission is None:
        return
    stored = answers.fingerprint(submission)
    if fields.get("seen", stored) != stored:
        told = _(
            "Something else was handed in meanwhile, in another tab or by your partner. It stands below. "
            "Send yours again to put it in its place."
        )
        raise FormError({"text": told})


def _store(session: Session, assignment: Assignment, submission: Submission, upload: Upload) -> None:
    course = session.get_one(Course, program_of(session, assignment).course_id)
    files.put(session, submission, upload, course.tenant_id)


def _first(
    session: Session,
    assignment: Assignment,
    person_id: int,
    answer: Answer,
    now: datetime,
    upload: Upload | None,
) -> Submission:
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
    if upload is not None and answer.file is not None:
        _store(session, assignment, submission, upload)
    note(session, assignment, submission, "assignment handed in", person_id)
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
    if submission is not None and session.get(Grade, submission.id) is not None:
        raise FormError({"text": _("This has been graded and can no longer be changed.")})
    if submission is None and not has_opened(session.get_one(Meeting, assignment.meeting_id), now):
        raise FormError({"text": _("You can hand this in once the session has begun.")})
    if submission is not None and submission.sent_back is not None:
        return  # whoever is asked for more can give it, also after it has closed
    due = due_of(session, assignment, person_id)
    if terms.of_module(program_of(session, assignment), module).is_closed(due, now):
        raise FormError({"text": _("This is closed. Ask the person who runs the course for more time.")})


def confirm_as_partner(
    session: Session, submission: Submission, partner_id: int, now: datetime, seen: str | None = None
) -> None:
    """Confirm what somebody of one's own pair (of a trio: one of the two others) has handed in.

    `seen` is the `fingerprint` of what was read. It may be drawn for a spot check. Raises FormError.
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    if partner_id not in _partners_of(session, assignment, submission):
        raise FormError({"confirm": _("Only the partner in this session's pair can confirm this.")})
    if _confirm(session, submission, partner_id, now, seen):
        spot_checks.draw(session, submission, module_of(session, assignment).assignment_spot_share)


def confirm(session: Session, submission: Submission, actor_id: int, now: datetime, seen: str | None = None) -> None:
    """Confirm a submission as staff or facilitator; never one's own. Confirming twice does no harm.
    A facilitator who is the partner may be looked at like any other partner.

    Raises FormError, also when it is no longer what was read (see `Answer`).
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    is_partner = actor_id in _partners_of(session, assignment, submission)
    if _confirm(session, submission, actor_id, now, seen) and is_partner:
        spot_checks.draw(session, submission, module_of(session, assignment).assignment_spot_share)


def _partners_of(session: Session, assignment: Assignment, submission: Submission) -> set[int]:
    return {person.id for person in partners(session, assignment.meeting_id, submission.person_id)}


def _confirm(session: Session, submission: Submission, actor_id: int, now: datetime, seen: str | None) -> bool:
    """Returns whether it was not confirmed before."""
    assignment = session.get_one(Assignment, submission.assignment_id)
    lock(session, assignment)
    session.refresh(submission, _MOVED)
    if submission.person_id == actor_id:
        raise FormError({"confirm": _("Nobody can confirm their own work: your partner does.")})
    if submission.confirmed_at is not None:
        return False
    if module_of(session, assignment).assignment_grading != Grading.PARTNER:
        raise FormError({"confirm": _("This assignment needs nobody's confirmation.")})
    if submission.sent_back is not None:
        raise FormError({"confirm": _("This was sent back. It can be confirmed once it has been changed.")})
    if seen is not None and seen != answers.fingerprint(submission):
        raise FormError({"confirm": _("This was changed in the meantime. Read it again, then confirm it.")})
    submission.confirmed_at, submission.confirmed_by_id = now, actor_id
    note(session, assignment, submission, "assignment confirmed", actor_id)
    return True
