"""How the exchange with each LMS stands: what waits, since when, until when, and how calls ended.

One set of facts for the operator's page, `peerloop sync status` and `/metrics`, by a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import db
from lti_tool.gradebook import claims
from lti_tool.gradebook.tables import Cell, Column, differs
from lti_tool.lti import listing
from lti_tool.lti.tables import LtiCallCount, LtiLane, LtiPace, LtiRegistration
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, ReadingState, RosterReading, Tenant


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to be done: how much, since when the oldest of it, and when the next is due."""

    length: int = 0
    oldest_at: datetime | None = None
    next_at: datetime | None = None

    @property
    def is_due(self) -> bool:
        """Whether a worker may take the next one now."""
        return self.next_at is not None and self.next_at <= clock.wall()


@dataclass(frozen=True, slots=True)
class Calls:
    """How often calls of a service ended in one way, and how many seconds they took together."""

    service: str
    outcome: str
    count: int
    seconds: float


@dataclass(slots=True)
class Standing:
    """One LMS. `refused` counts grades that it will not take, by reason; `rests_until` is set while it rests."""

    id: int
    name: str
    family: str
    grades: Queue = Queue()
    rosters: Queue = Queue()
    refused: Mapping[str, int] = field(default_factory=dict)
    calls: Sequence[Calls] = ()
    lanes: int = 0
    rests_until: datetime | None = None
    cause: str | None = None


def of_platform(session: Session, registration_id: int) -> Standing:
    """One LMS's. Raises LookupError where there is none."""
    found = _gathered(session, LtiRegistration.id == registration_id)
    if not found:
        raise LookupError(f"there is no registration {registration_id}")
    return found[0]


def of_all(session: Session) -> list[Standing]:
    """Every LMS's, in the order in which they were registered."""
    return _gathered(session, LtiRegistration.id.is_not(None))


def _gathered(session: Session, which: ColumnElement[bool]) -> list[Standing]:
    now = clock.wall()
    rows = session.execute(
        select(LtiRegistration.id, LtiRegistration.name, LtiRegistration.family)
        .where(which)
        .order_by(LtiRegistration.id)
    )
    found = {row.id: Standing(row.id, row.name, row.family) for row in rows}
    for registration_id, *queue in session.execute(_grades(which)):
        found[registration_id].grades = Queue(*queue)
    for registration_id, *queue in session.execute(_rosters(which)):
        found[registration_id].rosters = Queue(*queue)
    for registration_id, reason, count in session.execute(_refused(which)):
        found[registration_id].refused = {**found[registration_id].refused, reason: count}
    for row in session.scalars(select(LtiCallCount).join(LtiRegistration).where(which).order_by(*_CALLS)):
        calls = Calls(row.service, row.outcome, row.calls, row.seconds)
        found[row.registration_id].calls = (*found[row.registration_id].calls, calls)
    for pace in session.scalars(select(LtiPace).join(LtiRegistration).where(which, LtiPace.rests_until > now)):
        found[pace.registration_id].rests_until = pace.rests_until
        found[pace.registration_id].cause = pace.cause
    lent = select(LtiLane.registration_id, func.count()).join(LtiRegistration).where(which, LtiLane.until > now)
    for registration_id, count in session.execute(lent.group_by(LtiLane.registration_id)):
        found[registration_id].lanes = count
    return list(found.values())


_CALLS = (LtiCallCount.registration_id, LtiCallCount.service, LtiCallCount.outcome)


def _of_cells(*values: Any) -> Select[Any]:
    return (
        select(LtiRegistration.id, *values)
        .select_from(Cell)
        .join(Column, Column.id == Cell.column_id)
        .join(Program, Program.id == Column.program_id)
        .join(Course, Course.id == Program.course_id)
        .join(Tenant, Tenant.id == Course.tenant_id)
        .join(LtiRegistration, LtiRegistration.id == Tenant.registration_id)
    )


def _grades(which: ColumnElement[bool]) -> Select[Any]:
    """Cells that differ and that a worker will close by itself."""
    due_at = case((Cell.try_at > Column.try_at, Cell.try_at), else_=Column.try_at)
    waiting = (differs(), Cell.try_at.is_not(None), claims.is_learners())
    query = _of_cells(func.count(), func.min(Cell.wanted_at), func.min(due_at))
    return query.where(which, *waiting).group_by(LtiRegistration.id)


def _refused(which: ColumnElement[bool]) -> Select[Any]:
    """Cells that the LMS will not take until something changes."""
    stopped = (Cell.problem_reference.is_not(None), Cell.problem_code.is_not(None))
    query = _of_cells(Cell.problem_code, func.count())
    return query.where(which, *stopped).group_by(LtiRegistration.id, Cell.problem_code)


def _rosters(which: ColumnElement[bool]) -> Select[Any]:
    open_ = RosterReading.state.in_((ReadingState.REQUESTED.value, ReadingState.RUNNING.value))
    values: list[Any] = [func.count(), func.min(RosterReading.requested_at), func.min(RosterReading.try_at)]
    return (
        select(LtiRegistration.id, *values)
        .select_from(RosterReading)
        .join(Course, Course.id == RosterReading.course_id)
        .join(Tenant, Tenant.id == Course.tenant_id)
        .join(LtiRegistration, LtiRegistration.id == Tenant.registration_id)
        .where(which, open_)
        .group_by(LtiRegistration.id)
    )


def show(*, as_json: bool) -> None:
    """Print every LMS's."""
    listing.show(
        of_all(db.session()),
        as_json=as_json,
        described=_described,
        told=_told,
        nothing="No LMS is registered: see `peerloop platform invite`",
    )


def _described(one: Standing) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "family": one.family,
        "grades": _described_queue(one.grades),
        "rosters": _described_queue(one.rosters),
        "refused": dict(one.refused),
        "calls": [
            {"service": each.service, "outcome": each.outcome, "count": each.count, "seconds": round(each.seconds, 3)}
            for each in one.calls
        ],
        "lanes": one.lanes,
        "rests_until": _stamp(one.rests_until),
        "cause": one.cause,
    }


def _described_queue(queue: Queue) -> dict[str, object]:
    return {"length": queue.length, "oldest_at": _stamp(queue.oldest_at), "next_at": _stamp(queue.next_at)}


def _told(one: Standing) -> list[str]:
    lines = [f"{one.id} {one.name}", f"  grades: {_told_queue(one.grades)}", f"  rosters: {_told_queue(one.rosters)}"]
    lines += [f"  {count} grades {reason}" for reason, count in one.refused.items()]
    if one.calls:
        lines.append("  calls: " + ", ".join(f"{each.service} {each.outcome} {each.count}" for each in one.calls))
    if one.rests_until is not None:
        lines.append(f"  left alone until {_stamp(one.rests_until)} ({one.cause})")
    return lines


def _told_queue(queue: Queue) -> str:
    if not queue.length:
        return "nothing waits"
    return f"{queue.length} wait, the oldest since {_stamp(queue.oldest_at)}; next try {_stamp(queue.next_at)}"


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
