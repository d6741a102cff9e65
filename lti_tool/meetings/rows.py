"""A session's rows: held while they change, and the program that they belong to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program


def lock(session: Session, meeting: Meeting) -> None:
    """Let writers of one session wait for each other, and see what the last one did."""
    columns = ["starts_at", "minutes", "closed_at", "version"]
    session.refresh(meeting, columns, with_for_update={"key_share": True})


def raise_version(session: Session, meeting_ids: Collection[int]) -> None:
    """Let every page that shows one of these sessions see that something is new."""
    session.execute(update(Meeting).where(Meeting.id.in_(meeting_ids)).values(version=Meeting.version + 1))


def program_of_meeting(session: Session, meeting: Meeting) -> Program:
    """The program that a session belongs to."""
    return session.scalars(select(Program).join(Cohort).where(Cohort.id == meeting.cohort_id)).one()
