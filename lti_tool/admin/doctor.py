"""`peerloop doctor`: Peerloop itself, then every LMS, by the same steps and words as the administrator's page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import select

from lti_tool.admin import checking, view
from lti_tool.admin.checking import Target
from lti_tool.admin.words import Line
from lti_tool.database import db
from lti_tool.lti import registrations, waiting
from lti_tool.lti.checkup import Finding
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiDeployment
from lti_tool.roster.tables import Tenant
from lti_tool.web import health

_SIGNS = {"done": "✓", "need": "✗", "waits": "–"}
_NOT_IN_A_TERMINAL = (
    "Only a browser sees frame and cookies: open “LMS connection” inside the LMS, as an administrator."
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found for one tenant, or for a registration without any."""

    registration: Registration
    tenant: Tenant | None
    course_title: str | None
    deployments: Sequence[LtiDeployment]
    findings: Sequence[Finding]
    lines: Sequence[Line]

    @property
    def problem_count(self) -> int:
        """How many steps went wrong, and how many deployments wait."""
        pending = sum(deployment.status != "active" for deployment in self.deployments)
        return pending + sum(line.sign == "need" for line in self.lines)


def examine(registration_id: int | None, *, may_write: bool, as_json: bool) -> None:
    """Check and print. Raises click.ClickException when anything is wrong, after everything is printed."""
    failing = health.failing()
    if not as_json:
        _print_own(failing)
    reports: list[Report] = []
    for report in _reports(_chosen(registration_id), may_write=may_write) if not failing else ():
        reports.append(report)
        if not as_json:
            _print(report)
    if as_json:
        described = [_described(report) for report in reports]
        click.echo(json.dumps({"peerloop": {"failing": failing}, "platforms": described}))
    problems = len(failing) + sum(report.problem_count for report in reports)
    if problems:
        raise click.ClickException("one thing needs a look" if problems == 1 else f"{problems} things need a look")


def _chosen(registration_id: int | None) -> list[Registration]:
    if registration_id is None:
        return registrations.every()
    found = registrations.get(registration_id)
    if found is None:
        raise click.ClickException(f"there is no LMS number {registration_id}: see `peerloop platform list`")
    return [found]


def _reports(chosen: Sequence[Registration], *, may_write: bool) -> Iterator[Report]:
    for registration in chosen:
        query = select(Tenant).where(Tenant.registration_id == registration.id).order_by(Tenant.id)
        tenants = db.session.scalars(query).all()
        for tenant in tenants or (None,):
            yield _report(registration, tenant.id if tenant else None, may_write=may_write)


def _report(registration: Registration, tenant_id: int | None, *, may_write: bool) -> Report:
    session = db.session()
    course = checking.usual_course(session, tenant_id) if tenant_id is not None else None
    checked = checking.check_now(
        Target(registration.id, tenant_id), course.id if course else None, may_write=may_write
    )
    tenant = session.get_one(Tenant, tenant_id) if tenant_id is not None else None
    title = view.course_title(session, checked)
    return Report(
        registration=registration,
        tenant=tenant,
        course_title=title,
        deployments=view.deployments(session, tenant) if tenant else registrations.deployments(registration.id),
        findings=checking.findings(checked),
        lines=view.lines_of(checked, registration, title),
    )


def _print_own(failing: Sequence[str]) -> None:
    click.echo("Peerloop")
    for name in health.CHECKS:
        click.echo(f"  {'✗' if name in failing else '✓'} {name}")
    if failing:
        return
    # Strangers can leave registrations there, so these are nothing that is wrong.
    if count := waiting.count(db.session()):
        click.echo(f"  – new LMSs that wait for approval: {count} (see `peerloop platform waiting`)")


def _print(report: Report) -> None:
    name, of = report.registration.name, f" ({report.tenant.name})" if report.tenant else ""
    course = f", in the course “{report.course_title}”" if report.course_title else ""
    click.echo(f"\n{report.registration.id} {name}{of}{course}")
    for deployment in report.deployments:
        sign = "done" if deployment.status == "active" else "need"
        click.echo(f"  {_SIGNS[sign]} Deployment {deployment.deployment_id}: {deployment.status}")
        if deployment.reference:
            click.echo(f"      If you know whose it is: peerloop deployment approve {deployment.reference}")
    for line in report.lines:
        click.echo(f"  {_SIGNS[line.sign]} {line.title}: {line.text}")
        if line.what:
            click.echo(f"      {line.what}")
        if line.where:
            click.echo(f"      Where in the LMS: {line.where}")
    click.echo(f"  – {_NOT_IN_A_TERMINAL}")


def _described(report: Report) -> dict[str, Any]:
    registration, tenant = report.registration, report.tenant
    return {
        "id": registration.id,
        "name": registration.name,
        "issuer": registration.issuer,
        "family": registration.family,
        "tenant": tenant.name if tenant else None,
        "course": report.course_title,
        "last_launch": tenant.launched_at.isoformat() if tenant else None,
        "deployments": [
            {"deployment_id": deployment.deployment_id, "status": deployment.status}
            for deployment in report.deployments
        ],
        "findings": [
            {
                "point": finding.point,
                "outcome": finding.outcome,
                "cause": finding.cause,
                "title": line.title,
                "text": line.text,
                "what": line.what,
                "where": line.where,
            }
            for finding, line in zip(report.findings, report.lines, strict=True)
        ],
    }
