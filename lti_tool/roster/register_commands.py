"""`peerloop platform add` and `change`: registering an LMS by hand, and correcting what is registered of it."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext

from lti_tool import settings
from lti_tool.database import transaction
from lti_tool.lti import commands
from lti_tool.lti.families import FAMILIES, Standard
from lti_tool.lti.registrations import LENGTHS, DuplicateRegistrationError
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster import admission

_LABELS = (
    ("Redirect URL", "launch_url"),
    ("Public key set URL", "jwks_url"),
    ("Target link URL", "target_link_uri"),
)


@click.command()
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
        commands.check(field, value)
    for value in deployments:
        commands.check("deployment_id", value, option="--deployment")
    try:
        with transaction() as session:
            added = admission.enter(
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
    described = {"id": added.id, "name": added.name, **commands.urls(added)}
    if as_json:
        click.echo(json.dumps(described))
        return
    click.echo(f"Registered {name} as number {added.id}. The LMS needs these addresses, if it has none of them yet:")
    click.echo(f"  {'Login URL':<20}{settings.current().base_url}/lti/login")
    for label, key in _LABELS:
        click.echo(f"  {label:<20}{described[key]}")
    click.echo("Only if a launch says “Several registrations fit”, give the LMS this login URL instead:")
    click.echo(f"  {described['login_url']}")
    if not deployments:
        click.echo("No deployment is accepted yet; the first launch of each will wait for approval.")
        click.echo("See them with `peerloop deployment list`, accept one with `peerloop deployment approve`.")


@click.command()
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
        commands.check(name, values[name])
    with transaction() as session:
        row = session.get(LtiRegistration, registration_id, with_for_update=True)
        if row is None:
            raise click.ClickException(f"there is no LMS number {registration_id}: see `peerloop platform list`")
        changes = admission.correct(session, row, values)
    for name, (was, now) in changes.items():
        click.echo(f"{name}{'' if name in values else ', the usual one'}: {was} → {now}")
    if not changes:
        click.echo("It was so already: nothing changed.")
    click.echo(f"Now see whether it works: peerloop doctor --platform {registration_id}")
