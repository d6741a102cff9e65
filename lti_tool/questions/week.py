"""Free hours: painted on each learner's own clocks, shared out as the same hours for all.

A cell is an hour of a week by local clocks, `tue-14`. A slot is an hour of a week in UTC, `tue-13`, or `tue-13:30`
where hours begin at half past UTC on the program's clocks. People in two zones can meet in a slot that both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = range(7, 22)  # hours that begin from 7:00 to 21:00
QUARTER = timedelta(minutes=15)  # what all offsets of zones are multiples of
QUARTERS_A_WEEK = 7 * 24 * 4


@dataclass(frozen=True, slots=True)
class Free:
    """When somebody is free: cells of a week on the clocks of their zone."""

    zone: str
    cells: frozenset[str]


def _cell(day: int, hour: int) -> str:
    return f"{DAYS[day]}-{hour:02}"


CELLS = tuple(_cell(day, hour) for day in range(7) for hour in HOURS)


def first_day(day: date) -> date:
    """The Monday of the week that has `day`."""
    return day - timedelta(days=day.weekday())


def slots(free: Iterable[str], zone: str, clocks: str, day: date) -> tuple[str, ...]:
    """The hours that lie wholly within the cells `free` of somebody in `zone`, as slots.

    They are those of the week that has `day`, since zones change their clocks on different dates. They begin when
    hours begin on the clocks of the zone `clocks`.

    >>> slots(["mon-09"], "Europe/Lisbon", "UTC", date(2026, 3, 9))
    ('mon-09',)
    >>> slots(["mon-09"], "Europe/Lisbon", "UTC", date(2026, 6, 8))
    ('mon-08',)
    >>> slots(["mon-09", "mon-10"], "Asia/Kolkata", "UTC", date(2026, 3, 9))
    ('mon-04',)
    >>> slots(["mon-09", "mon-10"], "Asia/Kolkata", "Asia/Kolkata", date(2026, 3, 9))
    ('mon-03:30', 'mon-04:30')
    """
    monday = first_day(day)
    known = set(_quarters(free, ZoneInfo(zone), monday))
    begins = -(_offset(ZoneInfo(clocks), monday) // QUARTER) % 4
    starts = range(begins, QUARTERS_A_WEEK, 4)
    return tuple(_name(start) for start in starts if all((start + n) % QUARTERS_A_WEEK in known for n in range(4)))


def _quarters(free: Iterable[str], zone: ZoneInfo, monday: date) -> Iterator[int]:
    """The quarters of the UTC week, counted from its beginning, that the cells cover; a week ends where it begins."""
    midnight = datetime.combine(monday, time(), UTC)
    for cell in free:
        day, _dash, hour = cell.partition("-")
        local = datetime.combine(monday + timedelta(days=DAYS.index(day)), time(int(hour)), zone)
        first = (local.astimezone(UTC) - midnight) // QUARTER
        yield from ((first + n) % QUARTERS_A_WEEK for n in range(4))


def _offset(zone: ZoneInfo, day: date) -> timedelta:
    return datetime.combine(day, time(12), zone).utcoffset() or timedelta()


def _name(quarter: int) -> str:
    day, rest = divmod(quarter, 24 * 4)
    hour, quarters = divmod(rest, 4)
    return _cell(day, hour) + (f":{quarters * 15}" if quarters else "")


def cells_of(starts_at: datetime, minutes: int, zone: str) -> frozenset[str]:
    """The cells that so many minutes from an instant on touch, on the clocks of somebody in `zone`.

    >>> sorted(cells_of(datetime(2026, 3, 9, 4, tzinfo=UTC), 45, "Asia/Kolkata"))
    ['mon-09', 'mon-10']
    """
    clocks = ZoneInfo(zone)
    first, last = starts_at.astimezone(clocks), (starts_at + timedelta(minutes=minutes - 1)).astimezone(clocks)
    if first.utcoffset() == last.utcoffset():
        return _run(first.weekday(), first.hour, first.minute, minutes)
    shown = ((starts_at + timedelta(minutes=step)).astimezone(clocks) for step in range(minutes))
    return frozenset(_cell(at.weekday(), at.hour) for at in shown)


@cache
def _run(weekday: int, hour: int, minute: int, minutes: int) -> frozenset[str]:
    """The cells of so many minutes while no clock changes: asked for thousands of times for a page."""
    last = 24 * weekday + hour + (minute + minutes - 1) // 60
    hours = range(24 * weekday + hour, last + 1)
    return frozenset(_cell(number // 24 % 7, number % 24) for number in hours)


def offset(zone: str, day: date) -> str:
    """How far the clocks of a zone are from UTC in the week that has `day`.

    >>> offset("Asia/Kolkata", date(2026, 3, 2)), offset("America/New_York", date(2026, 3, 2))
    ('UTC+5:30', 'UTC-5')
    """
    minutes = _offset(ZoneInfo(zone), first_day(day)) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
