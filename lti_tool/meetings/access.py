"""Finding the session that a page is about, and who facilitates it."""

from __future__ import annotations

from flask import abort
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from lti_tool.cohorts.tables import Cohort, Facilitator
from lti_tool.database import db
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.access import program_of
from lti_tool.programs.tables import Program
from lti_tool.web.visits import Visit


def meeting_of(visit: Visit, meeting_id: int) -> tuple[Meeting, Program]:
    """A session with its cohort, module and script, and its program. Answers 404 when it is another course's."""
    meeting = meeting_row(visit, meeting_id, joinedload(Meeting.cohort), joinedload(Meeting.module))
    return meeting, program_of(visit, meeting.cohort.program_id)


def meeting_row(visit: Visit, meeting_id: int, *options: ExecutableOption) -> Meeting:
    """A session of this course. Answers 404 when it is another course's."""
    meeting = db.session.scalar(
        select(Meeting)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(Meeting.id == meeting_id, Program.course_id == visit.course_id)
        .options(*options)
    )
    if meeting is None:
        abort(404)
    return meeting


# Asked by every open page every few seconds, so it is built once.
_VERSION = (
    select(Meeting.version)
    .join(Cohort, Cohort.id == Meeting.cohort_id)
    .join(Program, Program.id == Cohort.program_id)
    .where(Meeting.id == bindparam("meeting_id"), Program.course_id == bindparam("course_id"))
)


def version_of(visit: Visit, meeting_id: int) -> int:
    """The version of a session of this course; 404 when it is another course's. Who may see more is not asked."""
    version = db.session.scalar(_VERSION, {"meeting_id": meeting_id, "course_id": visit.course_id})
    if version is None:
        abort(404)
    return version


def facilitates(visit: Visit, meeting_id: int) -> bool:
    """Whether the visitor was appointed for the cohort of this session."""
    appointed = (
        select(Facilitator.id)
        .join(Meeting, Meeting.cohort_id == Facilitator.cohort_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(
            Meeting.id == meeting_id, Facilitator.person_id == visit.person_id, Program.course_id == visit.course_id
        )
    )
    return db.session.scalar(appointed) is not None
