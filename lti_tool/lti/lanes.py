"""The calls that a platform takes at a time, as rows that all processes share.

A lane is lent to a process for LEASE_SECONDS and prolonged while the process needs it, so that a call costs no
statement, and a process that dies leaves a lane that is free again after so long. Who finds none free marks one; its
owner then gives it up after the call in hand. All times are those of the database's clock.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.database import server_time
from lti_tool.lti.tables import LtiCallCount, LtiLane, LtiPace

LEASE_SECONDS = 10.0
WANT_SECONDS = 1.5  # who still waits asks again long before
FIRST_REST_SECONDS = 5.0
THROTTLED_SECONDS = 10.0
LONGEST_REST_SECONDS = 300.0

PACE, LANE, COUNT = (cast(Table, kind.__table__) for kind in (LtiPace, LtiLane, LtiCallCount))

LaneKey = tuple[int, int]
"""A registration's id and a lane's number."""
CountKey = tuple[int, str, str]
"""A registration's id, a service, and how calls of it ended."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a platform bears our calls: seconds that it is to be left alone, and whether it must be tried first."""

    rest_seconds: float = 0.0
    on_trial: bool = False


def take(
    connection: Connection, owner: str, registration_id: int, limit: int, waiting: int = 1
) -> tuple[Pace, int | None]:
    """One more lane of a platform with `limit` of them, if any is free and the platform need not rest.

    So many calls are `waiting`; where none is free, others are asked to give up that many, as far as that is fair.
    While the platform is on trial there is only the first one.
    """
    row, now = _locked_pace(connection, registration_id), server_time(connection)
    pace = _pace(row, now)
    if pace.rest_seconds > 0:
        return pace, None
    rows = {lane.number: lane for lane in connection.execute(select(LANE).where(_of(registration_id)))}
    numbers = range(1 if pace.on_trial else limit)
    for number in numbers:
        lane = rows.get(number)
        if lane is None:
            connection.execute(insert(LANE).values(registration_id=registration_id, number=number))
        if lane is None or _may_take(lane, owner, now):
            _write(connection, (registration_id, number), owner=owner, until=_after(now, LEASE_SECONDS), **UNWANTED)
            return pace, number
    _want(connection, owner, [rows[number] for number in numbers], waiting, now)
    return pace, None


UNWANTED: Mapping[str, object] = {"wanted_by": None, "wanted_until": None}


def _may_take(lane: Row[Any], owner: str, now: datetime) -> bool:
    is_free = lane.until is None or lane.until <= now
    return is_free and (lane.wanted_by == owner or not _is_promised(lane, now))


def _want(connection: Connection, owner: str, lanes: Iterable[Row[Any]], waiting: int, now: datetime) -> None:
    """Mark lanes of whoever has most, until we would have as many; the marks that we have are prolonged."""
    lent = [lane for lane in lanes if lane.until is not None and lane.until > now]
    have = Counter(lane.owner for lane in lent)
    most = max((count for other, count in have.items() if other != owner), default=0)
    enough = min(waiting, (most - have[owner]) // 2 or int(have[owner] == 0))
    marked = [lane for lane in lent if lane.wanted_by == owner]
    others = [
        lane for lane in lent if lane.owner != owner and have[lane.owner] == most and not _is_promised(lane, now)
    ]
    for lane in [*marked, *others][: max(enough, 0)]:
        key = (lane.registration_id, lane.number)
        _write(connection, key, wanted_by=owner, wanted_until=_after(now, WANT_SECONDS))


def _is_promised(lane: Row[Any], now: datetime) -> bool:
    return lane.wanted_until is not None and bool(lane.wanted_until > now)


def prolong(connection: Connection, owner: str, keys: Iterable[LaneKey]) -> dict[LaneKey, bool]:
    """Prolong these lanes of `owner`. Returns those that are still theirs, and whether somebody waits for it."""
    now = server_time(connection)
    mine = and_(LANE.c.owner == owner, LANE.c.until > now, _among(keys))
    prolonged = update(LANE).where(mine).values(until=_after(now, LEASE_SECONDS)).returning(*LANE.c)
    return {
        (lane.registration_id, lane.number): lane.wanted_until is not None and lane.wanted_until > now
        for lane in connection.execute(prolonged)
    }


def give_up(connection: Connection, owner: str, keys: Iterable[LaneKey]) -> None:
    """Let others have these lanes of `owner`; who waits for one has it first."""
    connection.execute(update(LANE).where(LANE.c.owner == owner, _among(keys)).values(owner=None, until=None))


def paces(connection: Connection, registration_ids: Iterable[int]) -> dict[int, Pace]:
    """How these platforms bear our calls now."""
    now = server_time(connection)
    found = connection.execute(select(PACE).where(PACE.c.registration_id.in_(list(registration_ids))))
    return {row.registration_id: _pace(row, now) for row in found}


def rest(connection: Connection, registration_id: int, cause: str, asked: float | None) -> float:
    """Leave the platform alone: as long as it `asked` for, if it did, and longer with each time in a row.

    What several calls noticed in the same moment counts once. Returns the seconds.
    """
    row, now = _locked_pace(connection, registration_id), server_time(connection)
    setbacks = row.setbacks + 1
    if (left := _pace(row, now).rest_seconds) > 0:
        setbacks, seconds = row.setbacks, max(left, asked or 0.0)
    else:
        grown = min(FIRST_REST_SECONDS * 2.0 ** min(setbacks - 1, 10), LONGEST_REST_SECONDS)
        least = THROTTLED_SECONDS if cause == "throttled" and asked is None else asked or 0.0
        seconds = max(least, grown * random.uniform(0.75, 1.0))  # noqa: S311 - spreads load, guards nothing
    connection.execute(
        update(PACE)
        .where(PACE.c.registration_id == registration_id)
        .values(rests_until=_after(now, seconds), setbacks=setbacks, cause=cause)
    )
    return seconds


def recover(connection: Connection, registration_id: int) -> Pace:
    """The platform answered on trial: all lanes are open again, unless it was told to rest in between."""
    row, now = _locked_pace(connection, registration_id), server_time(connection)
    pace = _pace(row, now)
    if pace.rest_seconds > 0:
        return pace
    is_this = PACE.c.registration_id == registration_id
    connection.execute(update(PACE).where(is_this).values(rests_until=None, setbacks=0, cause=None))
    return Pace()


def count(connection: Connection, counts: Mapping[CountKey, tuple[int, float]]) -> None:
    """Add calls and their seconds to what was counted before, in one order for everybody."""
    if not counts:
        return
    statement = _insert(connection)(COUNT)
    added = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=list(COUNT.primary_key),
        set_={"calls": COUNT.c.calls + added.calls, "seconds": COUNT.c.seconds + added.seconds},
    )
    names = ("registration_id", "service", "outcome")
    rows = [
        dict(zip(names, key, strict=True)) | {"calls": calls, "seconds": seconds}
        for key, (calls, seconds) in sorted(counts.items())
    ]
    connection.execute(statement, rows)


def _locked_pace(connection: Connection, registration_id: int) -> Row[Any]:
    """The platform's row, made if there is none; whoever has it is alone with the platform's lanes."""
    query = select(PACE).where(PACE.c.registration_id == registration_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is not None:
        return row
    made = _insert(connection)(PACE).values(registration_id=registration_id, setbacks=0).on_conflict_do_nothing()
    connection.execute(made)
    return connection.execute(query).one()


def _insert(connection: Connection) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert


def _pace(row: Row[Any], now: datetime) -> Pace:
    rest = (row.rests_until - now).total_seconds() if row.rests_until is not None else 0.0
    return Pace(max(rest, 0.0), row.setbacks > 0)


def _of(registration_id: int) -> ColumnElement[bool]:
    return LANE.c.registration_id == registration_id


def _among(keys: Iterable[LaneKey]) -> ColumnElement[bool]:
    return tuple_(LANE.c.registration_id, LANE.c.number).in_(list(keys))


def _write(connection: Connection, key: LaneKey, **values: object) -> None:
    registration_id, number = key
    connection.execute(update(LANE).where(_of(registration_id), LANE.c.number == number).values(**values))


def _after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
