"""Sessions attended, as the gradebook counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook.progress import Measure, Progress
from lti_tool.meetings.members import belongs
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting, Presence


def count(session: Session, program_id: int, person_ids: Sequence[int], _now: datetime) -> Mapping[int, Progress]:
    """Of the sessions that were or will be a person's by membership at that time: attended ones, closed ones
    that the person was not excused from, and all but the excused. Somebody who was moved, and so had a session
    of the same module in two cohorts, has it once, with the better mark.
    """
    memberships = session.scalars(
        select(Membership).where(Membership.program_id == program_id, Membership.person_id.in_(person_ids))
    ).all()
    cohort_ids = {membership.cohort_id for membership in memberships}
    meetings = session.scalars(select(Meeting).where(Meeting.cohort_id.in_(cohort_ids))).all()
    marks = _marks(session, program_id, person_ids)
    mine: dict[int, set[int]] = {membership.person_id: set() for membership in memberships}
    for membership in memberships:
        mine[membership.person_id] |= {m.module_id for m in meetings if belongs(membership, m)}
    return {person_id: _progress(modules, marks[person_id]) for person_id, modules in mine.items()}


def _marks(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[int, Mapping[int, set[str]]]:
    """The marks of closed sessions: person id -> module id -> marks."""
    query = (
        select(Attendance.person_id, Meeting.module_id, Attendance.presence)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(Cohort.program_id == program_id, Meeting.closed_at.is_not(None), Attendance.person_id.in_(person_ids))
    )
    marks: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for person_id, module_id, presence in session.execute(query):
        marks[person_id][module_id].add(presence)
    return marks


def _progress(modules: set[int], marks: Mapping[int, set[str]]) -> Progress:
    attended = {module for module, marked in marks.items() if marked.intersection(ATTENDED)}
    excused = {module for module, marked in marks.items() if Presence.EXCUSED in marked} - attended
    return Progress(
        done=len(attended),
        due=len(marks.keys() - excused),
        total=len((modules | marks.keys()) - excused),
    )


def ends(session: Session, program_id: int) -> datetime | None:
    """A week after the last session, when its assignment has been due too; None before there are any."""
    query = select(func.max(Meeting.starts_at)).join(Cohort, Cohort.id == Meeting.cohort_id)
    last: datetime | None = session.scalar(query.where(Cohort.program_id == program_id))
    return last and last + timedelta(weeks=1)


SESSIONS = Measure("sessions", lazy_gettext("Sessions attended"), lazy_gettext("sessions"), count, ends)
