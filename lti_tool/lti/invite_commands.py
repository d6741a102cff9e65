"""`peerloop platform`: which invitations can be used, which registrations wait, and what to enter by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest

import click
from flask.cli import with_appcontext

from lti_tool import settings
from lti_tool.database import db
from lti_tool.lti import invitations, listing, offer, waiting
from lti_tool.lti.families.guides import GUIDES
from lti_tool.lti.tables import LtiPendingRegistration

_OPTIONS = ("--issuer", "--client-id", "--auth-url", "--token-url", "--jwks-url", "--deployment")


@click.command("invitations")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_invitations(as_json: bool) -> None:
    """Show the invitations that can still be used; their addresses are not kept."""
    listing.show(
        invitations.every(db.session()),
        as_json=as_json,
        described=lambda one: {
            "id": one.id,
            "note": one.note,
            "host": one.host,
            "expires_at": one.expires_at.isoformat(),
        },
        told=lambda one: [f"{one.id:>4}  until {one.expires_at:%Y-%m-%d %H:%M} UTC  {one.note}  {one.host}".rstrip()],
        nothing="No invitation can be used.",
    )


@click.command("waiting")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_waiting(as_json: bool) -> None:
    """Show the registrations that wait for approval."""
    found = waiting.every(db.session())
    nothing = "No registration waits for approval."
    listing.show(found, as_json=as_json, described=_described, told=_told, nothing=nothing)


@click.command("settings")
@click.argument("family", type=click.Choice(list(GUIDES)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def show_settings(family: str, as_json: bool) -> None:
    """Print what to enter by hand in an LMS of this FAMILY, in the words of its form."""
    guide, values = GUIDES[family], offer.values(settings.current().base_url)
    form = guide.filled_form(values)
    if as_json:
        click.echo(json.dumps({"form": dict(form), "known": dict(guide.known)}))
        return
    click.echo(str(guide.where))
    width = max(len(label) for label, _value in form) + 2
    for label, value in form:
        for beginning, line in zip_longest([label], value.splitlines(), fillvalue=""):
            click.echo(f"  {beginning:<{width}}{line}")
    for step in guide.after:
        click.echo(f"  - {step}")
    click.echo("\nThen enter here what it shows:")
    name = "" if family == "standard" else f" --family {family}"
    click.echo(f"  peerloop platform add --name …{name} \\")
    click.echo(" \\\n".join(f"    {option} {guide.known.get(option, '…')}" for option in _OPTIONS))
    click.echo("  A deployment that is not named, or not known yet, waits for approval after its first launch:")
    click.echo("  peerloop deployment list")
    click.echo("\nWhat is left to do in the LMS:")
    for step in guide.steps_once_entered(values):
        click.echo(f"  - {step}")


def _told(pending: LtiPendingRegistration) -> Iterator[str]:
    yield f"{pending.reference}  {pending.name}  {pending.issuer}  client {pending.client_id}"
    yield f"         {_invited(pending)}; since {pending.created_at:%Y-%m-%d %H:%M} UTC"
    yield f"         its configuration was read from {pending.host}; it says that it is: {pending.family}"
    if pending.doubt:
        yield "         not all addresses that it names are its issuer's own: ask the institution before you approve"


def _invited(pending: LtiPendingRegistration) -> str:
    if pending.invitation is None:
        return "without an invitation"
    return f"by the invitation for {pending.invitation}" if pending.invitation else "by an invitation without a note"


def _described(pending: LtiPendingRegistration) -> dict[str, object]:
    return {
        "id": pending.reference,
        "name": pending.name,
        "issuer": pending.issuer,
        "client_id": pending.client_id,
        "host": pending.host,
        "family": pending.family,
        "doubt": pending.doubt,
        "invited": pending.invitation is not None,
        "note": pending.invitation,
        "auth_url": pending.auth_url,
        "token_url": pending.token_url,
        "audience": pending.audience,
        "platform_jwks_url": pending.jwks_url,
        "created_at": pending.created_at.isoformat(),
    }


COMMANDS = (list_invitations, list_waiting, show_settings)
