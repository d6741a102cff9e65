"""Sessions attended, as the gradebook counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from flask import Flask, current_app
from flask_babel import lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook.progress import Measure, Progress, whole_program
from lti_tool.meetings.members import belongs
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting, Presence
from lti_tool.programs.tables import Module, Program

# (session, program id, person ids) -> by person id the weeks in which something was made up for
MadeUp = Callable[[Session, int, Sequence[int]], Mapping[int, set[int]]]


def by_week(
    session: Session, program_id: int, person_ids: Sequence[int], _now: datetime
) -> Mapping[int, Mapping[int, Progress]]:
    """Of the sessions in which a person was marked, or that will be theirs by membership: attended ones, closed ones
    that the person was not excused from, and all but the excused. What was made up for is excused where the program
    says so; it never becomes attendance. Somebody who was moved, and so had a session
    of the same module in two cohorts, has it once, with the better mark.
    """
    marks = marks_by_week(session, program_id, person_ids)
    coming = coming_weeks(session, program_id, person_ids)
    made_up = _made_up(session, program_id, person_ids)
    return {
        person_id: _progress(weeks, marks.get(person_id, {}), made_up.get(person_id, set()))
        for person_id, weeks in coming.items()
    }


def register_made_up(app: Flask, made_up: MadeUp) -> None:
    """Let a room tell in which weeks people made up for what they missed; where a program says so it excuses them."""
    app.extensions["made_up"] = made_up


def _made_up(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[int, set[int]]:
    if not session.scalar(select(Program.catch_up_excuses).where(Program.id == program_id)):
        return {}
    made_up: MadeUp = current_app.extensions["made_up"]
    return made_up(session, program_id, person_ids)


def coming_weeks(session: Session, program_id: int, person_ids: Sequence[int]) -> dict[int, set[int]]:
    """By person id, for whoever was ever in a cohort: the weeks of their sessions that are not closed yet."""
    memberships = session.scalars(
        select(Membership).where(Membership.program_id == program_id, Membership.person_id.in_(person_ids))
    ).all()
    cohort_ids = {membership.cohort_id for membership in memberships}
    meetings = session.execute(
        select(Meeting, Module.number).join(Module).where(Meeting.cohort_id.in_(cohort_ids))
    ).all()
    mine: dict[int, set[int]] = {membership.person_id: set() for membership in memberships}
    for membership in memberships:
        mine[membership.person_id] |= {week for meeting, week in meetings if _is_open(membership, meeting)}
    return mine


def _is_open(membership: Membership, meeting: Meeting) -> bool:
    """Whether a session is still to be held or closed for this member. Closed ones are told by their marks."""
    return meeting.closed_at is None and belongs(membership, meeting)


def marks_by_week(
    session: Session, program_id: int, person_ids: Sequence[int]
) -> Mapping[int, Mapping[int, set[str]]]:
    """The marks of closed sessions: person id -> week -> marks."""
    query = (
        select(Attendance.person_id, Module.number, Attendance.presence)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(Cohort.program_id == program_id, Meeting.closed_at.is_not(None), Attendance.person_id.in_(person_ids))
    )
    marks: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for person_id, week, presence in session.execute(query):
        marks[person_id][week].add(presence)
    return marks


def _progress(weeks: set[int], marks: Mapping[int, set[str]], made_up: set[int]) -> dict[int, Progress]:
    attended = {week for week, marked in marks.items() if marked.intersection(ATTENDED)}
    excused = {week for week, marked in marks.items() if Presence.EXCUSED in marked or week in made_up} - attended
    return {
        week: Progress(done=int(week in attended), due=int(week in marks), total=1)
        for week in (weeks | marks.keys()) - excused
    }


def ends(session: Session, program_id: int) -> datetime | None:
    """A week after the last session, when its assignment has been due too; None before there are any."""
    query = select(func.max(Meeting.starts_at)).join(Cohort, Cohort.id == Meeting.cohort_id)
    last: datetime | None = session.scalar(query.where(Cohort.program_id == program_id))
    return last and last + timedelta(weeks=1)


count = whole_program(by_week)
SESSIONS = Measure("sessions", lazy_gettext("Sessions attended"), lazy_gettext("sessions"), count, by_week, ends)
