"""What the pages of a session's room show: the clock, and for each group who does what from when on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from babel.dates import format_time
from flask_babel import get_locale
from sqlalchemy.orm import Session

from lti_tool.meetings import room, script
from lti_tool.meetings.script import RED_AFTER, Part, Script
from lti_tool.meetings.tables import Meeting, Room
from lti_tool.roster.tables import Person


@dataclass(frozen=True, slots=True)
class Swap:
    """That groups of so many people change roles at some time, which is the next one from `since` on."""

    people: int
    since: datetime
    at: datetime

    def is_next(self, now: datetime) -> bool:
        """Whether it is the one to wait for."""
        return self.since <= now < self.at


@dataclass(frozen=True, slots=True)
class Clock:
    """The script as it is played at `now`; `number` is the index of the part that runs."""

    script: Script
    number: int
    now: datetime
    swaps: Sequence[Swap]

    @property
    def part(self) -> Part:
        """The part that runs."""
        return self.script[self.number]

    @property
    def began(self) -> datetime:
        """When it began."""
        return self.part.began or self.now

    @property
    def next(self) -> Part | None:
        """The part after it, if there is one."""
        return self.script[self.number + 1] if self.number + 1 < len(self.script) else None

    @property
    def seen(self) -> str:
        """What a button says that was pressed while the clock stood so."""
        return script.seen(self.script)

    @property
    def left(self) -> str:
        """The time left of this part, "07:42", or the time over, "+0:42"."""
        return told(self.part.ends - self.now)

    @property
    def done(self) -> float:
        """How much of this part is over, 0 to 1."""
        return min(1.0, (self.now - self.began).total_seconds() / max(1, self.part.seconds))

    @property
    def late(self) -> str:
        """The tone of a part whose time is up: risk, then need; empty before."""
        over = self.now - self.part.ends
        return "" if over < timedelta() else "risk" if over < RED_AFTER else "need"

    @property
    def red_at(self) -> datetime:
        """When a part that runs over is called so in red."""
        return self.part.ends + RED_AFTER

    @property
    def planned_end(self) -> datetime:
        """When the last part ends if each takes the time that is planned for it."""
        return self.part.ends + timedelta(seconds=sum(part.seconds for part in self.script[self.number + 1 :]))

    @property
    def practised(self) -> bool:
        """Whether the practice is over."""
        return script.practice_is_over(self.script)


def told(left: timedelta) -> str:
    """A length of time on a clock; what is over, with a plus.

    >>> told(timedelta(minutes=7, seconds=42)), told(timedelta(seconds=-42))
    ('07:42', '+0:42')
    """
    seconds = int(left.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    return f"{minutes:02}:{rest:02}" if seconds >= 0 else f"+{minutes}:{rest:02}"


def time_of_day(at: datetime, zone: tzinfo) -> str:
    """A time by the clocks of `zone`, in the viewer's language."""
    return format_time(at, "short", tzinfo=zone, locale=get_locale())


def clock_of(session: Session, meeting: Meeting, sizes: Sequence[int], now: datetime) -> Clock | None:
    """The clock of a session that is under way, with the next swap for groups of these sizes."""
    played = room.played(session.get(Room, meeting.id), meeting, now)
    if played is None:
        return None
    number = script.current(played)
    swaps = [swap for people in sorted(set(sizes)) for swap in _swaps(played[number], people)]
    return Clock(played, number, now, swaps)


def _swaps(part: Part, people: int) -> list[Swap]:
    if not part.practice or part.began is None:
        return []
    moments = part.swaps(people)
    return [Swap(people, since, at) for since, at in pairwise([part.began, *moments])]


def looks_new_at(meeting: Meeting, now: datetime) -> datetime | None:
    """When the pages next look otherwise though nothing has changed: the room opens, the session begins, or ends."""
    moments = (meeting.starts_at - room.EARLY, meeting.starts_at, meeting.ends_at)
    return next((moment for moment in moments if moment > now), None)


@dataclass(frozen=True, slots=True)
class Turn:
    """Who does what in a group until roles change; the first has no beginning, the last no end."""

    prompt: str
    practises: Person
    coaches: Person
    observes: Sequence[Person]
    since: datetime | None
    until: datetime | None

    def is_now(self, now: datetime) -> bool:
        """Whether this is the turn to look at."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


def turns(people: Sequence[Person], played: Script | None) -> list[Turn]:
    """As many turns as people, so that each practises once: with prompt A, with B, in a trio with A again.

    Until the practice begins only the first one is known; alone there is none.
    """
    count = len(people)
    if count < 2:
        return []
    practice = next((part for part in played or () if part.practice and part.began is not None), None)
    bounds = [None, *practice.swaps(count), None] if practice else [None, None]
    return [
        Turn(
            prompt="AB"[number % 2],
            practises=people[number],
            coaches=people[(number + 1) % count],
            observes=[people[(number + step) % count] for step in range(2, count)],
            since=since,
            until=until,
        )
        for number, (since, until) in enumerate(pairwise(bounds))
    ]
