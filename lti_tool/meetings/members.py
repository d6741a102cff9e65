"""Who belongs to a session: the members of its cohort while it takes place, and whoever was marked in it.

Closing marks everybody. From then on the marks alone say who belonged to it, so that moving people later rewrites
nothing of what was.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Membership
from lti_tool.meetings.tables import Attendance, Meeting
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment, Person


def belongs(membership: Membership, meeting: Meeting) -> bool:
    """Whether the session is one of this member's: who joins during it still takes part."""
    ends = meeting.ends_at
    until = membership.until
    return membership.cohort_id == meeting.cohort_id and membership.since < ends and (until is None or until >= ends)


def members_of(session: Session, meeting: Meeting) -> list[Person]:
    """The people of a session, by name. Who has left the course before it begins is not expected."""
    marked = session.scalars(select(Attendance.person_id).where(Attendance.meeting_id == meeting.id))
    belonging = {*marked, *expected_in(session, meeting)}
    people = select(Person).where(Person.id.in_(belonging))
    return list(session.scalars(people.order_by(Person.name, Person.id)))


def expected_in(session: Session, meeting: Meeting) -> Sequence[int]:
    """The ids of those who belong to a session without a mark: its cohort's members while it takes place.

    Who leaves the cohort in mid-session may sit in the room, and stays on its list. In a closed one all are marked.
    """
    if meeting.closed_at is not None:
        return ()
    during = {"cohort_id": meeting.cohort_id, "starts_at": meeting.starts_at, "ends_at": meeting.ends_at}
    return session.scalars(_EXPECTED, during).all()


def running_members(session: Session, cohort_id: int) -> list[int]:
    """The ids of those who are in a cohort now, and in the course."""
    query = _enrolled_members().where(Membership.cohort_id == cohort_id, *running())
    return list(session.scalars(query.order_by(Membership.person_id)))


def running() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """A membership and its enrolment as a learner that both go on."""
    return Membership.until.is_(None), and_(Enrolment.may_learn)


def enrolment_of_membership() -> ColumnElement[bool]:
    """How an enrolment belongs to a membership's person and program."""
    return and_(Enrolment.course_id == Program.course_id, Enrolment.person_id == Membership.person_id)


def _enrolled_members() -> Select[int]:
    return (
        select(Membership.person_id)
        .join(Program, Program.id == Membership.program_id)
        .join(Enrolment, enrolment_of_membership())
    )


# Asked whenever somebody comes or leaves, so it is built once.
_EXPECTED = _enrolled_members().where(
    Membership.cohort_id == bindparam("cohort_id"),
    Membership.since < bindparam("ends_at"),
    or_(Membership.until.is_(None), Membership.until > bindparam("starts_at")),
    or_(Enrolment.left_at.is_(None), Enrolment.left_at > bindparam("starts_at")),
)
