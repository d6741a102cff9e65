"""Access tokens for an LMS's services: client_credentials with a signed assertion.

https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens-with-oauth-2-0-client-credentials-grant
"""

from __future__ import annotations

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

if TYPE_CHECKING:
    from lti_tool.lti.connection import Connection

ASSERTION_SECONDS = 300
DEFAULT_SECONDS = 3600.0
MAX_SECONDS = 86_400.0
EARLY_SECONDS = 60.0
DEPLOYMENT_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# A deployment is part of the key because the assertion names it and a platform may bind the token to it.
_Key = tuple[int, str, tuple[str, ...]]


class Tokens:
    """Tokens of this process by (registration, deployment, scopes); one request at a time for each."""

    def __init__(self, client: LmsClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._locks: dict[_Key, threading.Lock] = {}
        self._tokens: dict[_Key, tuple[str, float]] = {}

    def get(self, connection: Connection, scopes: tuple[str, ...]) -> str:
        """A token for the sorted `scopes`. Raises Unauthorised if not granted, or another LmsError."""
        key = (connection.registration.id, connection.deployment_id, scopes)
        if token := self._kept(key):
            return token
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if token := self._kept(key):
                return token
            try:
                token, seconds = _read(_ask(self._client, connection, scopes), connection, scopes)
            except Retryable as error:
                # Whatever became of the token, what it was wanted for has not been sent.
                error.answer_lost = False
                raise
            # A token that lives for less than two minutes is used for half of its life.
            self._tokens[key] = (token, time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2))
            return token

    def drop(self, connection: Connection, scopes: tuple[str, ...], token: str) -> None:
        """Forget `token`, unless another thread has replaced it already."""
        key = (connection.registration.id, connection.deployment_id, scopes)
        with self._lock:
            if self._tokens.get(key, ("", 0.0))[0] == token:
                del self._tokens[key]

    def _kept(self, key: _Key) -> str | None:
        token, until = self._tokens.get(key, ("", 0.0))
        return token if time.monotonic() < until else None


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
