"""Micro-assignments done, as the gradebook counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.gradebook.progress import Measure, Progress, whole_program
from lti_tool.meetings.members import belongs
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Grading, Module, Program
from lti_tool.work import terms
from lti_tool.work.due import due_at
from lti_tool.work.rubric import most_points
from lti_tool.work.tables import Assignment, Credit, Extension, Grade, Submission


def by_week(
    session: Session, program_id: int, person_ids: Sequence[int], _now: datetime
) -> Mapping[int, Mapping[int, Progress]]:
    """A person's assignments are those of their sessions (see the room of sessions), by week. Done are the hand-ins
    that count, each with what it is worth; due are the done ones and those that have lapsed, but for what waits for a
    grade: nobody loses points while staff have not looked.
    """
    memberships = session.scalars(
        select(Membership).where(Membership.program_id == program_id, Membership.person_id.in_(person_ids))
    ).all()
    cohort_ids = {membership.cohort_id for membership in memberships}
    assigned = session.execute(
        select(Meeting, Module.number, Assignment)
        .join(Assignment, Assignment.meeting_id == Meeting.id)
        .join(Module, Module.id == Meeting.module_id)
        .where(Meeting.cohort_id.in_(cohort_ids))
    ).all()
    extensions = _extensions(session, program_id, person_ids)
    worth, ungraded = _hand_ins(session, program_id, person_ids)
    all_of: dict[int, set[int]] = defaultdict(set)
    lapsed: dict[int, set[int]] = defaultdict(set)
    for membership in memberships:
        for meeting, week, assignment in assigned:
            if belongs(membership, meeting):
                extension = extensions.get((assignment.id, membership.person_id))
                all_of[membership.person_id].add(week)
                if assignment.lapsed_at is not None and (extension is None or extension.lapsed_at is not None):
                    lapsed[membership.person_id].add(week)
    return {
        person_id: _progress(weeks, lapsed[person_id] - ungraded[person_id], worth[person_id])
        for person_id, weeks in all_of.items()
    }


def _progress(weeks: set[int], lapsed: set[int], worth: Mapping[int, float]) -> dict[int, Progress]:
    return {
        week: Progress(
            done=int(worth.get(week, 0) > 0),
            due=int(week in lapsed or week in worth),
            total=1,
            earned=worth.get(week, 0),
        )
        for week in weeks | worth.keys()
    }


def _extensions(session: Session, program_id: int, person_ids: Sequence[int]) -> Mapping[tuple[int, int], Extension]:
    given = session.scalars(
        select(Extension)
        .join(Assignment, Assignment.id == Extension.assignment_id)
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .where(Cohort.program_id == program_id, Extension.person_id.in_(person_ids))
    )
    return {(extension.assignment_id, extension.person_id): extension for extension in given}


def _hand_ins(
    session: Session, program_id: int, person_ids: Sequence[int]
) -> tuple[Mapping[int, Mapping[int, float]], Mapping[int, set[int]]]:
    """What hand-ins that count are worth, by person id, then by week, the best of two of the same week; and the
    weeks whose hand-in waits for a grade.
    """
    query = (
        select(Credit.person_id, Submission, Assignment, Extension, Module, Program, Grade)
        .join(Submission, Submission.id == Credit.submission_id)
        .join(Assignment, Assignment.id == Credit.assignment_id)
        .outerjoin(Grade, Grade.submission_id == Submission.id)
        .outerjoin(Extension, and_(Extension.assignment_id == Assignment.id, Extension.person_id == Credit.person_id))
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(Program, Program.id == Module.program_id)
        .where(Program.id == program_id, Credit.person_id.in_(person_ids))
    )
    worth: dict[int, dict[int, float]] = defaultdict(dict)
    ungraded: dict[int, set[int]] = defaultdict(set)
    for person_id, submission, assignment, extension, module, program, grade in session.execute(query):
        share = share_of(module, submission, grade)
        if share is not None:
            late_rule = terms.of_module(program, module)
            earned = share * late_rule.worth(due_at(assignment, extension), submission.handed_in_at)
            worth[person_id][module.number] = max(earned, worth[person_id].get(module.number, 0))
        elif module.assignment_grading == Grading.POINTS:
            ungraded[person_id].add(module.number)
    return worth, ungraded


def share_of(module: Module, submission: Submission, grade: Grade | None) -> float | None:
    """What a hand-in counts, from 0 to 1, had it come in time; None as long as it does not count."""
    match module.assignment_grading:
        case Grading.COMPLETION:
            return 1.0
        case Grading.POINTS:
            return grade.points / most_points(module.assignment_rubric) if grade else None
        case _:
            return 1.0 if submission.confirmed_at is not None else None


count = whole_program(by_week)
ASSIGNMENTS = Measure("assignments", lazy_gettext("Micro-assignments"), lazy_gettext("assignments"), count, by_week)
