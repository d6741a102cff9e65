"""Micro-assignments done, as the gradebook counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook.progress import Measure, Progress
from lti_tool.meetings.members import belongs
from lti_tool.meetings.tables import Meeting
from lti_tool.work.tables import Assignment, Submission


def count(session: Session, program_id: int, person_ids: Sequence[int], _now: datetime) -> Mapping[int, Progress]:
    """A person's assignments are those of their sessions (see the room of sessions), by module. Done are the
    confirmed ones, due the lapsed ones and those confirmed earlier.
    """
    memberships = session.scalars(
        select(Membership).where(Membership.program_id == program_id, Membership.person_id.in_(person_ids))
    ).all()
    cohort_ids = {membership.cohort_id for membership in memberships}
    assigned = session.execute(
        select(Meeting, Assignment.lapsed_at)
        .join(Assignment, Assignment.meeting_id == Meeting.id)
        .where(Meeting.cohort_id.in_(cohort_ids))
    ).all()
    confirmed = _confirmed(session, program_id, person_ids)
    all_of: dict[int, set[int]] = defaultdict(set)
    lapsed: dict[int, set[int]] = defaultdict(set)
    for membership in memberships:
        own = [(meeting.module_id, lapsed_at) for meeting, lapsed_at in assigned if belongs(membership, meeting)]
        all_of[membership.person_id] |= {module_id for module_id, _lapsed_at in own}
        lapsed[membership.person_id] |= {module_id for module_id, lapsed_at in own if lapsed_at is not None}
    return {
        person_id: Progress(
            done=len(confirmed[person_id]),
            due=len(lapsed[person_id] | confirmed[person_id]),
            total=len(modules | confirmed[person_id]),
        )
        for person_id, modules in all_of.items()
    }


def _confirmed(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The modules whose assignment a person has done, by person id."""
    query = (
        select(Submission.person_id, Meeting.module_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(
            Cohort.program_id == program_id,
            Submission.confirmed_at.is_not(None),
            Submission.person_id.in_(person_ids),
        )
    )
    confirmed: dict[int, set[int]] = defaultdict(set)
    for person_id, module_id in session.execute(query):
        confirmed[person_id].add(module_id)
    return confirmed


ASSIGNMENTS = Measure("assignments", lazy_gettext("Micro-assignments"), lazy_gettext("assignments"), count)
