"""Changing the key that signs, so that no platform ever meets a key that it could not have read before.

A next key is published, waits until every platform's cache has run out, and only then signs; the key before
it stays published while anything that it signed may still be checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.lti.keyring import REREAD_SECONDS, Keyring
from lti_tool.lti.tables import LtiSigningKey
from lti_tool.lti.tokens import ASSERTION_SECONDS

# Canvas may keep a tool's key set for ten days; nobody is known to keep one for longer.
LONGEST_CACHE = timedelta(days=10)
# A process may sign with the previous key until it reads again, and what it signed then is valid for so long.
STILL_VALID = timedelta(seconds=REREAD_SECONDS + ASSERTION_SECONDS)

log = structlog.get_logger(__name__)


class RotationError(Exception):
    """A step that is not safe or not possible. The message says why, and what to do instead."""


def every(session: Session) -> Sequence[LtiSigningKey]:
    """All published keys: next, current, then previous ones, the last used first."""
    rank = {"next": 0, "current": 1, "previous": 2}
    rows = session.scalars(select(LtiSigningKey).order_by(LtiSigningKey.since.desc()))
    return sorted(rows, key=lambda row: rank[row.state])


def signs_from(key: LtiSigningKey) -> datetime:
    """When every platform can have read this next key."""
    return key.created_at + LONGEST_CACHE


def publish_next(session: Session, keyring: Keyring) -> LtiSigningKey:
    """Publish a key that a later rotation will sign with.

    Raises config.ConfigError where a key cannot be decrypted: two encryption keys would be in use.
    """
    for published in session.scalars(select(LtiSigningKey)):
        keyring.check(published)
    key = keyring.make("next")
    session.add(key)
    session.flush()
    log.info("signing key published", kid=key.kid)
    return key


def rotate(session: Session, keyring: Keyring, *, now: bool = False) -> LtiSigningKey:
    """Sign with the next key, keep the current one published, publish a new next one; returns the new current.

    Part of the caller's transaction. Raises RotationError where the next key is too young, unless `now`;
    config.ConfigError where a key cannot be decrypted.
    """
    keys = session.scalars(select(LtiSigningKey).with_for_update()).all()
    coming = next((key for key in keys if key.state == "next"), None) or publish_next(session, keyring)
    at = clock.wall()
    if not now and at < signs_from(coming):
        raise RotationError(_too_early(coming))
    _remove_unused(session, keys, at)
    # One current key at any instant: the index would refuse the second.
    for key in keys:
        if key.state == "current":
            _move(session, key, "previous", at)
    _move(session, coming, "current", at)
    publish_next(session, keyring)
    log.info("signing keys rotated", kid=coming.kid, at_once=now)
    return coming


def retire(session: Session, kid: str) -> None:
    """Stop publishing a previous key. Raises RotationError where it is none, or may still be needed."""
    key = session.get(LtiSigningKey, kid, with_for_update=True)
    if key is None or key.state != "previous":
        raise RotationError(f"there is no previous key {kid}: see `peerloop keys list`")
    until = key.since + STILL_VALID
    if clock.wall() < until:
        raise RotationError(f"running processes may still sign with this key: try again after {until:%H:%M:%S} UTC")
    session.delete(key)
    log.info("signing key retired", kid=kid)


def _too_early(coming: LtiSigningKey) -> str:
    return (
        f"the next key was published on {coming.created_at:%Y-%m-%d %H:%M} UTC, and an LMS may keep an older key set "
        f"for {LONGEST_CACHE.days} days: rotate after {signs_from(coming):%Y-%m-%d %H:%M} UTC, "
        "or, if the current key has leaked, at once with --now"
    )


def _remove_unused(session: Session, keys: Sequence[LtiSigningKey], at: datetime) -> None:
    for key in keys:
        if key.state == "previous" and at >= key.since + LONGEST_CACHE + STILL_VALID:
            session.delete(key)
    session.flush()


def _move(session: Session, key: LtiSigningKey, state: str, at: datetime) -> None:
    key.state, key.since = state, at
    session.flush()
