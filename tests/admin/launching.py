"""Login and launch from an LMS, by hand, into an app that has no server."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.roster.lms import Lms
from tests.support.platform import KEY

BASE = "http://localhost:8080"
TARGET = f"{BASE}/lti/launch"


def login(lms: Lms, client: FlaskClient | None = None, **changes: str) -> TestResponse:
    """The LMS sends a browser to the tool."""
    values = {
        "iss": lms.platform.issuer,
        "login_hint": "zoe",
        "target_link_uri": TARGET,
        "client_id": lms.platform.client_id,
        **changes,
    }
    return (client or lms.app.test_client()).post("/lti/login", data=values, base_url=BASE)


def send_launch(lms: Lms, client: FlaskClient, *, key: Any = KEY, **changes: Any) -> TestResponse:
    """Login and launch; the answer of the tool. `changes` are claims."""
    address = login(lms, client).headers["Location"]
    sent = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
    claims = lms.platform.claims(nonce=sent["nonce"], target_link_uri=TARGET, **changes)
    token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})
    return client.post("/lti/launch", data={"id_token": token, "state": sent["state"]}, base_url=BASE)
