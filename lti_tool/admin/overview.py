"""Every LMS at a glance, for the operator: a fixed number of queries for each page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from lti_tool.admin.tables import Checkup, CheckupState
from lti_tool.lti.checkup import Outcome
from lti_tool.lti.tables import LtiDeployment, LtiRegistration
from lti_tool.roster.tables import Tenant

PAGE_SIZE = 50
TENANTS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Health:
    """How the last check came out; `at` is None where there was none."""

    at: datetime | None = None
    problems: int = 0

    @property
    def sign(self) -> str:
        """The status to show."""
        if self.at is None:
            return "waits"
        return "need" if self.problems else "done"


@dataclass(frozen=True, slots=True)
class PlatformLine:
    """A registration in the list. `health` adds up the last checks of all its institutions."""

    row: LtiRegistration
    tenant_count: int
    launched_at: datetime | None
    pending: int
    health: Health

    @property
    def sign(self) -> str:
        """The status to show: a deployment that waits needs somebody too."""
        return "need" if self.pending else self.health.sign


@dataclass(frozen=True, slots=True)
class PlatformPage:
    """One page of the list. `total` counts all that were found."""

    lines: Sequence[PlatformLine]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class TenantLine:
    """An institution of a registration."""

    row: Tenant
    health: Health


def platforms(session: Session, *, text: str = "", page: int = 1) -> PlatformPage:
    """The registrations whose name or issuer holds `text`, by name; on each page first those that need a look."""
    query = select(LtiRegistration)
    if text:
        query = query.where(
            or_(
                *(
                    column.icontains(text, autoescape=True)
                    for column in (LtiRegistration.name, LtiRegistration.issuer)
                )
            )
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(page, 1), pages)
    ordered = query.order_by(LtiRegistration.name, LtiRegistration.id)
    rows = session.scalars(ordered.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)).all()
    return PlatformPage(_lines(session, rows), total, page, pages)


def tenants(session: Session, registration_id: int) -> list[TenantLine]:
    """The institutions of a registration, those launched from last first."""
    query = select(Tenant).where(Tenant.registration_id == registration_id)
    rows = session.scalars(query.order_by(Tenant.launched_at.desc(), Tenant.id).limit(TENANTS_SHOWN)).all()
    found: dict[int | None, list[Checkup]] = {}
    for checkup in session.scalars(_last(Checkup.registration_id == registration_id)):
        found.setdefault(checkup.tenant_id, []).append(checkup)
    return [TenantLine(row, _health(found.get(row.id, []))) for row in rows]


def _lines(session: Session, rows: Sequence[LtiRegistration]) -> list[PlatformLine]:
    ids = [row.id for row in rows]
    tenants = select(Tenant.registration_id, func.count(), func.max(Tenant.launched_at))
    tenants = tenants.where(Tenant.registration_id.in_(ids)).group_by(Tenant.registration_id)
    known = {registration_id: (count, at) for registration_id, count, at in session.execute(tenants)}
    waiting = select(LtiDeployment.registration_id, func.count()).where(
        LtiDeployment.registration_id.in_(ids), LtiDeployment.status == "pending"
    )
    pending = dict(session.execute(waiting.group_by(LtiDeployment.registration_id)).all())
    checked: dict[int, list[Checkup]] = {}
    for checkup in session.scalars(_last(Checkup.registration_id.in_(ids))):
        checked.setdefault(checkup.registration_id, []).append(checkup)
    lines = []
    for row in rows:
        count, launched_at = known.get(row.id, (0, None))
        lines.append(PlatformLine(row, count, launched_at, pending.get(row.id, 0), _health(checked.get(row.id, []))))
    return sorted(lines, key=lambda line: line.sign != "need")


def _last(condition: ColumnElement[bool]) -> Select[Checkup]:
    """The results that are kept: one for each target."""
    return select(Checkup).where(condition, Checkup.state == CheckupState.DONE.value)


def _health(checkups: Sequence[Checkup]) -> Health:
    times = [checkup.finished_at for checkup in checkups if checkup.finished_at is not None]
    bad = sum(finding["outcome"] == Outcome.BAD.value for checkup in checkups for finding in checkup.findings)
    return Health(min(times, default=None), bad)
