"""`peerloop platform`: registering an LMS by hand (`add`), and what is registered (`list`)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import with_appcontext

import config
from lti_tool.database import db, transaction
from lti_tool.lti import addresses, families, invite_commands, listing, registrations, waiting
from lti_tool.lti.families import FAMILIES, Standard
from lti_tool.lti.registrations import ADDRESSES, LENGTHS, DuplicateRegistrationError, Registration
from lti_tool.lti.tables import LtiRegistration


@click.group()
def platform() -> None:
    """Register LMSs and see which are registered."""


for command in invite_commands.COMMANDS:
    platform.add_command(command)


@platform.command()
@click.option("--name", required=True, help="What people here call this LMS.")
@click.option("--issuer", required=True, help="The issuer, exactly as the LMS shows it.")
@click.option("--client-id", required=True, help="The client id that the LMS gave to this tool.")
@click.option("--auth-url", required=True, help="Its authorization endpoint (OIDC).")
@click.option("--token-url", required=True, help="Its access token endpoint (OAuth 2).")
@click.option("--jwks-url", required=True, help="Its public key set.")
@click.option("--audience", help="The audience of token requests, where it is not the one usual for its family.")
@click.option(
    "--family",
    type=click.Choice(list(FAMILIES)),
    default=Standard.name,
    help="Which LMS it is, if known; otherwise its first launch tells.",
)
@click.option("--deployment", "deployments", multiple=True, help="A deployment id to accept; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def add(
    name: str,
    issuer: str,
    client_id: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    audience: str | None,
    family: str,
    deployments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Register an LMS and print the addresses to paste into it."""
    given = {"name": name, "issuer": issuer, "client_id": client_id, "auth_url": auth_url, "token_url": token_url}
    given |= {"jwks_url": jwks_url} if audience is None else {"jwks_url": jwks_url, "audience": audience}
    for field, value in given.items():
        _check(field, value)
    for value in deployments:
        _check("deployment_id", value, option="--deployment")
    try:
        with transaction() as session:
            added = registrations.add(
                session,
                name=name,
                issuer=issuer,
                client_id=client_id,
                auth_url=auth_url,
                token_url=token_url,
                jwks_url=jwks_url,
                audience=audience,
                family=family,
                deployment_ids=deployments,
            )
    except DuplicateRegistrationError:
        raise click.ClickException(
            f"client {client_id} of {issuer} is registered already (see `peerloop platform list`)"
        ) from None
    described = {"id": added.id, "name": added.name, **urls(added)}
    if as_json:
        click.echo(json.dumps(described))
        return
    click.echo(f"Registered {name} as number {added.id}. The LMS needs these addresses, if it has none of them yet:")
    click.echo(f"  {'Login URL':<20}{_settings().base_url}/lti/login")
    for label, key in _LABELS:
        click.echo(f"  {label:<20}{described[key]}")
    click.echo("Only if a launch says “Several registrations fit”, give the LMS this login URL instead:")
    click.echo(f"  {described['login_url']}")
    if not deployments:
        click.echo("No deployment is accepted yet; the first launch of each will wait for approval.")
        click.echo("See them with `peerloop deployment list`, accept one with `peerloop deployment approve`.")


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


@platform.command()
@click.argument("registration_id", metavar="NUMBER", type=int)
@click.option("--name", help="What people here call this LMS.")
@click.option("--auth-url", help="Its authorization endpoint (OIDC).")
@click.option("--token-url", help="Its access token endpoint (OAuth 2).")
@click.option("--jwks-url", help="Its public key set.")
@click.option("--audience", help="The audience of token requests.")
@click.option("--family", type=click.Choice(list(FAMILIES)), help="Which LMS it is.")
@with_appcontext
def change(registration_id: int, **given: str | None) -> None:
    """Correct what is registered of an LMS; what is not given stays as it is.

    Issuer and client id say which registration it is, so they do not change.
    """
    values = {name: value for name, value in given.items() if value is not None}
    if not values:
        raise click.ClickException("nothing to change: give at least one option")
    for name in values.keys() & LENGTHS.keys():
        _check(name, values[name])
    with transaction() as session:
        row = session.get(LtiRegistration, registration_id, with_for_update=True)
        if row is None:
            raise click.ClickException(f"there is no LMS number {registration_id}: see `peerloop platform list`")
        was_usual = row.audience == _usual_audience(row)
        for name, value in values.items():
            click.echo(f"{name}: {getattr(row, name)} → {value}")
            setattr(row, name, value)
        if was_usual and "audience" not in values and row.audience != (usual := _usual_audience(row)):
            click.echo(f"audience, the usual one: {row.audience} → {usual}")
            row.audience = usual
    click.echo(f"Now see whether it works: peerloop doctor --platform {registration_id}")


def _usual_audience(row: LtiRegistration) -> str:
    return families.family(row.family).audience(row.token_url)


_LABELS = (
    ("Redirect URL", "launch_url"),
    ("Public key set URL", "jwks_url"),
    ("Target link URL", "target_link_uri"),
)


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


def _check(field: str, value: str, option: str | None = None) -> None:
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
