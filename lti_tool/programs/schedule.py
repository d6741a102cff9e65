"""When sessions are, and how a script fills them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy.orm import Session

from lti_tool.programs.tables import Program


class Timed(Protocol):
    """Something of a script that takes minutes."""

    @property
    def minutes(self) -> int: ...


T = TypeVar("T", bound=Timed)


def local_time(day: date, at: time, zone: str) -> datetime:
    """The instant, in UTC, when clocks in `zone` show this.

    A time that the clocks skip when summer time begins is taken an hour later, one that they show twice the
    first time (PEP 495, https://peps.python.org/pep-0495/).
    """
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class WeeklyHour:
    """A time of a week on a program's clocks; `weekday` counts from Monday, 0. As a text it is `1-14:00`."""

    weekday: int
    at: time

    def __str__(self) -> str:
        return f"{self.weekday}-{self.at:%H:%M}"

    @classmethod
    def parse(cls, text: str) -> WeeklyHour | None:
        """The hour that a text names, if it names one.

        >>> str(WeeklyHour.parse("1-14:00")), WeeklyHour.parse("7-14:00"), WeeklyHour.parse("1-24:00")
        ('1-14:00', None, None)
        """
        weekday, _dash, told = text.partition("-")
        if weekday not in tuple("0123456") or not _TIME.fullmatch(told):
            return None
        return cls(int(weekday), time.fromisoformat(told))


_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def own_hour(program: Program) -> WeeklyHour:
    """The hour at which a program's sessions are where a cohort has no other."""
    return WeeklyHour(program.first_session_on.weekday(), program.session_time)


def session_start(program: Program, number: int, hour: WeeklyHour | None = None) -> datetime:
    """When session `number` (from 1) begins by the plan: weekly, at the same time of day in the program's zone.

    At another `hour` than the program's own it is that hour's next one from the day on that the plan has for it.
    """
    hour = hour or own_hour(program)
    planned = program.first_session_on + timedelta(weeks=number - 1)
    return local_time(planned + timedelta(days=(hour.weekday - planned.weekday()) % 7), hour.at, program.zone)


def planned_end(program: Program, sessions: int) -> datetime:
    """A week after the last of so many planned sessions, when its assignment has been due too."""
    return session_start(program, sessions + 1)


def is_over(program: Program, now: datetime) -> bool:
    """Whether the plan has come to its end."""
    return planned_end(program, len(program.modules)) <= now


def fitted(parts: Sequence[T], minutes: int) -> list[tuple[T, int]]:
    """Each part with the minutes it gets in a session of `minutes`: the longest part, the practice, takes up
    the difference, as far as it lasts at least a minute.
    """
    if not parts:
        return []
    longest = max(parts, key=lambda part: part.minutes)
    spare = minutes - sum(part.minutes for part in parts)
    return [(part, max(1, part.minutes + spare) if part is longest else part.minutes) for part in parts]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One cohort's session as the plan shows it; `href` leads to it."""

    cohort: str
    starts_at: datetime
    closed: bool
    href: str


# (session, program id) -> what is scheduled for each module id, in the order of the cohorts
Schedule = Callable[[Session, int], Mapping[int, Sequence[Scheduled]]]

# (session, program id, since) -> whether a session of any cohort, one that has ended too, went on then or began since
HeldSince = Callable[[Session, int, datetime], bool]


def register_schedule(app: Flask, schedule: Schedule, held_since: HeldSince) -> None:
    """Let the room that holds sessions tell when they are, and whether there was one."""
    app.extensions["schedule"], app.extensions["held_since"] = schedule, held_since


def scheduled(session: Session, program_id: int) -> Mapping[int, Sequence[Scheduled]]:
    """The sessions of every cohort by module id; empty until cohorts are published."""
    schedule: Schedule = current_app.extensions["schedule"]
    return schedule(session, program_id)


def was_held_since(session: Session, program_id: int, since: datetime) -> bool:
    """Whether a session of any cohort of a program, one that has ended too, went on then or has begun since."""
    held_since: HeldSince = current_app.extensions["held_since"]
    return held_since(session, program_id, since)
