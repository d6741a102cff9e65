"""Whatever somebody who plays an LMS sends: a clear page, nothing kept, and nothing called that must not be."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from flask import Response
from sqlalchemy import func, select

from lti_tool.database import db
from lti_tool.lti import dynamic, registrations, wire
from lti_tool.lti.refusals import EXPLANATIONS
from lti_tool.lti.tables import LtiPendingRegistration
from tests.lti.https_lms import NAME, STAND_IN, Lms, https_lms
from tests.lti.registering import TOOL, Administrator, RegisteringPlatform, invite, words
from tests.support.platform import GONE, Browser, Platforms, Tool


def code(admin: Administrator, page: requests.Response) -> str:
    """The refusal's code, having checked that it is explained and that nothing was kept."""
    found = page.headers["X-Peerloop-Error"]
    assert str(EXPLANATIONS[found].happened) in words(page)
    with admin.tool.app.app_context():
        assert db.session.scalar(select(func.count(LtiPendingRegistration.id))) == 0
        assert registrations.of_issuer(admin.platform.issuer) == []
    return found


@pytest.mark.parametrize(
    "body",
    [b"<html>Sign in</html>", b"", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"issuer": NaN}'],
)
def test_a_configuration_that_is_no_json_object(admin: Administrator, body: bytes) -> None:
    admin.platform.raw = Response(body, mimetype="application/json")
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreadable"
    assert admin.platform.registrations == []


@pytest.mark.parametrize(
    "name", ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"]
)
@pytest.mark.parametrize(
    "value", [GONE, None, "", 7, ["https://x"], "javascript:alert(1)", "https://u:p@x/", "https://x y/", "x" * 3000]
)
def test_a_configuration_without_one_of_its_addresses(admin: Administrator, name: str, value: Any) -> None:
    admin.platform.changes = {name: value}
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreadable"
    assert admin.platform.registrations == []


@pytest.mark.parametrize(
    "about",
    [
        None,
        "canvas",
        [],
        {"product_family_code": 7, "messages_supported": "all"},
        {"product_family_code": "unheard of", "messages_supported": [None, 7, {"type": 7, "placements": 7}]},
        {"messages_supported": [{"type": "LtiResourceLinkRequest", "placements": [None, "x"]}]},
    ],
)
def test_what_an_lms_says_beyond_its_addresses_may_be_anything(admin: Administrator, about: Any) -> None:
    admin.platform.about = about
    assert admin.registers(invite(admin.tool)).status_code == 200
    with admin.tool.app.app_context():
        assert registrations.of_issuer(admin.platform.issuer)[0].family == "standard"


@pytest.mark.parametrize(
    "issuer", ["https://lms.of-somebody-else.example", "https://canvas.instructure.com", "http://x"]
)
def test_somebody_elses_issuer(admin: Administrator, issuer: str) -> None:
    admin.platform.changes = {"issuer": issuer}
    refused = admin.registers(invite(admin.tool))
    assert (refused.status_code, code(admin, refused)) == (403, "registration_foreign_issuer")
    assert admin.platform.registrations == []


def test_an_issuer_whose_name_only_begins_like_the_host(admin: Administrator) -> None:
    admin.platform.about = {"product_family_code": "canvas"}
    for issuer in ("https://canvas.instructure.com.evil.example", "https://evil-canvas.instructure.com"):
        admin.platform.changes = {"issuer": issuer}
        assert code(admin, admin.registers(invite(admin.tool))) == "registration_foreign_issuer"


def test_a_configuration_of_ten_megabytes_is_not_read(admin: Administrator) -> None:
    admin.platform.raw = Response(b" " * (10 * 1024 * 1024) + b"{}", mimetype="application/json")
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreadable"


def test_an_lms_that_does_not_answer_in_time(admin: Administrator, monkeypatch: pytest.MonkeyPatch) -> None:
    with admin.tool.app.app_context():
        monkeypatch.setattr(wire.current().client, "timeout", 0.2)
    admin.platform.hold = threading.Event()
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreachable"
    admin.platform.hold.set()


def test_a_registration_token_that_was_used_before(admin: Administrator) -> None:
    assert code(admin, admin.registers(invite(admin.tool), registration_token="used")) == "registration_refused"
    assert admin.platform.registrations == []


@pytest.mark.parametrize("answer", [{"client_id": GONE}, {"client_id": ""}, {"client_id": ["a"]}, {"client_id": "é"}])
def test_an_answer_without_a_client_id(admin: Administrator, answer: dict[str, Any]) -> None:
    admin.platform.answer = answer
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreadable"


@pytest.mark.parametrize("deployment_id", ["", "d" * 256, True, {"id": "1"}])
def test_an_answer_with_an_impossible_deployment(admin: Administrator, deployment_id: Any) -> None:
    admin.platform.deployment_id = deployment_id
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreadable"


def test_ids_that_come_as_numbers_are_taken_as_the_texts_that_launches_carry(admin: Administrator) -> None:
    admin.platform.deployment_id = 7
    admin.platform.answer = {"client_id": 10000000000042}
    admin.platform.client_id = "10000000000042"
    assert admin.registers(invite(admin.tool)).status_code == 200
    browser = Browser(admin.tool, admin.platform)
    assert browser.launch(deployment_id="7").text == "welcome"
    browser.http.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"openid_configuration": "https://x/" + "x" * 2048},
        {"openid_configuration": "https://x/\r\nX: 1"},
        {"registration_token": "t" * 8193},
        {"registration_token": "a b"},
        {"registration_token": "tökén"},
        {"registration_token": "жетон"},
        {"invitation": "\x00"},
    ],
)
def test_parameters_that_cannot_be_what_they_should(admin: Administrator, changes: dict[str, str]) -> None:
    assert code(admin, admin.registers(**changes)) == "registration_incomplete"
    assert admin.platform.asked == []


@pytest.mark.parametrize("address", ["ftp://x/", "lms.example.edu", "file:///etc/passwd", "https://u:p@lms.example/"])
def test_an_address_that_is_none_of_the_web(admin: Administrator, address: str) -> None:
    page = admin.registers(invite(admin.tool), openid_configuration=address)
    assert code(admin, page) == "registration_unreachable"


def test_an_invitation_that_nobody_gave(admin: Administrator) -> None:
    assert code(admin, admin.registers("made-up")) == "registration_invitation"
    assert admin.platform.asked == []


def test_a_token_is_not_carried_to_another_origin_by_a_redirect(admin: Administrator, platforms: Platforms) -> None:
    elsewhere = platforms.of(RegisteringPlatform)
    admin.platform.redirect_to = elsewhere.url("/openid-configuration").replace("127.0.0.1", "localhost")
    elsewhere.changes = {"issuer": elsewhere.issuer.replace("127.0.0.1", "localhost")}
    admin.registers(invite(admin.tool))
    assert "Authorization" in admin.platform.asked[0][1]
    assert "Authorization" not in elsewhere.asked[0][1]


def test_a_redirect_cannot_lend_an_issuers_name(admin: Administrator, platforms: Platforms) -> None:
    """An open redirect at the victim's host would otherwise vouch for whatever it leads to."""
    impostor = platforms.of(RegisteringPlatform)
    admin.platform.redirect_to = impostor.url("/openid-configuration").replace("127.0.0.1", "localhost")
    impostor.changes = {"issuer": admin.platform.issuer}
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_foreign_issuer"


def test_redirects_come_to_an_end(admin: Administrator) -> None:
    admin.platform.redirect_to = admin.platform.url("/openid-configuration")
    assert code(admin, admin.registers(invite(admin.tool))) == "registration_unreachable"
    assert len(admin.platform.asked) == dynamic.MOST_REDIRECTS + 1


def test_markup_in_what_an_lms_says_is_shown_as_text(admin: Administrator) -> None:
    admin.platform.answer = {"client_id": "<script>alert(1)</script>"}
    page = admin.registers(invite(admin.tool))
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;" in page.text


class Guarded:
    """A tool that calls public https addresses alone, and an LMS at a name whose address the test decides."""

    def __init__(self, tool: Tool, lms: Lms) -> None:
        self.tool = tool
        self.lms = lms
        self.base = lms.url.removesuffix("/keys")

    def serve(self, **changes: str) -> None:
        document = {
            "issuer": self.base,
            "authorization_endpoint": f"{self.base}/auth",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/jwks",
            "registration_endpoint": f"{self.base}/register",
            **changes,
        }
        answer = {"client_id": "guarded", TOOL: {"deployment_id": "1"}}
        self.lms.pages = {
            "/configuration": (200, {}, json.dumps(document).encode()),
            "/register": (200, {}, json.dumps(answer).encode()),
        }

    def registers(self, address: str = "") -> str | None:
        """The refusal's code, if there is one."""
        query = {"openid_configuration": address or f"{self.base}/configuration", "invitation": invite(self.tool)}
        page = self.tool.app.test_client().get(f"/lti/register?{urlencode(query)}")
        return page.headers.get("X-Peerloop-Error")


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    tool = Tool("https://tool.example.edu", tmp_path, allow_private_platforms=False)
    with https_lms(tmp_path, monkeypatch) as lms:
        with tool.app.app_context():
            wire.current().client.session.verify = str(tmp_path / "lms.pem")
        guarded = Guarded(tool, lms)
        guarded.serve()
        yield guarded
        tool.close()


def test_an_lms_at_a_public_address_is_registered(guarded: Guarded) -> None:
    guarded.lms.dns = [[STAND_IN]]
    assert guarded.registers() is None


@pytest.mark.parametrize("private", ["10.0.0.5", "169.254.169.254", "::1", "fe80::1", "100.64.0.1"])
def test_a_name_that_leads_to_a_private_address(guarded: Guarded, private: str) -> None:
    guarded.lms.dns = [[private]]
    assert guarded.registers() == "registration_unreachable"
    assert guarded.lms.hosts == []


@pytest.mark.parametrize(
    "target",
    [
        "https://169.254.169.254/latest",
        "https://[::1]/",
        f"https://localhost/{NAME}",
        "http://lms.example.edu/",
        "//[",
    ],
)
def test_a_redirect_to_a_private_address(guarded: Guarded, target: str) -> None:
    guarded.lms.dns = [[STAND_IN]]
    guarded.lms.pages["/configuration"] = (302, {"Location": target}, b"")
    assert guarded.registers() == "registration_unreachable"
    assert len(guarded.lms.hosts) == 1


def test_a_dns_that_changes_its_answer_between_the_configuration_and_the_registration(guarded: Guarded) -> None:
    guarded.lms.dns = [[STAND_IN], ["10.0.0.5"]]
    # The connection is not kept, so that the registration needs another one.
    status, _headers, body = guarded.lms.pages["/configuration"]
    guarded.lms.pages["/configuration"] = (status, {"Connection": "close"}, body)
    assert guarded.registers() == "registration_unreachable"
    assert guarded.lms.resolved == 2
    assert len(guarded.lms.hosts) == 1


@pytest.mark.parametrize("name", ["registration_endpoint", "jwks_uri", "token_endpoint"])
def test_a_plain_http_address_in_a_configuration(guarded: Guarded, name: str) -> None:
    guarded.lms.dns = [[STAND_IN]]
    guarded.serve(**{name: "http://lms.example.edu/x"})
    assert guarded.registers() == "registration_unreadable"


def test_a_registration_endpoint_within_our_own_network(guarded: Guarded) -> None:
    guarded.lms.dns = [[STAND_IN]]
    guarded.serve(registration_endpoint="https://127.0.0.2/register")
    assert guarded.registers() == "registration_unreachable"
