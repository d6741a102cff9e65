"""Who may see what somebody took on: themselves, their witness, and the facilitators of their cohort."""

from __future__ import annotations

from flask import abort
from sqlalchemy.orm import joinedload

from lti_tool.commitments.tables import Commitment
from lti_tool.database import db
from lti_tool.meetings.access import facilitates, meeting_of, people_with
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program
from lti_tool.web.visits import Visit


def own_meeting_of(visit: Visit, meeting_id: int) -> tuple[Meeting, Program]:
    """A session that the visitor belongs to, with its cohort and module; another answers 404."""
    meeting, program = meeting_of(visit, meeting_id)
    people_with(visit, meeting)
    return meeting, program


def own_commitment_of(visit: Visit, commitment_id: int) -> Commitment:
    """A commitment of the visitor's; another answers 404."""
    return _where(visit, commitment_id, "person_id")


def witnessed_commitment_of(visit: Visit, commitment_id: int) -> Commitment:
    """A commitment whose witness the visitor is; another answers 404."""
    return _where(visit, commitment_id, "witness_id")


def commitment_in(visit: Visit, meeting: Meeting, commitment_id: int) -> Commitment:
    """A commitment of a session, for a facilitator of its cohort; anybody else is answered 404."""
    found = db.session.get(Commitment, commitment_id)
    if found is None or found.meeting_id != meeting.id or not facilitates(visit, meeting.id):
        abort(404)
    return found


def _where(visit: Visit, commitment_id: int, column: str) -> Commitment:
    people = (joinedload(Commitment.person), joinedload(Commitment.witness))
    found = db.session.get(Commitment, commitment_id, options=people)
    if found is None or getattr(found, column) != visit.person_id:
        abort(404)
    meeting_of(visit, found.meeting_id)  # of this course
    return found
