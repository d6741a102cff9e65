"""What pages show of reflections, and who has something to catch up with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, joinedload

from lti_tool.cohorts.tables import Cohort
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting, Presence
from lti_tool.programs.tables import Module
from lti_tool.reflections.tables import Reflection
from lti_tool.roster.tables import Person

AWAY = (Presence.ABSENT, Presence.EXCUSED)
STAYS = timedelta(weeks=2)  # how long a missed session stands on somebody's first page


def own(session: Session, meeting_id: int, person_id: int) -> Reflection | None:
    """What somebody wrote about a session."""
    return session.scalar(
        select(Reflection).where(Reflection.meeting_id == meeting_id, Reflection.person_id == person_id)
    )


def of_person(session: Session, program_id: int, person_id: int) -> Sequence[Reflection]:
    """All that somebody wrote in a program, the newest session first, with the session's module."""
    query = (
        select(Reflection)
        .join(Meeting, Meeting.id == Reflection.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Module.program_id == program_id, Reflection.person_id == person_id)
        .options(joinedload(Reflection.meeting).joinedload(Meeting.module))
    )
    return session.scalars(query.order_by(Module.number.desc(), Meeting.starts_at.desc())).all()


def of_meeting(session: Session, meeting_id: int) -> Sequence[Reflection]:
    """What people wrote about a session, by their names."""
    query = select(Reflection).join(Person).where(Reflection.meeting_id == meeting_id)
    return session.scalars(
        query.options(joinedload(Reflection.person)).order_by(Person.name, Reflection.person_id)
    ).all()


def is_away(session: Session, meeting: Meeting, person_id: int) -> bool:
    """Whether somebody missed a session that is closed."""
    mark = select(Attendance.presence).where(Attendance.meeting_id == meeting.id, Attendance.person_id == person_id)
    return meeting.closed_at is not None and session.scalar(mark) in AWAY


def away_from(session: Session, meeting: Meeting) -> list[tuple[Person, bool]]:
    """Who missed a session that is closed, by name, and whether they have caught up."""
    if meeting.closed_at is None:
        return []
    query = (
        select(Person, Reflection.id)
        .join(Attendance, Attendance.person_id == Person.id)
        .outerjoin(
            Reflection, and_(Reflection.meeting_id == Attendance.meeting_id, Reflection.person_id == Person.id)
        )
        .where(Attendance.meeting_id == meeting.id, Attendance.presence.in_(AWAY))
    )
    return [
        (person, written is not None) for person, written in session.execute(query.order_by(Person.name, Person.id))
    ]


def to_catch_up(session: Session, person_id: int, program_id: int, now: datetime) -> Sequence[Meeting]:
    """What somebody missed in the last two weeks and has not caught up with, the oldest first, with its module.

    Who was in another cohort's session of the same module has missed nothing.
    """
    there = (
        select(Meeting.module_id)
        .join(Attendance, Attendance.meeting_id == Meeting.id)
        .where(Attendance.person_id == person_id, Attendance.presence.in_(ATTENDED))
    )
    query = (
        select(Meeting)
        .join(Attendance, Attendance.meeting_id == Meeting.id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .outerjoin(
            Reflection,
            and_(Reflection.meeting_id == Meeting.id, Reflection.person_id == Attendance.person_id),
        )
        .where(
            Attendance.person_id == person_id,
            Attendance.presence.in_(AWAY),
            Cohort.program_id == program_id,
            Meeting.closed_at.is_not(None),
            Meeting.starts_at > now - STAYS,
            Meeting.module_id.not_in(there),
            Reflection.id.is_(None),
        )
        .options(joinedload(Meeting.module))
    )
    return session.scalars(query.order_by(Meeting.starts_at)).all()


def weeks_written(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The weeks about which people wrote something, by person id."""
    query = (
        select(Reflection.person_id, Module.number)
        .join(Meeting, Meeting.id == Reflection.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Module.program_id == program_id, Reflection.person_id.in_(person_ids))
    )
    weeks: dict[int, set[int]] = defaultdict(set)
    for person_id, week in session.execute(query):
        weeks[person_id].add(week)
    return weeks


@dataclass(frozen=True, slots=True)
class Missed:
    """One closed session: how many missed it, and how many of them have caught up."""

    meeting: Meeting
    away: int
    caught_up: int


def of_program(session: Session, program_id: int) -> list[Missed]:
    """The closed sessions that somebody missed, by cohort, then by week; in one query."""
    counted = (
        select(
            Attendance.meeting_id,
            func.count(Attendance.id).label("away"),
            func.count(Reflection.id).label("caught_up"),
        )
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .outerjoin(
            Reflection,
            and_(Reflection.meeting_id == Attendance.meeting_id, Reflection.person_id == Attendance.person_id),
        )
        .where(Attendance.presence.in_(AWAY), Cohort.program_id == program_id)
        .group_by(Attendance.meeting_id)
        .subquery()
    )
    whole = (
        select(Meeting, counted.c.away, counted.c.caught_up)
        .join(counted, counted.c.meeting_id == Meeting.id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Cohort.program_id == program_id, Meeting.closed_at.is_not(None))
        .options(joinedload(Meeting.cohort), joinedload(Meeting.module))
        .order_by(Cohort.position, Module.number)
    )
    return [Missed(meeting, away, caught_up) for meeting, away, caught_up in session.execute(whole)]
