"""Finding the micro-assignment that a page is about, and who facilitates it."""

from __future__ import annotations

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lti_tool.database import db
from lti_tool.meetings.access import facilitates, meeting_of
from lti_tool.programs.tables import Program
from lti_tool.web.visits import Visit
from lti_tool.work.overview import is_for
from lti_tool.work.tables import Assignment


def assignment_of(visit: Visit, assignment_id: int) -> tuple[Assignment, Program]:
    """An assignment with its meeting, cohort and module, and its program. Answers 404 when another course's."""
    query = select(Assignment).where(Assignment.id == assignment_id).options(joinedload(Assignment.meeting))
    assignment = db.session.scalar(query)
    if assignment is None:
        abort(404)
    _meeting, program = meeting_of(visit, assignment.meeting_id)
    return assignment, program


def own_assignment_of(visit: Visit, assignment_id: int) -> tuple[Assignment, Program]:
    """The same for a learner; another cohort's answers 404 too."""
    assignment, program = assignment_of(visit, assignment_id)
    if not is_for(db.session(), assignment_id, visit.person_id):
        abort(404)
    return assignment, program


def facilitates_assignment(visit: Visit, assignment_id: int) -> bool:
    """Whether the visitor was appointed for the cohort of this assignment."""
    meeting_id = db.session.scalar(select(Assignment.meeting_id).where(Assignment.id == assignment_id))
    return meeting_id is not None and facilitates(visit, meeting_id)
