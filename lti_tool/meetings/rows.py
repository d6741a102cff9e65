"""A session's rows: held while they change, and the program that they belong to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from lti_tool.cohorts.tables import Cohort
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program

_COURSE = (
    select(Program.course_id).join(Cohort, Cohort.program_id == Program.id).where(Cohort.id == bindparam("cohort_id"))
)


_LOCKED = (
    select(Meeting.starts_at, Meeting.minutes, Meeting.closed_at, Meeting.version)
    .where(Meeting.id == bindparam("meeting_id"))
    .with_for_update(key_share=True)
)


def lock(session: Session, meeting: Meeting) -> None:
    """Let writers of one session wait for each other, and see what the last one did."""
    row = session.execute(_LOCKED, {"meeting_id": meeting.id}).one()
    for name, value in row._mapping.items():
        set_committed_value(meeting, name, value)


def raise_versions(session: Session, meeting_ids: Collection[int]) -> None:
    """Let every page that shows one of these sessions see that something is new. (Of one that is locked, add to its
    `version`.)
    """
    session.execute(update(Meeting).where(Meeting.id.in_(meeting_ids)).values(version=Meeting.version + 1))


def course_of_meeting(session: Session, meeting: Meeting) -> int:
    """The id of the course that a session is held in."""
    return session.scalars(_COURSE, {"cohort_id": meeting.cohort_id}).one()


def program_of_meeting(session: Session, meeting: Meeting) -> Program:
    """The program that a session belongs to."""
    return session.scalars(select(Program).join(Cohort).where(Cohort.id == meeting.cohort_id)).one()
