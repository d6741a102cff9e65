"""`peerloop deployment`: what waits for approval, and approving it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click
from flask.cli import with_appcontext

from lti_tool.database import db, transaction
from lti_tool.lti import deployments, listing
from lti_tool.lti.deployments import NotWaitingError
from lti_tool.lti.tables import LtiDeployment, LtiRegistration
from lti_tool.roster import admission, tenants


@click.group()
def deployment() -> None:
    """Accept new places in an LMS from which Peerloop is opened."""


@deployment.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_waiting(as_json: bool) -> None:
    """Show the deployments that wait for approval."""
    found = deployments.waiting(db.session())
    joined = tenants.named(db.session(), [row.guid for row, _registration in found if row.guid])
    listing.show(
        found,
        as_json=as_json,
        described=lambda one: _described(*one, joined),
        told=lambda one: _told(*one, joined),
        nothing="No deployment waits for approval.",
    )


@deployment.command()
@click.argument("reference")
@with_appcontext
def approve(reference: str) -> None:
    """Accept the deployment that waits under REFERENCE, as a refused launch shows it."""
    try:
        with transaction() as session:
            words = _words(admission.approve(session, reference))
    except NotWaitingError:
        raise _nothing_waits(reference) from None
    click.echo(f"Accepted {words}. Whoever opens Peerloop from there comes in now.")


@deployment.command()
@click.argument("reference")
@with_appcontext
def dismiss(reference: str) -> None:
    """Take the deployment that waits under REFERENCE off the list; its next launch will wait anew."""
    try:
        with transaction() as session:
            words = _words(admission.dismiss(session, reference))
    except NotWaitingError:
        raise _nothing_waits(reference) from None
    click.echo(f"Dismissed {words}. Nothing of it was kept.")


def _nothing_waits(reference: str) -> click.ClickException:
    return click.ClickException(f"no deployment waits under {reference!r} (see `peerloop deployment list`)")


def _words(row: LtiDeployment) -> str:
    return f"deployment {row.deployment_id} of {row.institution or 'an institution without a name'}"


def _told(
    row: LtiDeployment, registration: LtiRegistration, joined: Mapping[tuple[int, str | None], str]
) -> Iterator[str]:
    yield f"{row.reference}  since {row.created_at:%Y-%m-%d %H:%M} UTC  {_words(row)}"
    yield f"         registration {registration.id}: {registration.name}, {registration.issuer}"
    if tenant := joined.get((row.registration_id, row.guid)):
        yield f"         will share people and courses with {tenant}, which is here already"


def _described(
    row: LtiDeployment, registration: LtiRegistration, joined: Mapping[tuple[int, str | None], str]
) -> dict[str, object]:
    return {
        "reference": row.reference,
        "since": row.created_at.isoformat(),
        "deployment_id": row.deployment_id,
        "institution": row.institution,
        "guid": row.guid,
        "joins": joined.get((row.registration_id, row.guid)),
        "registration": {"id": registration.id, "name": registration.name, "issuer": registration.issuer},
    }
