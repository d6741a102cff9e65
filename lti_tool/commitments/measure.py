"""Commitments, as the gradebook counts them: taken on and answered for, whatever became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from lti_tool.commitments.tables import Commitment
from lti_tool.gradebook.progress import Measure, Progress, whole_program
from lti_tool.meetings.measure import coming_weeks, ends, marks_by_week
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting
from lti_tool.programs.tables import Module


def by_week(
    session: Session, program_id: int, person_ids: Sequence[int], now: datetime
) -> Mapping[int, Mapping[int, Progress]]:
    """A week is done when it was said what became of what was taken on in it, be it kept or not.

    It is due then, or for those who were there when their next session is closed (not before its own day) or the
    program is over. Who was not there need not take anything on; if they do, it counts. A session in which nobody
    took anything on did not ask for it.
    """
    taken_on = _taken_on(session, program_id, person_ids)
    asked = _asked(session, program_id, person_ids)
    marks = marks_by_week(session, program_id, person_ids)
    end = ends(session, program_id)
    over = end is not None and now >= end
    return {
        person_id: _progress(weeks, marks.get(person_id, {}), asked[person_id], taken_on[person_id], now, over=over)
        for person_id, weeks in coming_weeks(session, program_id, person_ids).items()
    }


def _progress(
    coming: set[int],
    marks: Mapping[int, set[str]],
    asked: set[int],
    taken_on: Mapping[int, Sequence[Commitment]],
    now: datetime,
    *,
    over: bool,
) -> dict[int, Progress]:
    attended = {week for week, marked in marks.items() if week in asked and marked.intersection(ATTENDED)}
    last_held = max(marks, default=0)
    counted: dict[int, Progress] = {}
    for week in coming | attended | taken_on.keys():
        own = taken_on.get(week, ())
        done = any(one.outcome is not None for one in own)
        has_time = any(one.due_at > now for one in own)
        is_due = done or (week in attended and (over or (week < last_held and not has_time)))
        counted[week] = Progress(done=int(done), due=int(is_due), total=1)
    return counted


def _asked(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The weeks in whose session, that a person is marked in, somebody took something on."""
    query = (
        select(Attendance.person_id, Module.number)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Module.program_id == program_id, Attendance.person_id.in_(person_ids))
        .where(exists().where(Commitment.meeting_id == Meeting.id))
    )
    found: dict[int, set[int]] = defaultdict(set)
    for person_id, week in session.execute(query):
        found[person_id].add(week)
    return found


def _taken_on(
    session: Session, program_id: int, person_ids: Sequence[int]
) -> Mapping[int, Mapping[int, Sequence[Commitment]]]:
    """What people have taken on, by person and week."""
    query = (
        select(Commitment, Module.number)
        .join(Meeting, Meeting.id == Commitment.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Module.program_id == program_id, Commitment.person_id.in_(person_ids))
    )
    found: dict[int, dict[int, list[Commitment]]] = defaultdict(lambda: defaultdict(list))
    for commitment, week in session.execute(query):
        found[commitment.person_id][week].append(commitment)
    return found


count = whole_program(by_week)
COMMITMENTS = Measure("commitments", lazy_gettext("Commitments"), lazy_gettext("commitments"), count, by_week, ends)
