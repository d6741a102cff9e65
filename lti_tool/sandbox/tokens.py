"""The token endpoint.

Source: 1EdTech Security Framework 1.0, section 4.1 (https://www.imsglobal.org/spec/security/v1p0).
"""

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from typing import Any

import jwt
import requests
from flask import Blueprint, Response, jsonify, request

from lti_tool.sandbox.figures import as_number
from lti_tool.sandbox.platform import platform
from lti_tool.sandbox.refusals import OAuthError
from lti_tool.sandbox.routes import served_at

bp = Blueprint("tokens", __name__)
LIFETIME = 3600  # seconds of an access token
KEY_SET_LIFETIME = 300  # seconds that a tool's key set is kept
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class KeySets:
    """Tools' key sets, read from their JWKS URLs; a ``kid`` that is not known causes one more reading."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def key(self, url: str, kid: str) -> Any:
        with self._lock:
            read_at, keys = self._known.get(url, (0.0, {}))
        if kid not in keys or time.monotonic() - read_at > KEY_SET_LIFETIME:
            keys = self._read(url)
        if kid not in keys:
            raise _refused(f"the key set at {url} has no key with kid {kid!r}")
        return keys[kid]

    def _read(self, url: str) -> dict[str, Any]:
        try:
            answer = requests.get(url, timeout=5)
            answer.raise_for_status()
            keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if key.key_id}
        except (requests.RequestException, ValueError, AttributeError, jwt.PyJWTError) as error:
            raise _refused(f"no key set could be read at {url}") from error
        with self._lock:
            self._known[url] = (time.monotonic(), keys)
        return keys


key_sets = KeySets()


@served_at(bp, "jwks")
def jwks(**_client: str) -> Response:
    def answer() -> Response:
        response = jsonify(platform().lms.key_set(platform().key.key_set))
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

    return platform().faults.around("jwks", answer)[0]


@served_at(bp, "token", methods=("POST",))
def token() -> Response:
    def answer() -> Response:
        try:
            return _grant()
        except OAuthError as refusal:
            return refusal.response()

    response = platform().faults.around("token", answer)[0]
    response.headers["Cache-Control"] = "no-store"
    return response


def _grant() -> Response:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "send application/x-www-form-urlencoded")
    if request.form.get("grant_type") != "client_credentials":
        raise OAuthError("unsupported_grant_type", "grant_type must be client_credentials")
    if request.form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
    tool = _authenticated_tool(request.form.get("client_assertion", ""))
    asked = request.form.get("scope", "").split()
    may_have = platform().lms.scopes if tool["asked_scopes"] is None else tool["asked_scopes"].split()
    granted = [scope for scope in may_have if scope in asked]
    if not granted:
        raise OAuthError("invalid_scope", f"ask for one or more of: {' '.join(may_have)}")
    return jsonify(
        access_token=_issue(tool, granted),
        token_type="Bearer",  # noqa: S106  the kind of token, not a secret
        expires_in=LIFETIME,
        scope=" ".join(granted),
    )


def _authenticated_tool(assertion: str) -> sqlite3.Row:
    """The tool that signed this assertion. Its ``jti`` is used up by this call."""
    try:
        header = jwt.get_unverified_header(assertion)
        unverified = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise _refused(f"client_assertion is not a JWT: {error}") from error
    algorithms = platform().lms.algorithms
    if header.get("alg") not in algorithms or not isinstance(header.get("kid"), str):
        raise _refused(f"the assertion needs alg {' or '.join(algorithms)} and a kid")
    tool = platform().store.row("SELECT * FROM tools WHERE client_id = ?", str(unverified.get("iss")))
    if tool is None:
        raise _refused("iss is not a registered client_id")
    claims = _verified(assertion, key_sets.key(tool["jwks_url"], header["kid"]))
    _check_claims(claims, tool["client_id"], platform().settings.token_url, time.time())
    if platform().lms.reads_jti_once:
        _use_up(tool["client_id"], claims["jti"])
    return tool


def _verified(assertion: str, key: Any) -> dict[str, Any]:
    options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_sub": False}
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion, key, algorithms=list(platform().lms.algorithms), options=options
        )
    except (jwt.PyJWTError, TypeError) as error:
        raise _refused(f"the assertion's signature does not hold: {error}") from error
    return claims


def _refused(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, platform().lms.refused_client)


def _check_claims(claims: dict[str, Any], client_id: str, token_url: str, now: float) -> None:
    def refuse_unless(holds: bool, description: str) -> None:
        if not holds:
            raise _refused(description)

    lms = platform().lms
    refuse_unless(claims.get("iss") == client_id == claims.get("sub"), "iss and sub must be the client_id")
    lms.check_audience(claims.get("aud"), token_url)
    issued, expires = _number(claims, "iat"), _number(claims, "exp")
    refuse_unless(expires > now, "the assertion has expired")
    longest = lms.longest_assertion
    refuse_unless(now - 300 <= issued <= now + 30, "iat is older than 5 minutes or ahead of the platform's clock")
    refuse_unless(0 < expires - issued <= longest, f"the assertion may live for {longest} s at most")
    refuse_unless(isinstance(claims.get("jti"), str) and claims["jti"] != "", "jti is missing")


def _number(claims: dict[str, Any], name: str) -> float:
    number = as_number(claims.get(name))
    if number is None:
        raise _refused(f"{name} must be a number")
    return number


def _use_up(client_id: str, jti: str) -> None:
    with platform().store.write() as db:
        if not db.execute("INSERT OR IGNORE INTO assertions VALUES (?, ?)", (client_id, jti)).rowcount:
            raise _refused("this jti was used before")


def _hash(access_token: str) -> str:
    return hashlib.sha256(access_token.encode()).hexdigest()


def _issue(tool: sqlite3.Row, scopes: list[str]) -> str:
    access_token, now = secrets.token_urlsafe(32), time.time()
    with platform().store.write() as db:
        db.execute("DELETE FROM access_tokens WHERE expires_at < ?", (now,))
        db.execute(
            "INSERT INTO access_tokens VALUES (?, ?, ?, ?)",
            (_hash(access_token), tool["id"], json.dumps(scopes), now + LIFETIME),
        )
    return access_token


def bearer_of(access_token: str) -> sqlite3.Row | None:
    """The tool that holds this token, with the token's ``scopes``; None for a token that is not valid now."""
    return platform().store.row(
        "SELECT tools.*, scopes FROM access_tokens JOIN tools ON tools.id = tool_id"
        " WHERE hash = ? AND expires_at > ?",
        _hash(access_token),
        time.time(),
    )
