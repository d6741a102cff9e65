"""`peerloop platform`: inviting LMSs that register themselves, deciding about those that wait, removing one.

These commands write to the record, of which the wire knows nothing; the others of the group are in `lti/`.
"""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext

from lti_tool import settings
from lti_tool.database import transaction
from lti_tool.lti import invitations, offer
from lti_tool.lti.commands import platform as platform
from lti_tool.lti.registrations import DuplicateRegistrationError
from lti_tool.lti.tables import NAME_LENGTH, LtiRegistration
from lti_tool.lti.waiting import NothingWaitsError
from lti_tool.roster import admission
from lti_tool.roster.register_commands import add, change

platform.add_command(add)
platform.add_command(change)


@platform.command()
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
        invitation, secret = admission.invite(session, days=days, note=note, host=named)
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


@platform.command()
@click.argument("number", metavar="ID", type=int)
@with_appcontext
def withdraw(number: int) -> None:
    """Let nobody use the invitation with this ID (see `invitations`)."""
    with transaction() as session:
        withdrawn = admission.withdraw(session, number)
    if not withdrawn:
        raise click.ClickException(f"there is no invitation {number} (see `peerloop platform invitations`)")
    click.echo("Withdrawn: nobody can use it any more.")


@platform.command()
@click.argument("reference", metavar="ID")
@with_appcontext
def approve(reference: str) -> None:
    """Accept the registration that waits under ID (see `waiting`)."""
    try:
        with transaction() as session:
            registration = admission.approve_registration(session, reference)
    except NothingWaitsError:
        raise _nothing(reference) from None
    except DuplicateRegistrationError:
        raise click.ClickException("this client is registered already (see `peerloop platform list`)") from None
    click.echo(f"Registered {registration.name} as number {registration.id}; it can be opened from its courses now.")


@platform.command()
@click.argument("references", metavar="ID…", nargs=-1, required=True)
@with_appcontext
def dismiss(references: tuple[str, ...]) -> None:
    """Forget the registrations that wait under these IDs, or none of them if one is wrong."""
    with transaction() as session:
        for reference in references:
            try:
                admission.dismiss_registration(session, reference)
            except NothingWaitsError:
                raise _nothing(reference) from None
    click.echo("Forgotten. The tool may still stand in the LMS: its administrator can delete it there.")


@platform.command()
@click.argument("registration_id", metavar="NUMBER", type=int)
@click.option("--with-courses", type=int, default=0, help="How many courses it has; they are removed too.")
@with_appcontext
def remove(registration_id: int, with_courses: int) -> None:
    """Remove an LMS by its number. Nobody comes in from there any more, and it can be registered anew."""
    with transaction() as session:
        row = session.get(LtiRegistration, registration_id, with_for_update=True)
        if row is None:
            raise click.ClickException(f"there is no LMS number {registration_id}: see `peerloop platform list`")
        courses, people = admission.in_use(session, row.id)
        if courses != with_courses:
            raise click.ClickException(
                f"{row.name} is in use (courses: {courses}, people: {people}). Programs and work would go with it:"
                f" make a copy of the database, then add --with-courses {courses}. Nothing was removed."
            )
        words = f"{row.name} ({row.issuer})"
        admission.remove(session, row)
    click.echo(f"Removed {words}. Now delete the tool in the LMS, too.")


def _nothing(reference: str) -> click.ClickException:
    return click.ClickException(f"no registration waits under {reference!r} (see `peerloop platform waiting`)")
