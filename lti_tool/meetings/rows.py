"""A session's rows: held while they change, and the program that they belong to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program


def lock(session: Session, meeting: Meeting) -> None:
    """Let writers of one session wait for each other, and see what the last one did."""
    columns = ["starts_at", "minutes", "closed_at"]
    session.refresh(meeting, columns, with_for_update={"key_share": True})


def program_of_meeting(session: Session, meeting: Meeting) -> Program:
    """The program that a session belongs to."""
    return session.scalars(select(Program).join(Cohort).where(Cohort.id == meeting.cohort_id)).one()
