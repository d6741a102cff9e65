"""Who belongs to a session: the members of its cohort while it takes place, and whoever was marked in it.

Closing marks everybody. From then on the marks alone say who belonged to it, so that moving people later rewrites
nothing of what was.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, or_, select, union
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
    marked = select(Attendance.person_id).where(Attendance.meeting_id == meeting.id)
    belonging = marked if meeting.closed_at is not None else union(_expected(meeting), marked)
    people = select(Person).where(Person.id.in_(belonging.scalar_subquery()))
    return list(session.scalars(people.order_by(Person.name, Person.id)))


def _expected(meeting: Meeting) -> Select[int]:
    """Who leaves the cohort in mid-session may sit in the room, and stays on its list."""
    return _enrolled_members().where(
        Membership.cohort_id == meeting.cohort_id,
        Membership.since < meeting.ends_at,
        or_(Membership.until.is_(None), Membership.until > meeting.starts_at),
        or_(Enrolment.left_at.is_(None), Enrolment.left_at > meeting.starts_at),
    )


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
