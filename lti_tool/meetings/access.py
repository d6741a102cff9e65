"""Finding the session that a page is about, and who facilitates it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from flask import abort
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import joinedload

from lti_tool.cohorts.tables import Cohort, Facilitator
from lti_tool.database import db
from lti_tool.meetings.members import members_of
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.access import program_of
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person
from lti_tool.web.visits import Visit

T = TypeVar("T")


def meeting_of(visit: Visit, meeting_id: int) -> tuple[Meeting, Program]:
    """A session with its cohort, module and script, and its program. Answers 404 when it is another course's."""
    meeting = _found(_WHOLE, visit, meeting_id)
    return meeting, program_of(visit, meeting.cohort.program_id)


# Asked with every form and by every open page every few seconds, so they are built once.
_OF_COURSE = (
    select(Meeting)
    .join(Cohort, Cohort.id == Meeting.cohort_id)
    .join(Program, Program.id == Cohort.program_id)
    .where(Meeting.id == bindparam("meeting_id"), Program.course_id == bindparam("course_id"))
)
_VERSION = _OF_COURSE.with_only_columns(Meeting.version)
_WHOLE = _OF_COURSE.options(joinedload(Meeting.cohort), joinedload(Meeting.module))


def meeting_row(visit: Visit, meeting_id: int) -> Meeting:
    """A session of this course, without its cohort and module. Answers 404 when it is another course's."""
    return _found(_OF_COURSE, visit, meeting_id)


def _found(query: Select[T], visit: Visit, meeting_id: int) -> T:
    found = db.session.scalar(query, {"meeting_id": meeting_id, "course_id": visit.course_id})
    if found is None:
        abort(404)
    return found


def people_with(visit: Visit, meeting: Meeting) -> Sequence[Person]:
    """The people of a session that the visitor belongs to. Answers 404 when it is not theirs."""
    people = members_of(db.session(), meeting)
    if visit.person_id not in {person.id for person in people}:
        abort(404)
    return people


def version_of(visit: Visit, meeting_id: int) -> int:
    """The version of a session of this course; 404 when it is another course's. Who may see more is not asked."""
    return _found(_VERSION, visit, meeting_id)


def facilitates(visit: Visit, meeting_id: int) -> bool:
    """Whether the visitor was appointed for the cohort of this session."""
    return meeting_id in facilitated(visit, (meeting_id,))


def facilitated(visit: Visit, meeting_ids: Collection[int]) -> set[int]:
    """Those of these sessions for whose cohorts the visitor was appointed."""
    appointed = (
        select(Meeting.id)
        .join(Facilitator, Facilitator.cohort_id == Meeting.cohort_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(
            Meeting.id.in_(meeting_ids),
            Facilitator.person_id == visit.person_id,
            Program.course_id == visit.course_id,
        )
    )
    return set(db.session.scalars(appointed))
