"""What pages show of commitments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased, joinedload

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.commitments.tables import DONE, Commitment
from lti_tool.meetings.tables import Attendance, Meeting
from lti_tool.programs.tables import Module


def waiting_for_word(session: Session, person_id: int, program_id: int) -> Sequence[Commitment]:
    """What a person took on and has not said yet how it went, the first due first."""
    query = _of_program(program_id).where(Commitment.person_id == person_id, Commitment.outcome.is_(None))
    return session.scalars(query.order_by(Commitment.due_at)).all()


def to_confirm(session: Session, person_id: int, program_id: int) -> Sequence[Commitment]:
    """What others say they have done, and this person, as their witness, has not confirmed; the oldest first."""
    query = _of_program(program_id).where(
        Commitment.witness_id == person_id,
        Commitment.outcome.in_(DONE),
        Commitment.confirmed_at.is_(None),
    )
    return session.scalars(query.order_by(Commitment.answered_at)).all()


def of_meeting(session: Session, meeting: Meeting) -> Sequence[Commitment]:
    """What people took on in a session, by their names."""
    return _by_name(session, _whole().where(Commitment.meeting_id == meeting.id))


def from_last_time(session: Session, meeting: Meeting, person_ids: Sequence[int]) -> Sequence[Commitment]:
    """What these people took on in the session before this one, in whatever cohort they were; by their names."""
    this, before = aliased(Module), aliased(Module)
    query = (
        _whole()
        .join(Meeting, Meeting.id == Commitment.meeting_id)
        .join(before, before.id == Meeting.module_id)
        .join(this, this.program_id == before.program_id)
        .where(this.id == meeting.module_id, before.number == this.number - 1, Commitment.person_id.in_(person_ids))
    )
    return _by_name(session, query)


def next_meetings(session: Session, meeting: Meeting, person_id: int) -> Sequence[int]:
    """The sessions that open with what a person took on in this one: of the next module, in whatever cohort."""
    this, following = aliased(Module), aliased(Module)
    query = (
        select(Meeting.id)
        .join(following, following.id == Meeting.module_id)
        .join(this, this.program_id == following.program_id)
        .join(Membership, Membership.cohort_id == Meeting.cohort_id)
        .where(this.id == meeting.module_id, following.number == this.number + 1, Membership.person_id == person_id)
    )
    return session.scalars(query).all()


def _by_name(session: Session, query: Select[Commitment]) -> Sequence[Commitment]:
    return sorted(session.scalars(query), key=lambda one: (one.person.name, one.person_id))


def _of_program(program_id: int) -> Select[Commitment]:
    return (
        _whole()
        .join(Meeting, Meeting.id == Commitment.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(Cohort.program_id == program_id)
    )


def _whole() -> Select[Commitment]:
    return select(Commitment).options(joinedload(Commitment.person), joinedload(Commitment.witness))


def marked_in(session: Session, meeting_id: int) -> Sequence[int]:
    """Who has a mark in a session, by id."""
    return session.scalars(select(Attendance.person_id).where(Attendance.meeting_id == meeting_id)).all()
