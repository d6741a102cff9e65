"""What a launch may say: every claim that is missing, wrong or of a surprising type ends on a page."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lti_tool.lti import registrations
from lti_tool.lti.registrations import Registration
from tests.lti.conftest import Refused
from tests.support.platform import GONE, OTHER_KEY, Browser, Tool

LONG_AGO = 1_000_000_000

CLAIMS = [
    ("iss", GONE, 400, "claim_missing"),
    ("iss", "https://evil.example", 401, "wrong_issuer"),
    ("aud", GONE, 400, "claim_missing"),
    ("aud", "another-tool", 401, "wrong_audience"),
    ("aud", [], 401, "wrong_audience"),
    ("aud", {"a": 1}, 400, "claim_invalid"),
    ("aud", [7], 400, "claim_invalid"),
    ("azp", "another-tool", 401, "wrong_audience"),
    ("azp", 7, 401, "wrong_audience"),
    ("exp", "tomorrow", 400, "claim_invalid"),
    ("exp", True, 400, "claim_invalid"),
    ("exp", float("nan"), 400, "claim_invalid"),
    ("exp", 10**400, 400, "claim_invalid"),
    ("exp", LONG_AGO, 401, "token_expired"),
    ("iat", [LONG_AGO], 400, "claim_invalid"),
    ("iat", LONG_AGO, 401, "token_too_old"),
    ("nbf", "now", 400, "claim_invalid"),
    ("version", GONE, 400, "wrong_version"),
    ("version", "1.1", 400, "wrong_version"),
    ("version", ["1.3.0"], 400, "wrong_version"),
    ("message_type", GONE, 400, "claim_missing"),
    ("message_type", "LtiDeepLinkingRequest", 400, "claim_missing"),
    ("message_type", "LtiSubmissionReviewRequest", 400, "claim_missing"),
    ("message_type", "DataPrivacyLaunchRequest", 400, "unsupported_message"),
    ("message_type", "Invented", 400, "unsupported_message"),
    ("message_type", ["LtiResourceLinkRequest"], 400, "claim_invalid"),
    ("deployment_id", GONE, 400, "claim_missing"),
    ("deployment_id", "", 400, "claim_invalid"),
    ("deployment_id", 7, 400, "claim_invalid"),
    ("deployment_id", "d" * 256, 400, "claim_invalid"),
    ("deployment_id", "dépl", 400, "claim_invalid"),
    ("target_link_uri", GONE, 400, "claim_missing"),
    ("target_link_uri", "https://evil.example/", 400, "foreign_target"),
    ("target_link_uri", ["x"], 400, "claim_invalid"),
    ("sub", GONE, 400, "no_identity"),
    ("sub", "", 400, "no_identity"),
    ("sub", " ", 400, "no_identity"),
    ("sub", 7, 400, "no_identity"),
    ("sub", "s" * 256, 400, "no_identity"),
    ("sub", "zoë", 400, "no_identity"),
    ("roles", GONE, 400, "claim_missing"),
    ("roles", "Learner", 400, "claim_invalid"),
    ("roles", [7], 400, "claim_invalid"),
    ("resource_link", GONE, 400, "claim_missing"),
    ("resource_link", {}, 400, "claim_missing"),
    ("resource_link", "link-1", 400, "claim_invalid"),
    ("resource_link", {"id": 7}, 400, "claim_invalid"),
    ("resource_link", {"id": "link\ud800"}, 400, "claim_invalid"),
    ("context", ["course"], 400, "claim_invalid"),
    ("context", {"id": "c\x00"}, 400, "claim_invalid"),
    ("context", {"id": "c", "title": {"en": "x"}}, 400, "claim_invalid"),
    ("name", ["Zoë"], 400, "claim_invalid"),
    ("email", {}, 400, "claim_invalid"),
    ("custom", "week=3", 400, "claim_invalid"),
    ("tool_platform", [], 400, "claim_invalid"),
    ("launch_presentation", {"return_url": "javascript:alert(1)"}, 400, "claim_invalid"),
    ("https://purl.imsglobal.org/spec/lti-ags/claim/endpoint", {"scope": "all"}, 400, "claim_invalid"),
    (
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
        {"lineitems": "file:///etc"},
        400,
        "claim_invalid",
    ),
    ("https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice", "x", 400, "claim_invalid"),
    (
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
        {"context_memberships_url": 7},
        400,
        "claim_invalid",
    ),
]


@pytest.mark.parametrize(("name", "value", "status", "code"), CLAIMS)
def test_a_claim_that_is_missing_or_wrong_is_refused(
    browser: Browser, refused: Refused, name: str, value: Any, status: int, code: str
) -> None:
    assert refused(browser.launch(**{name: value})) == (status, code)


def test_a_message_for_two_tools_is_refused(browser: Browser, refused: Refused) -> None:
    ours = browser.platform.client_id
    assert refused(browser.launch(aud=[ours, "another"], azp=ours)) == (401, "wrong_audience")


def test_an_audience_given_as_a_list_of_us_alone_is_good(browser: Browser) -> None:
    ours = browser.platform.client_id
    assert browser.launch(aud=[ours], azp=ours).status_code == 200


def test_a_message_that_opens_another_link_than_the_login_did_is_refused(browser: Browser, refused: Refused) -> None:
    response = browser.launch(target_link_uri=f"{browser.base}/open/week-2")
    assert refused(response) == (400, "target_mismatch")


def test_an_unknown_deployment_is_refused_and_waits_for_approval(
    browser: Browser, refused: Refused, registration: Registration
) -> None:
    for _time in range(2):
        assert refused(browser.launch(deployment_id="new")) == (403, "deployment_pending")
    with browser.tool.app.app_context():
        found = {row.deployment_id: row.status for row in registrations.deployments(registration.id)}
    assert found == {"deployment-1": "active", "new": "pending"}


def test_an_unknown_deployment_in_a_forged_token_is_not_noted(
    browser: Browser, refused: Refused, registration: Registration
) -> None:
    assert refused(browser.launch(deployment_id="forged", key=OTHER_KEY)) == (401, "bad_signature")
    with browser.tool.app.app_context():
        assert len(registrations.deployments(registration.id)) == 1


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        "hello",
        "a.b.c",
        "..",
        "æ.ø.å",
        f"{encoded('[]')}.{encoded('{}')}.x",
        f"{encoded('{}')}.{encoded('7')}.x",
        f"{encoded('{}')}.{encoded('[' * 50_000)}.x",
        f"{encoded('{}')}.{base64.urlsafe_b64encode(bytes([255, 254])).decode()}.x",
    ],
)
def test_what_is_not_a_token_is_refused(browser: Browser, refused: Refused, token: str) -> None:
    browser.login()
    assert refused(browser.post(id_token=token, state=browser.auth["state"])) == (400, "token_malformed")


@pytest.mark.parametrize("size", [300_000, 600_000])
def test_a_huge_token_is_refused(browser: Browser, refused: Refused, size: int) -> None:
    browser.login()
    response = browser.post(id_token="a.b." + "x" * size, state=browser.auth["state"])
    assert refused(response) == (400, "token_too_large")


def test_a_form_larger_than_any_is_refused_unread(quiet_tool: Tool) -> None:
    response = quiet_tool.app.test_client().post("/lti/launch", data={"id_token": "x" * 3_000_000, "state": "s"})
    assert (response.status_code, response.headers["X-Peerloop-Error"]) == (400, "token_too_large")
