"""`peerloop keys`: which keys are published, and changing the one that signs."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lti_tool.database import db, transaction
from lti_tool.lti import listing, rotation, wire
from lti_tool.lti.rotation import RotationError
from lti_tool.lti.tables import LtiSigningKey

_MEANINGS = {
    "next": "published, does not sign yet",
    "current": "signs",
    "previous": "signed before, still published",
}


@click.group()
def keys() -> None:
    """See and change the keys that Peerloop signs with."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_all(as_json: bool) -> None:
    """Show every published key."""
    _print(as_json)


@keys.command()
@click.option("--now", is_flag=True, help="Do not wait for the caches of LMSs: for a key that has leaked.")
@click.option("--json", "as_json", is_flag=True, help="Print the keys as JSON.")
@with_appcontext
def rotate(now: bool, as_json: bool) -> None:
    """Sign with the next key and publish another; the first time, publish a next key.

    A key signs only after every LMS can have read it, ten days after its publication.
    """
    said = _publish_first() if not now else None
    if said is None:
        said = _rotate(now)
    if not as_json:
        click.echo(said)
    _print(as_json)


# A thumbprint may begin with a dash, and is no option then.
@keys.command(context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@with_appcontext
def retire(kid: str) -> None:
    """Stop publishing a previous key, for one that has leaked."""
    try:
        with transaction() as session:
            rotation.retire(session, kid)
    except RotationError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Key {kid} is published no more; an LMS forgets it when its copy of the key set ends.")


def _publish_first() -> str | None:
    """Publish a next key if there is none, and say so."""
    try:
        with transaction() as session:
            if session.scalar(select(LtiSigningKey.kid).where(LtiSigningKey.state == "next")):
                return None
            key = rotation.publish_next(session, wire.current().keyring)
            ready = rotation.signs_from(key)
    except IntegrityError:
        raise _at_once() from None
    return (
        "A next key is published. The current key signs until every LMS can have read it: "
        f"run this again after {ready:%Y-%m-%d %H:%M} UTC."
    )


def _rotate(now: bool) -> str:
    try:
        with transaction() as session:
            kid = rotation.rotate(session, wire.current().keyring, now=now).kid
    except RotationError as error:
        raise click.ClickException(str(error)) from None
    except IntegrityError:
        raise _at_once() from None
    said = f"Key {kid} signs from now on; a running process notices within a minute."
    if now:
        said += (
            " An LMS that keeps its copy of the key set without asking again may refuse calls until the copy ends."
            " The key before is still published: end that with `peerloop keys retire` in some minutes."
        )
    return said


def _at_once() -> click.ClickException:
    return click.ClickException("another rotation was done at the same time: see `peerloop keys list`")


def _print(as_json: bool) -> None:
    listing.show(
        rotation.every(db.session()),
        as_json=as_json,
        described=_described,
        told=lambda key: [f"{key.state:<9} {key.kid}  since {key.since:%Y-%m-%d %H:%M} UTC  {_MEANINGS[key.state]}"],
        nothing="There is no key yet; the first `peerloop serve` makes it.",
    )


def _described(key: LtiSigningKey) -> dict[str, str | None]:
    return {
        "kid": key.kid,
        "state": key.state,
        "since": key.since.isoformat(),
        "created_at": key.created_at.isoformat(),
        "signs_from": rotation.signs_from(key).isoformat() if key.state == "next" else None,
    }
