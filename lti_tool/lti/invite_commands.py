"""`peerloop platform`: invitations for LMSs that register themselves, what waits, and what to enter by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest

import click
from flask.cli import with_appcontext

from lti_tool import settings
from lti_tool.database import db, transaction
from lti_tool.lti import invitations, listing, offer, waiting
from lti_tool.lti.families.guides import GUIDES
from lti_tool.lti.registrations import DuplicateRegistrationError
from lti_tool.lti.tables import NAME_LENGTH, LtiPendingRegistration
from lti_tool.lti.waiting import NothingWaitsError

_OPTIONS = ("--issuer", "--client-id", "--auth-url", "--token-url", "--jwks-url", "--deployment")


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1, invitations.MOST_DAYS),
    default=invitations.USUAL_DAYS,
    show_default=True,
    help="How long it can be used.",
)
@click.option("--note", default="", help="For whom it is; shown to nobody else.")
@click.option("--host", default="", help="Where that LMS is opened, if known: it needs no approval in any case then.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def invite(days: int, note: str, host: str, as_json: bool) -> None:
    """Make an address that registers one LMS: its administrator pastes it there."""
    if not invitations.is_note(note):
        raise click.ClickException(f"--note must be one line of at most {NAME_LENGTH} characters")
    try:
        named = invitations.host_in(host)
    except ValueError:
        raise click.ClickException("--host must be a host such as lms.example.edu, or an address there") from None
    with transaction() as session:
        invitation, secret = invitations.invite(session, days=days, note=note, host=named)
        expires_at = invitation.expires_at
    url = offer.registration_address(settings.current().base_url, secret)
    if as_json:
        click.echo(json.dumps({"url": url, "expires_at": expires_at.isoformat()}))
        return
    click.echo(
        f"Send this address to the administrator of one LMS. It works once, until {expires_at:%Y-%m-%d %H:%M} UTC:"
    )
    click.echo(f"  {url}")
    click.echo("Pasted where the LMS registers tools, it does the rest; opened in a browser, it says where that is.")


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


@click.command()
@click.argument("number", metavar="ID", type=int)
@with_appcontext
def withdraw(number: int) -> None:
    """Let nobody use the invitation with this ID (see `invitations`)."""
    with transaction() as session:
        withdrawn = invitations.withdraw(session, number)
    if withdrawn is None:
        raise click.ClickException(f"there is no invitation {number} (see `peerloop platform invitations`)")
    click.echo("Withdrawn: nobody can use it any more.")


@click.command("waiting")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_waiting(as_json: bool) -> None:
    """Show the registrations that wait for approval."""
    found = waiting.every(db.session())
    nothing = "No registration waits for approval."
    listing.show(found, as_json=as_json, described=_described, told=_told, nothing=nothing)


@click.command()
@click.argument("reference", metavar="ID")
@with_appcontext
def approve(reference: str) -> None:
    """Accept the registration that waits under ID (see `waiting`)."""
    try:
        with transaction() as session:
            registration = waiting.approve(session, reference)
    except NothingWaitsError:
        raise _nothing(reference) from None
    except DuplicateRegistrationError:
        raise click.ClickException("this client is registered already (see `peerloop platform list`)") from None
    click.echo(f"Registered {registration.name} as number {registration.id}; it can be opened from its courses now.")


@click.command()
@click.argument("references", metavar="ID…", nargs=-1, required=True)
@with_appcontext
def dismiss(references: tuple[str, ...]) -> None:
    """Forget the registrations that wait under these IDs, or none of them if one is wrong."""
    with transaction() as session:
        for reference in references:
            try:
                waiting.take(session, reference)
            except NothingWaitsError:
                raise _nothing(reference) from None
    click.echo("Forgotten. The tool may still stand in the LMS: its administrator can delete it there.")


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
    if guide.finish:
        click.echo("\nWhat is left to do in the LMS:")
        for step in guide.last_steps(values):
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


def _nothing(reference: str) -> click.ClickException:
    return click.ClickException(f"no registration waits under {reference!r} (see `peerloop platform waiting`)")


COMMANDS = (invite, list_invitations, withdraw, list_waiting, approve, dismiss, show_settings)
