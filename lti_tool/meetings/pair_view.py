"""The pairs of one cohort as a page shows them: each session to come, and who has met whom or is to meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, groupby

from sqlalchemy import Row, and_, exists, select
from sqlalchemy.orm import Session

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.meetings import pairs
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting, PairSeat
from lti_tool.programs.tables import Module
from lti_tool.roster.tables import Person

Seat = Row[int, int, datetime, int, int, str]


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """A session to come with its groups, as planned."""

    meeting_id: int
    number: int
    starts_at: datetime
    groups: list[list[Person]]


@dataclass(frozen=True, slots=True)
class Duo:
    """Two people: how often they have met, and the numbers of the sessions in which they are to meet."""

    met: int
    ahead: tuple[int, ...]

    @property
    def is_repeat(self) -> bool:
        """Whether they are to meet who have met, or who will have."""
        return bool(self.ahead) and self.met + len(self.ahead) > 1


@dataclass(frozen=True, slots=True)
class PairsOfCohort:
    """A cohort's people by name. `duos` has a row for each, and in it a place for each: None for themselves."""

    cohort: Cohort
    people: Sequence[Person]
    sessions: list[PlannedSession]
    duos: list[list[Duo | None]]


def meeting_cohorts(session: Session, program_id: int) -> Sequence[Cohort]:
    """The cohorts of a program that go on and have sessions, in their order."""
    meets = exists().where(Meeting.cohort_id == Cohort.id)
    query = select(Cohort).where(Cohort.program_id == program_id, Cohort.ended_at.is_(None), meets)
    return session.scalars(query.order_by(Cohort.position)).all()


def pairs_of(session: Session, cohort: Cohort) -> PairsOfCohort:
    """What is planned and what happened for those who are in the cohort now; in four queries."""
    running = Membership.cohort_id == cohort.id, Membership.until.is_(None)
    by_name = select(Person).join(Membership, Membership.person_id == Person.id).where(*running)
    people = session.scalars(by_name.order_by(Person.name, Person.id)).all()
    known = {person.id: person for person in people}
    coming = set(session.scalars(pairs.coming_in(cohort.program_id)))
    sessions: list[PlannedSession] = []
    met, ahead = defaultdict[frozenset[int], int](int), defaultdict[frozenset[int], list[int]](list)
    for (meeting_id, number, starts_at), rows in groupby(_seats(session, cohort.id), key=lambda seat: seat[:3]):
        planned = meeting_id in coming
        groups = list(_groups(rows, planned=planned))
        for duo in (frozenset(duo) for group in groups for duo in combinations(group, 2)):
            if planned:
                ahead[duo].append(number)
            else:
                met[duo] += 1
        if planned:
            there = [[known[person] for person in group if person in known] for group in groups]
            sessions.append(PlannedSession(meeting_id, number, starts_at, there))
    return PairsOfCohort(cohort, people, sessions, _duos([person.id for person in people], met, ahead))


def _seats(session: Session, cohort_id: int) -> list[Seat]:
    query = (
        select(Meeting.id, Module.number, Meeting.starts_at, PairSeat.number, PairSeat.person_id, Attendance.presence)
        .select_from(Meeting)
        .join(Module, Module.id == Meeting.module_id)
        .outerjoin(PairSeat, PairSeat.meeting_id == Meeting.id)
        .outerjoin(Attendance, and_(Attendance.meeting_id == Meeting.id, Attendance.person_id == PairSeat.person_id))
        .where(Meeting.cohort_id == cohort_id)
        .order_by(Module.number, Meeting.id, PairSeat.number, PairSeat.id)
    )
    return list(session.execute(query).all())


def _groups(seats: Iterator[Seat], *, planned: bool) -> Iterator[list[int]]:
    """The groups that are planned, or that really met."""
    for number, group in groupby(seats, key=lambda seat: seat[3]):
        people = [seat.person_id for seat in group if planned or seat.presence in ATTENDED]
        if number is not None and people:
            yield people


def _duos(
    people: Sequence[int], met: dict[frozenset[int], int], ahead: dict[frozenset[int], list[int]]
) -> list[list[Duo | None]]:
    return [
        [
            None if one == other else Duo(met[frozenset((one, other))], tuple(ahead[frozenset((one, other))]))
            for other in people
        ]
        for one in people
    ]
