"""What an instructor needs first: what needs them, and how each cohort stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lti_tool.cohorts import queries
from lti_tool.cohorts.proposing import proposal_of
from lti_tool.cohorts.queries import CohortMembers
from lti_tool.cohorts.standing import rules_of
from lti_tool.gradebook import overview as grades
from lti_tool.meetings.overview import MeetingCount, Stage, attendance_overview, stage
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person
from lti_tool.work.overview import WorkCount, work_overview


@dataclass(frozen=True, slots=True)
class CohortStanding:
    """One cohort in numbers: sessions held, people attended of expected, assignments confirmed of handed in."""

    people: CohortMembers
    sessions: Sequence[MeetingCount]
    held: Sequence[MeetingCount]
    next: MeetingCount | None
    attended: int
    expected: int
    handed_in: int
    confirmed: int

    @property
    def size(self) -> int:
        """How many people are in it now."""
        return len(self.people.members)


@dataclass(frozen=True, slots=True)
class StaffHome:
    """All that the page shows."""

    cohorts: Sequence[CohortStanding]
    unplaced: Sequence[Person]
    least: int
    to_close: Sequence[MeetingCount]
    grades: grades.Summary

    @property
    def small(self) -> Sequence[CohortStanding]:
        """The cohorts with fewer people than the rules say that one needs."""
        return [cohort for cohort in self.cohorts if cohort.size < self.least]

    @property
    def needs(self) -> int:
        """How many things wait for somebody."""
        people = bool(self.unplaced) + len(self.small)
        return len(self.to_close) + people + self.grades.need_you + len(self.grades.problems)


def home_of(session: Session, program: Program, now: datetime) -> StaffHome:
    """Gather an instructor's page by a fixed number of queries."""
    sessions: Mapping[int, list[MeetingCount]] = defaultdict(list)
    for count in attendance_overview(session, program.id):
        sessions[count.meeting.cohort_id].append(count)
    work: Mapping[int, list[WorkCount]] = defaultdict(list)
    for each in work_overview(session, program.id):
        work[each.assignment.meeting.cohort_id].append(each)
    cohorts = [
        _standing(people, sessions[people.cohort.id], work[people.cohort.id])
        for people in queries.cohorts_with_members(session, program.id)
    ]
    return StaffHome(
        cohorts=cohorts,
        unplaced=queries.unplaced(session, program.id) if cohorts else (),
        least=rules_of(program, proposal_of(session, program.id)).size_min,
        to_close=[
            count for counts in sessions.values() for count in counts if stage(count.meeting, now) is Stage.OVER
        ],
        grades=grades.summary(session, program.id),
    )


def _standing(people: CohortMembers, sessions: Sequence[MeetingCount], work: Sequence[WorkCount]) -> CohortStanding:
    held = [count for count in sessions if count.meeting.closed_at is not None]
    return CohortStanding(
        people=people,
        sessions=sessions,
        held=held,
        next=next((count for count in sessions if count.meeting.closed_at is None), None),
        attended=sum(count.attended for count in held),
        expected=sum(count.expected for count in held),
        handed_in=sum(each.handed_in for each in work),
        confirmed=sum(each.confirmed for each in work),
    )
