"""`peerloop platform`: what is registered (`list`); the rooms above add the commands that they write down."""

from __future__ import annotations

from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import with_appcontext

import config
from lti_tool.database import db
from lti_tool.lti import addresses, invite_commands, listing, registrations, waiting
from lti_tool.lti.registrations import ADDRESSES, LENGTHS, Registration


@click.group()
def platform() -> None:
    """Register LMSs and see which are registered."""


for command in invite_commands.COMMANDS:
    platform.add_command(command)


@platform.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_all(as_json: bool) -> None:
    """Show every registered LMS."""
    nothing = (
        "No LMS is registered yet. Invite one with `peerloop platform invite`; "
        "one that takes no address is entered by `peerloop platform add`."
    )
    listing.show(registrations.every(), as_json=as_json, described=_described, told=_told, nothing=nothing)
    count = 0 if as_json else waiting.count(db.session())
    if count:
        click.echo(f"{count} registration{' waits' if count == 1 else 's wait'} (see `peerloop platform waiting`).")


def urls(registration: Registration) -> dict[str, str]:
    """The addresses of this tool for the LMS of `registration`; the login URL holds whatever the LMS leaves out."""
    base = _settings().base_url
    return {
        "login_url": f"{base}/lti/login/{registration.id}",
        "launch_url": f"{base}/lti/launch",
        "jwks_url": f"{base}/lti/jwks",
        "target_link_uri": f"{base}/lti/launch",
    }


def _told(registration: Registration) -> Iterator[str]:
    yield f"{registration.id:>4}  {registration.name}  {registration.issuer}  client {registration.client_id}"
    for row in registrations.deployments(registration.id):
        yield f"      deployment {row.deployment_id}: {row.status}"


def _described(registration: Registration) -> dict[str, object]:
    return {
        "id": registration.id,
        "name": registration.name,
        "issuer": registration.issuer,
        "client_id": registration.client_id,
        "auth_url": registration.auth_url,
        "token_url": registration.token_url,
        "platform_jwks_url": registration.jwks_url,
        "audience": registration.audience,
        "family": registration.family,
        "deployments": [
            {"deployment_id": row.deployment_id, "status": row.status}
            for row in registrations.deployments(registration.id)
        ],
        **urls(registration),
    }


def _settings() -> config.Settings:
    settings: config.Settings = current_app.extensions["settings"]
    return settings


def check(field: str, value: str, option: str | None = None) -> None:
    """Raises when a value is not what `registrations` stores in this field."""
    option = option or f"--{field.replace('_', '-')}"
    if not value.strip() or not value.isprintable() or len(value) > LENGTHS[field]:
        raise click.ClickException(f"{option} must be one line of 1 to {LENGTHS[field]} characters")
    if field not in ADDRESSES:
        return
    try:
        addresses.check_form(value, allow_private=_settings().allow_private_platforms)
    except addresses.AddressError as error:
        raise click.ClickException(f"{option} {value} {error}") from None
