"""The hour of a week at which a cohort meets: which ones its people share, and which one is proposed.

Learners say when they are free on their own clocks. An hour is looked at as what it will be: at the instants of the
sessions to come, on everybody's clocks then. So one that clocks move away from somebody counts only where it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property

from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.cohorts.proposing import take
from lti_tool.cohorts.signals import cohort_hour_changed
from lti_tool.cohorts.tables import Cohort
from lti_tool.cohorts.wishes import Rules
from lti_tool.programs.schedule import WeeklyHour, own_hour, session_start
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing, week
from lti_tool.questions.week import Free

FULL_HOURS = tuple(WeeklyHour(day, time(hour)) for day in range(7) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Offer:
    """An hour, and in how many of the sessions to come all who said when they are free are free then."""

    hour: WeeklyHour
    sessions: int
    of: int

    @property
    def is_whole(self) -> bool:
        """Whether it suits them in every session."""
        return 0 < self.sessions == self.of


@dataclass(frozen=True, slots=True)
class Shared:
    """The hours of one cohort. `people` are those whose hours count, `answered` who of them said when they are free;
    so many more (`exempt`) said it and were placed without their hours.

    `own` is the program's hour, `offers` the others that suit them in a session at least, by weekday and time.
    """

    people: int
    answered: int
    own: Offer
    offers: Sequence[Offer]
    nearest: WeeklyHour | None
    exempt: int = 0

    @property
    def everybody(self) -> int:
        """How many are in the cohort."""
        return self.people + self.exempt

    @property
    def silent(self) -> int:
        """How many have not said when they are free."""
        return self.people - self.answered

    @property
    def best(self) -> Offer:
        """What is proposed where people were to have an hour in common: the program's own hour if it suits them in
        every session, else the one that does so in most, of those the nearest to the program's.
        """
        return next((offer for offer in self.offers if offer.hour == self.nearest), self.own)

    @property
    def is_any(self) -> bool:
        """Whether there is an hour that suits all who have said."""
        return bool(self.best.sessions)

    @property
    def is_none(self) -> bool:
        """Whether sessions are to come, some have said when they are free, and no hour suits them all."""
        return bool(self.answered and self.own.of) and not self.is_any


Cells = Mapping[str, frozenset[str]]
"""What people share, or a session needs, by zone."""

_Kinds = list[tuple[WeeklyHour, list[tuple[int, Cells]]]]


def _suits(needed: Cells, common: Cells) -> bool:
    return all(cells <= common[zone] for zone, cells in needed.items())


class Hours:
    """The hours of a program's cohorts, as far as their people have said when they are free.

    Those in `exempt` were placed without their hours, which decide nothing: they are only told who cannot come.
    """

    def __init__(
        self, program: Program, free: Mapping[int, Free], now: datetime, exempt: Collection[int] = ()
    ) -> None:
        self._program, self._now = program, now
        self.exempt = frozenset(free).intersection(exempt)
        self.free = {person: hours for person, hours in free.items() if person not in exempt}
        self._said = free
        self._known_starts: dict[WeeklyHour, list[datetime]] = {}
        self._known_kinds: dict[tuple[str, ...], _Kinds] = {}
        self._needed: dict[tuple[WeeklyHour, str], list[frozenset[str]]] = {}

    @classmethod
    def of(cls, session: Session, program: Program, rules: Rules, person_ids: Collection[int]) -> Hours:
        """As these people of the program's course have said, as far as the rules count that."""
        free = knowing.free_of(session, program.course_id, person_ids)
        return cls(program, free, clock.now(), rules.without_hours)

    @cached_property
    def own(self) -> WeeklyHour:
        """The program's own hour."""
        return own_hour(self._program)

    def shared(self, members: Collection[int]) -> Shared:
        """What the people of a cohort share."""
        exempt = sum(person in self.exempt for person in members)
        inside = [self.free[person] for person in members if person in self.free]
        common: dict[str, frozenset[str]] = {}
        for free in inside:
            common[free.zone] = common.get(free.zone, free.cells) & free.cells
        own, *others = [
            Offer(hour, sum(times for times, needed in kinds if _suits(needed, common)), self._count(hour))
            for hour, kinds in self._kinds(tuple(sorted(common)))
        ]
        offers = [offer for offer in others if offer.sessions]
        return Shared(len(members) - exempt, len(inside), own, offers, self._nearest(own, offers), exempt)

    def _kinds(self, zones: tuple[str, ...]) -> _Kinds:
        """For the program's hour and then each other one: which kinds of sessions there are for people in these
        zones, and how many of each. There are few, since only a change of clocks makes another.
        """
        if zones not in self._known_kinds:
            hours = (self.own, *(hour for hour in FULL_HOURS if hour != self.own))
            self._known_kinds[zones] = [
                (hour, [(times, dict(zip(zones, kind, strict=True))) for kind, times in self._counted(hour, zones)])
                for hour in hours
            ]
        return self._known_kinds[zones]

    def _counted(self, hour: WeeklyHour, zones: tuple[str, ...]) -> Iterable[tuple[tuple[frozenset[str], ...], int]]:
        return Counter(zip(*(self._cells(hour, zone) for zone in zones), strict=True)).items()

    def _count(self, hour: WeeklyHour) -> int:
        return len(self._starts(hour))

    def _nearest(self, own: Offer, offers: Sequence[Offer]) -> WeeklyHour | None:
        if own.is_whole or not offers:
            return None
        best = min((own, *offers), key=lambda offer: (-offer.sessions, self._distance(offer.hour)))
        return None if best is own else best.hour

    def _distance(self, hour: WeeklyHour) -> timedelta:
        return abs(session_start(self._program, 1, hour) - session_start(self._program, 1))

    def suiting_most(self, members: Collection[int]) -> tuple[list[WeeklyHour], int]:
        """The hours at which most of those who have said can come to every session, and how many can."""
        answered = sum(person in self.free for person in members)
        coming = {hour: answered - len(self.busy(hour, members)) for hour in FULL_HOURS if hour != self.own}
        most = max(coming.values())
        return [hour for hour, count in coming.items() if count == most > 0], most

    def best(self, members: Collection[int]) -> WeeklyHour:
        """What suits all of a cohort, else most of them; of several hours the program's own, or the nearest to it."""
        shared = self.shared(members)
        if shared.is_any or not shared.answered:
            return shared.best.hour
        suiting, most = self.suiting_most(members)
        if not suiting or shared.answered - len(self.busy(self.own, members)) >= most:
            return self.own
        return min(suiting, key=self._distance)

    def deciding(self, members: Collection[int]) -> list[int]:
        """Of those who have said: without whom the others would share more hours; all, where nobody is."""
        inside = [person for person in members if person in self.free]
        shared = len(self.shared(inside).offers)
        found = [
            person
            for person in inside
            if len(inside) == 1 or len(self.shared([p for p in inside if p != person]).offers) > shared
        ]
        return found or inside

    def busy(self, hour: WeeklyHour, members: Collection[int]) -> list[int]:
        """Of those who said when they are free: who is not, at this hour, in one of the sessions to come."""
        return [person for person in members if person in self.free and self._is_busy(person, hour)]

    def missing(self, hour: WeeklyHour, members: Collection[int]) -> list[int]:
        """The same of those who were placed without their hours."""
        return [person for person in members if person in self.exempt and self._is_busy(person, hour)]

    def away(self, hour: WeeklyHour, members: Collection[int]) -> list[int]:
        """All who cannot come at this hour, as far as they have said."""
        return [*self.busy(hour, members), *self.missing(hour, members)]

    def free_hours(self, person: int) -> list[WeeklyHour]:
        """When somebody who said when they are free can come to each session, whether that counts or not."""
        return [hour for hour in sorted({*FULL_HOURS, self.own}) if not self._is_busy(person, hour)]

    def _is_busy(self, person: int, hour: WeeklyHour) -> bool:
        free = self._said[person]
        return not all(needed <= free.cells for needed in self._cells(hour, free.zone))

    def _cells(self, hour: WeeklyHour, zone: str) -> list[frozenset[str]]:
        """What somebody in a zone must have free, for each of the sessions to come."""
        if (hour, zone) not in self._needed:
            minutes = self._program.session_minutes
            self._needed[hour, zone] = [week.cells_of(start, minutes, zone) for start in self._starts(hour)]
        return self._needed[hour, zone]

    def _starts(self, hour: WeeklyHour) -> list[datetime]:
        if hour not in self._known_starts:
            starts = (session_start(self._program, module.number, hour) for module in self._program.modules)
            self._known_starts[hour] = [start for start in starts if start > self._now]
        return self._known_starts[hour]


def change(
    session: Session, program: Program, cohort: Cohort, hour: WeeklyHour | None, *, actor_id: int | None
) -> None:
    """Let a published cohort meet at another hour from its next session on (None: at the program's).

    Raises FormError when a session that stays where it is leaves no room.
    """
    take(session, program.id)
    session.refresh(cohort)
    before = cohort.hour
    hour = None if hour == own_hour(program) else hour
    if hour == before:
        return
    cohort.hour = hour
    session.flush()
    audit.record(
        session,
        "cohort hour changed",
        "cohort",
        cohort.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before={"hour": str(before or own_hour(program))},
        after={"hour": str(hour or own_hour(program))},
    )
    cohort_hour_changed.send(program, session=session, cohort=cohort, before=before, actor_id=actor_id)
