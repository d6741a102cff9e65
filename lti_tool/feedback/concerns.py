"""What somebody tells the facilitators alone. The one whom it is about never learns that there is anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from lti_tool import audit
from lti_tool.cohorts.tables import Cohort, Facilitator
from lti_tool.feedback.tables import FeedbackConcern, PeerFeedback
from lti_tool.gradebook import progress
from lti_tool.meetings.rows import lock, program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

LONGEST_TEXT = 2_000


def readers(session: Session, meeting: Meeting, about_id: int) -> Sequence[Person]:
    """Who would read a concern about somebody: the cohort's facilitators but for that person, by name."""
    query = (
        select(Person)
        .join(Facilitator, Facilitator.person_id == Person.id)
        .where(Facilitator.cohort_id == meeting.cohort_id, Person.id != about_id)
    )
    return session.scalars(query.order_by(Person.name, Person.id)).all()


def write(session: Session, meeting: Meeting, writer_id: int, about_id: int, text: str, now: datetime) -> None:
    """Take down a concern of up to 2,000 characters; it can be changed until a facilitator has taken it up.

    Raises FormError. The caller has checked that the two practised together.
    """
    lock(session, meeting)
    reader = Reader({"concern": text})
    text = reader.text("concern", LONGEST_TEXT)
    if not readers(session, meeting, about_id):
        reader.errors["concern"] = _("No facilitator would read this. Tell your instructor.")
    reader.check()
    row = own(session, meeting.id, writer_id, about_id)
    if row is None:
        row = FeedbackConcern(meeting_id=meeting.id, writer_id=writer_id, about_id=about_id)
        session.add(row)
    elif row.text == text:
        return
    elif row.taken_up_at is not None:
        raise FormError({"concern": _("Your facilitator has taken this up. Tell them what is new yourself.")})
    row.text, row.written_at = text, now
    _note(session, row, meeting, "concern written", writer_id)


def own(session: Session, meeting_id: int, writer_id: int, about_id: int) -> FeedbackConcern | None:
    """What somebody wrote about somebody in a session."""
    return session.scalar(
        select(FeedbackConcern).where(
            FeedbackConcern.meeting_id == meeting_id,
            FeedbackConcern.writer_id == writer_id,
            FeedbackConcern.about_id == about_id,
        )
    )


def of_meeting(session: Session, meeting_id: int, reader_id: int) -> Sequence[FeedbackConcern]:
    """The concerns of a session that a facilitator may read: none about themselves. The newest first."""
    query = (
        select(FeedbackConcern)
        .where(FeedbackConcern.meeting_id == meeting_id, FeedbackConcern.about_id != reader_id)
        .options(joinedload(FeedbackConcern.writer), joinedload(FeedbackConcern.about))
    )
    return session.scalars(query.order_by(FeedbackConcern.written_at.desc())).all()


def fingerprint(concern: FeedbackConcern) -> str:
    """Stands for its words in a form, so that what is taken up is what was read."""
    return sha256(concern.text.encode()).hexdigest()[:16]


def take_up(
    session: Session,
    meeting: Meeting,
    concern: FeedbackConcern,
    actor_id: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """Say as a facilitator that one sees to it; the writer learns so. `seen` is the `fingerprint` of what was read.

    Raises FormError when it was changed since.
    """
    lock(session, meeting)
    session.refresh(concern, ["text", "taken_up_at", "taken_up_by_id"])
    if concern.taken_up_at is not None:
        return
    if seen is not None and seen != fingerprint(concern):
        raise FormError({"concern": _("This was changed in the meantime. Read it again, then take it up.")})
    concern.taken_up_at, concern.taken_up_by_id = now, actor_id
    _note(session, concern, meeting, "concern taken up", actor_id)


def to_look_at(session: Session, person_id: int, course_id: int) -> Sequence[tuple[Meeting, int]]:
    """The sessions of a facilitator's cohorts in which concerns or unhelpful feedback wait for them, and how many."""
    theirs = (
        select(Meeting.id)
        .join(Facilitator, Facilitator.cohort_id == Meeting.cohort_id)
        .where(Facilitator.person_id == person_id)
    )
    concerns = select(FeedbackConcern.meeting_id).where(
        FeedbackConcern.meeting_id.in_(theirs),
        FeedbackConcern.taken_up_at.is_(None),
        FeedbackConcern.about_id != person_id,
    )
    unhelpful = select(PeerFeedback.meeting_id).where(
        PeerFeedback.meeting_id.in_(theirs),
        PeerFeedback.helpful.is_(False),
        PeerFeedback.counts.is_(None),
        PeerFeedback.giver_id != person_id,
        PeerFeedback.receiver_id != person_id,
    )
    every = concerns.union_all(unhelpful).subquery()
    waits = select(every.c.meeting_id, func.count().label("count")).group_by(every.c.meeting_id).subquery()
    query = (
        select(Meeting, waits.c.count)
        .join(waits, waits.c.meeting_id == Meeting.id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(Program.course_id == course_id)
        .order_by(Meeting.starts_at)
        .options(joinedload(Meeting.cohort), joinedload(Meeting.module))
    )
    return [(meeting, count) for meeting, count in session.execute(query)]


def _note(session: Session, concern: FeedbackConcern, meeting: Meeting, action: str, actor_id: int) -> None:
    session.flush()
    meeting.version += 1  # an open page of a facilitator shows that there is one
    program = program_of_meeting(session, meeting)
    audit.record(session, action, "concern", concern.id, course_id=program.course_id, actor_id=actor_id)
    progress.changed(session, program.id, [concern.writer_id])  # who has a concern need not give feedback
