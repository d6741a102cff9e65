"""A platform and a tool that speak real HTTP to each other, small enough for one test.

The platform signs whatever a test tells it to, right or wrong. All platforms of a run share a server;
each has its own issuer, keys, client id and services, so that no test sees another one's caches.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from pydantic import SecretStr
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

import config
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.lti import registrations, wire
from lti_tool.lti.connection import Connection
from lti_tool.lti.launch import Launch
from lti_tool.lti.registrations import Registration

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
GONE = object()
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Tests are quiet."""


@contextmanager
def serving(app: Flask | None, tls: ssl.SSLContext | None = None) -> Iterator[tuple[BaseWSGIServer, str]]:
    """A threaded server on a free port, over https where it is given `tls`. Its app may be set afterwards."""
    server = make_server(
        "127.0.0.1", 0, app or Flask("none"), threaded=True, request_handler=_Handler, ssl_context=tls
    )
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server, f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def public_jwk(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """The public half of `key`, made here and not by the code under test."""
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": kid, "alg": "RS256", "use": "sig", **more}


class Platform:
    """One LMS: what it publishes, what it answers, and what it was asked."""

    def __init__(self, base: str) -> None:
        self.issuer = base
        self.client_id = f"client-{secrets.token_hex(4)}"
        self.jwks: Any = {"keys": [public_jwk(KEY, "one")]}
        self.jwks_headers: dict[str, str] = {}
        self.jwks_reads = 0
        self.token_requests: list[dict[str, Any]] = []
        self.granted: str | None = None
        self.token_seconds = 3600
        self.token_delay = 0.0
        self.valid_tokens: set[str] = set()
        self.requests: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.answers: dict[str, Any] = {}

    def url(self, path: str) -> str:
        return f"{self.issuer}{path}"

    def handle(self, path: str) -> Any:
        if path == "/jwks":
            self.jwks_reads += 1
            body = self.jwks if isinstance(self.jwks, str) else json.dumps(self.jwks)
            return Response(body, headers=self.jwks_headers)
        if path == "/token":
            return self._token()
        self.requests.append((request.method, request.full_path, dict(request.headers), request.get_data()))
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.valid_tokens:
            return Response('{"error":"invalid_token"}', 401)
        return self.answers[path](request)

    def _token(self) -> Any:
        time.sleep(self.token_delay)
        self.token_requests.append({**request.form.to_dict(), "content_type": request.content_type})
        token = secrets.token_urlsafe(16)
        self.valid_tokens.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}
        return {**answer, "scope": request.form["scope"] if self.granted is None else self.granted}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good launch, with `changes` by short name; GONE removes one."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "person-1",
            "exp": now + 300,
            "iat": now,
            "name": "Zoë Ångström",
            "email": "zoe@example.edu",
            LTI + "version": "1.3.0",
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "deployment_id": "deployment-1",
            LTI + "roles": [LEARNER],
            LTI + "resource_link": {"id": "link-1", "title": "Week 1"},
            LTI + "context": {"id": "course-1", "label": "PL1", "title": "Peer learning"},
        }
        for name, value in changes.items():
            key = name if name in _PLAIN or name.startswith("http") else LTI + name
            claims.pop(key, None)
            if value is not GONE:
                claims[key] = value
        return claims


_PLAIN = frozenset(
    "iss aud azp sub exp iat nbf nonce name given_name family_name email locale zoneinfo".split()  # noqa: SIM905 - short
)


P = TypeVar("P", bound=Platform)


class Platforms:
    """The server of all platforms of a run."""

    def __init__(self) -> None:
        self.app = Flask("platforms")
        self.base = ""
        self._all: dict[int, Platform] = {}
        self._numbers = itertools.count(1)
        self.app.add_url_rule(
            "/<int:number>/<path:path>", view_func=self._handle, methods=["GET", "POST", "PUT", "DELETE"]
        )

    def _handle(self, number: int, path: str) -> Any:
        return self._all[number].handle("/" + path)

    def new(self) -> Platform:
        return self.of(Platform)

    def of(self, kind: type[P]) -> P:
        """A new platform of this kind."""
        number = next(self._numbers)
        platform = kind(f"{self.base}/{number}")
        self._all[number] = platform
        return platform


class Tool:
    """Peerloop's wire as a running server that notes the launches that came through."""

    def __init__(self, base_url: str, folder: Path, **settings: Any) -> None:
        values = {
            "allow_private_platforms": True,
            "lms_timeout_seconds": 2.0,
            "refusals_per_minute": 1_000_000,  # tests are refused all the time
            "database_url": f"sqlite:///{folder / 'tool.db'}",
            **settings,
        }
        self.settings = config.Settings(
            base_url=base_url,
            secret_key=SecretStr("x" * 40),
            key_encryption_key=SecretStr(base64.urlsafe_b64encode(b"k" * 32).decode()),
            **values,
        )
        self.launches: list[Launch] = []
        self.fault: Exception | None = None
        self.app = create_app(self.settings, on_launch=self._record)
        with self.app.app_context():
            db.create_all()
            wire.ensure_signing_key()

    def _record(self, launch: Launch) -> ResponseReturnValue:
        if self.fault:
            raise self.fault
        self.launches.append(launch)
        return Response("welcome")

    def register(
        self, platform: Platform, *, deployments: tuple[str, ...] = ("deployment-1",), **changes: Any
    ) -> Registration:
        values = {
            "name": "Test LMS",
            "issuer": platform.issuer,
            "client_id": platform.client_id,
            "auth_url": platform.url("/auth"),
            "token_url": platform.url("/token"),
            "jwks_url": platform.url("/jwks"),
        }
        with self.app.app_context(), transaction() as session:
            return registrations.add(session, deployment_ids=deployments, **{**values, **changes})

    def connect(self, registration: Registration) -> Connection:
        with self.app.app_context():
            return wire.connect(registration, "deployment-1")

    def close(self) -> None:
        with self.app.app_context():
            wire.current().close()
            db.session.remove()
            db.engine.dispose()


T = TypeVar("T", bound=Tool)


@contextmanager
def running(kind: type[T], folder: Path) -> Iterator[T]:
    """A tool of this kind on a server of its own."""
    with serving(None) as (server, base):
        tool = kind(base, folder)
        server.app = tool.app
        yield tool
        tool.close()


class Browser:
    """One person's browser, on the way from the platform through the tool."""

    def __init__(self, tool: Tool, platform: Platform) -> None:
        self.tool = tool
        self.platform = platform
        self.http = requests.Session()
        self.base = tool.settings.base_url
        self.target = f"{self.base}/open/week-1"
        self.auth: dict[str, str] = {}

    def login(self, path: str = "/lti/login", method: str = "POST", **changes: Any) -> requests.Response:
        """The platform sends the browser to the tool; the tool sends it on to be signed in."""
        values = {
            "iss": self.platform.issuer,
            "login_hint": "hint-1",
            "target_link_uri": self.target,
            "client_id": self.platform.client_id,
            "lti_message_hint": "message-1",
            **changes,
        }
        values = {key: value for key, value in values.items() if value is not None}
        query, form = (values, None) if method == "GET" else (None, values)
        response = self.http.request(
            method, self.base + path, params=query, data=form, allow_redirects=False, timeout=10
        )
        if response.status_code == 302:
            sent = parse_qs(urlsplit(response.headers["Location"]).query)
            self.auth = {key: value[0] for key, value in sent.items()}
        return response

    def token(
        self, *, key: Any = KEY, alg: str = "RS256", header: Mapping[str, Any] | None = None, **changes: Any
    ) -> str:
        """What the platform signs for the login that is under way."""
        claims = self.platform.claims(**{"nonce": self.auth["nonce"], "target_link_uri": self.target, **changes})
        headers = {"kid": "one", **(header or {})}
        return jwt.encode(claims, key, algorithm=alg, headers={k: v for k, v in headers.items() if v is not GONE})

    def post(self, **form: str) -> requests.Response:
        return self.http.post(f"{self.base}/lti/launch", data=form, timeout=10)

    def launch(self, **how: Any) -> requests.Response:
        """Login and launch in one step."""
        self.login()
        return self.post(id_token=self.token(**how), state=self.auth["state"])


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """The public half of `key` as a PEM file has it."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
