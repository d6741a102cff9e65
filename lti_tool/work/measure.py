"""Micro-assignments done, as the gradebook counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook.progress import Measure, Progress, whole_program
from lti_tool.meetings.members import belongs
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Module
from lti_tool.work.tables import Assignment, Credit, Submission


def by_week(
    session: Session, program_id: int, person_ids: Sequence[int], _now: datetime
) -> Mapping[int, Mapping[int, Progress]]:
    """A person's assignments are those of their sessions (see the room of sessions), by week. Done are the
    confirmed ones, due the lapsed ones and those confirmed earlier.
    """
    memberships = session.scalars(
        select(Membership).where(Membership.program_id == program_id, Membership.person_id.in_(person_ids))
    ).all()
    cohort_ids = {membership.cohort_id for membership in memberships}
    assigned = session.execute(
        select(Meeting, Module.number, Assignment.lapsed_at)
        .join(Assignment, Assignment.meeting_id == Meeting.id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Meeting.cohort_id.in_(cohort_ids))
    ).all()
    confirmed = _confirmed(session, program_id, person_ids)
    all_of: dict[int, set[int]] = defaultdict(set)
    lapsed: dict[int, set[int]] = defaultdict(set)
    for membership in memberships:
        own = [(week, lapsed_at) for meeting, week, lapsed_at in assigned if belongs(membership, meeting)]
        all_of[membership.person_id] |= {week for week, _lapsed_at in own}
        lapsed[membership.person_id] |= {week for week, lapsed_at in own if lapsed_at is not None}
    return {
        person_id: _progress(weeks, lapsed[person_id], confirmed[person_id]) for person_id, weeks in all_of.items()
    }


def _progress(weeks: set[int], lapsed: set[int], confirmed: set[int]) -> dict[int, Progress]:
    return {
        week: Progress(done=int(week in confirmed), due=int(week in lapsed or week in confirmed), total=1)
        for week in weeks | confirmed
    }


def _confirmed(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The weeks whose assignment a person has done, by person id."""
    query = (
        select(Credit.person_id, Module.number)
        .join(Submission, Submission.id == Credit.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(
            Cohort.program_id == program_id,
            Submission.confirmed_at.is_not(None),
            Credit.person_id.in_(person_ids),
        )
    )
    confirmed: dict[int, set[int]] = defaultdict(set)
    for person_id, week in session.execute(query):
        confirmed[person_id].add(week)
    return confirmed


count = whole_program(by_week)
ASSIGNMENTS = Measure("assignments", lazy_gettext("Micro-assignments"), lazy_gettext("assignments"), count, by_week)
