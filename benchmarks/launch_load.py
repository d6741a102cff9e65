"""The other side of the launches that `benchmarks.launches` measures: the platform and its people's browsers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.launch_servers import LTI

BROWSERS = 4
CLIENT_ID = "client-1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"


class Platform:
    """An LMS that signs launches and serves its key; it asks nobody to sign in."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key_set_reads = 0
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self.key_set = {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}

    def registration(self) -> dict[str, str]:
        """What a tool is told about this platform."""
        return {
            "issuer": self.issuer,
            "client_id": CLIENT_ID,
            "auth_url": f"{self.issuer}/auth",
            "token_url": f"{self.issuer}/token",
            "jwks_url": f"{self.issuer}/jwks",
        }

    def sign(self, person: str, target: str, nonce: str) -> str:
        """The message that `person` brings to the tool, as full as a real platform makes it."""
        now = int(time.time())
        course = f"{self.issuer}/courses/1"
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": person,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "name": f"Zoë Ångström {person}",
            "given_name": "Zoë",
            "family_name": f"Ångström {person}",
            "email": f"{person}@example.edu",
            "locale": "en-GB",
            "zoneinfo": "Europe/Lisbon",
            LTI + "version": "1.3.0",
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "deployment_id": "deployment-1",
            LTI + "target_link_uri": target,
            LTI + "roles": [f"{MEMBERSHIP}#Learner"],
            LTI + "context": {"id": "course-1", "label": "PL1", "title": "Peer learning"},
            LTI + "resource_link": {"id": "link-1", "title": "Week 1"},
            LTI + "tool_platform": {"guid": "g1", "name": "Benchmark", "product_family_code": "bench"},
            LTI + "launch_presentation": {"document_target": "iframe", "return_url": course},
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": f"{course}/members",
                "service_versions": ["2.0"],
            },
            AGS + "claim/endpoint": {
                "scope": [f"{AGS}scope/{name}" for name in ("lineitem", "result.readonly", "score")],
                "lineitems": f"{course}/line-items",
            },
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "one"})


@contextmanager
def serving(platform: Platform) -> Iterator[None]:
    """Serve the platform's key set on a free port, which becomes part of its name."""
    body, counting = json.dumps(platform.key_set).encode(), threading.Lock()

    class KeySet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with counting:
                platform.key_set_reads += 1
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """The table is all that is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), KeySet) as server:
        platform.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def launch_all(platform: Platform, base: str, people: Sequence[str]) -> None:
    """Launch everybody in turn, `BROWSERS` at a time over as many connections. Raises on any refusal."""
    queue = iter(people)
    lock = threading.Lock()

    def following() -> str | None:
        with lock:
            return next(queue, None)

    with ThreadPoolExecutor(BROWSERS) as browsers:
        runs = [browsers.submit(_browse, platform, base, following) for _ in range(BROWSERS)]
    for run in runs:
        run.result()


def _browse(platform: Platform, base: str, following: Callable[[], str | None]) -> None:
    connection = HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        while (person := following()) is not None:
            _launch(connection, platform, base, person)
    finally:
        connection.close()


def _launch(connection: HTTPConnection, platform: Platform, base: str, person: str) -> None:
    target = f"{base}/"
    hint = {"iss": platform.issuer, "client_id": CLIENT_ID, "login_hint": person, "target_link_uri": target}
    answer = _post(connection, "/lti/login", hint, {}, expected=302)
    asked = {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    form = {"id_token": platform.sign(person, target, asked["nonce"]), "state": asked["state"]}
    answer = _post(connection, "/lti/launch", form, {"Cookie": cookie}, expected=303)
    if "/v/" not in answer.headers["Location"]:
        raise RuntimeError(f"the launch led to {answer.headers['Location']}")


def _post(
    connection: HTTPConnection, path: str, form: dict[str, str], headers: dict[str, str], *, expected: int
) -> HTTPResponse:
    connection.request("POST", path, urlencode(form), FORM | headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != expected:
        raise RuntimeError(f"{path} answered {answer.status}: {body[:2000]!r}")
    return answer
