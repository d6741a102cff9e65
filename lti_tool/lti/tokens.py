"""Access tokens for an LMS's services: client_credentials with a signed assertion.

https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens-with-oauth-2-0-client-credentials-grant
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt

from lti_tool import clock
from lti_tool.lti.client import Answer, LmsClient, failure
from lti_tool.lti.failures import LmsError, Refused, Retryable, Unauthorised
from lti_tool.lti.token_shelf import Kept, Shelf, kept

if TYPE_CHECKING:
    from lti_tool.lti.connection import Connection

ASSERTION_SECONDS = 300
DEFAULT_SECONDS = 3600.0
MAX_SECONDS = 86_400.0
DEPLOYMENT_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

RECHECK_SECONDS = 5.0  # while another process asks for a new token, the old one is used for so long
POLL_SECONDS = 0.1


class Tokens:
    """Tokens by all that they depend on; one request at a time for each.

    With a `shelf` they are shared with all other processes, without one they are this object's alone.
    """

    def __init__(self, client: LmsClient, shelf: Shelf | None = None) -> None:
        self._client = client
        self._shelf = shelf
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        # With each token, until when it is used without looking at the shelf, by `time.monotonic`.
        self._tokens: dict[str, tuple[Kept, float]] = {}

    def get(self, connection: Connection, scopes: tuple[str, ...]) -> str:
        """A token for the sorted `scopes`. Raises Unauthorised if not granted, or another LmsError."""
        key = _key(connection, scopes)
        if token := self._kept(key):
            return token
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if token := self._kept(key):
                return token
            began = time.monotonic()
            kept = (
                self._shared(self._shelf, key, connection, scopes) if self._shelf else self._new(connection, scopes)
            )
            usable = kept.fresh_for if kept.fresh_for > 0 else min(RECHECK_SECONDS, kept.good_for / 2)
            self._tokens[key] = (kept, began + usable)
            return kept.token

    def drop(self, connection: Connection, scopes: tuple[str, ...], token: str) -> None:
        """Forget `token`, unless somebody has replaced it already."""
        key = _key(connection, scopes)
        with self._lock:
            kept, _until = self._tokens.get(key, (None, 0.0))
            if kept is None or kept.token != token:
                return
            del self._tokens[key]
        if self._shelf:
            self._shelf.drop(key, kept.sealed)

    def _kept(self, key: str) -> str | None:
        kept, until = self._tokens.get(key, (None, 0.0))
        return kept.token if kept and time.monotonic() < until else None

    def _shared(self, shelf: Shelf, key: str, connection: Connection, scopes: tuple[str, ...]) -> Kept:
        """The shelf's token, if that is fresh; a new one; or, while another process asks for one, the old one."""
        while True:
            found, must_ask = shelf.take(key, connection.registration.id)
            if must_ask:
                return self._brought(shelf, key, connection, scopes)
            if found:
                return found
            time.sleep(POLL_SECONDS)

    def _brought(self, shelf: Shelf, key: str, connection: Connection, scopes: tuple[str, ...]) -> Kept:
        try:
            new = self._new(connection, scopes)
        except BaseException:
            shelf.give_up(key)
            raise
        return shelf.bring(key, new.token, new.good_for)

    def _new(self, connection: Connection, scopes: tuple[str, ...]) -> Kept:
        try:
            return kept(*_read(_ask(self._client, connection, scopes), connection, scopes))
        except Retryable as error:
            # Whatever became of the token, what it was wanted for has not been sent.
            error.answer_lost = False
            raise


def _key(connection: Connection, scopes: tuple[str, ...]) -> str:
    """A hash of all that a token depends on. A platform may bind it to the deployment that the assertion names."""
    about = connection.registration
    parts = (about.issuer, about.client_id, about.token_url, about.audience, connection.deployment_id, *scopes)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def assertion(connection: Connection) -> str:
    """The JWT that proves who we are: one audience as a string, whole seconds as numbers, a fresh jti."""
    registration, key = connection.registration, connection.signer()
    now = int(clock.wall().timestamp())
    claims = {
        "iss": registration.client_id,
        "sub": registration.client_id,
        "aud": registration.audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(24),
        DEPLOYMENT_CLAIM: connection.deployment_id,
    }
    return jwt.encode(claims, key.private_key, algorithm="RS256", headers={"kid": key.kid})


def _ask(client: LmsClient, connection: Connection, scopes: tuple[str, ...]) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(connection),
        "scope": " ".join(scopes),
    }
    return client.send(
        "token",
        "POST",
        connection.registration.token_url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode(form).encode(),
    )


def _read(answer: Answer, connection: Connection, scopes: tuple[str, ...]) -> tuple[str, float]:
    if not 200 <= answer.status < 300:
        raise _denied(answer, connection)
    data = answer.json()
    token = data.get("access_token") if isinstance(data, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise answer.unreadable("the answer holds no access token")
    granted = data.get("scope")
    missing = set(scopes) - set(granted.split()) if isinstance(granted, str) else set()
    if missing:
        raise Unauthorised("token", f"the LMS did not grant {' '.join(sorted(missing))}", status=answer.status)
    return token, _seconds(data.get("expires_in"))


def _denied(answer: Answer, connection: Connection) -> LmsError:
    error = failure(answer, connection.registration)
    if isinstance(error, Refused):
        return Unauthorised("token", "the LMS gave no token", status=answer.status, excerpt=error.excerpt)
    return error


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_SECONDS
    return min(seconds, MAX_SECONDS) if math.isfinite(seconds) and seconds > 0 else DEFAULT_SECONDS
