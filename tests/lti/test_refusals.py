"""A bad launch ends on a page with a code, and nothing of it is recorded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from flask_babel import Babel
from sqlalchemy import func, select

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti import registrations, states
from lti_tool.lti.refusals import EXPLANATIONS, LaunchRefused
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiLoginState
from tests.support.platform import GONE, KEY, OTHER_KEY, Browser, Platform, Tool, pem, public_jwk

LONG_AGO = 1_000_000_000


@pytest.fixture
def refused(browser: Browser) -> Callable[[requests.Response], tuple[int, str]]:
    """Reads a refusal, having checked that it recorded nothing and left the state to expire by itself."""

    def read(response: requests.Response) -> tuple[int, str]:
        assert browser.tool.launches == []
        assert "welcome" not in response.text
        code = response.headers["X-Peerloop-Error"]
        assert response.text.startswith(code)
        assert "Set-Cookie" not in response.headers
        return response.status_code, code

    return read


Refused = Callable[[requests.Response], tuple[int, str]]


def unsigned(browser: Browser, header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token made by hand, since no library makes these."""
    claims = browser.platform.claims(nonce=browser.auth["nonce"], target_link_uri=browser.target)
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = base64.urlsafe_b64encode(sign(b".".join(parts))).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


# -- The signature


@pytest.mark.parametrize("kid", [GONE, ""])
def test_a_token_that_names_no_key_is_refused(browser: Browser, refused: Refused, kid: Any) -> None:
    assert refused(browser.launch(header={"kid": kid})) == (401, "token_without_kid")


def test_a_kid_that_is_not_a_text_is_refused(browser: Browser, refused: Refused) -> None:
    browser.login()
    token = unsigned(browser, {"alg": "RS256", "kid": ["one"]}, lambda _signed: b"x")
    assert refused(browser.post(id_token=token, state=browser.auth["state"])) == (401, "token_without_kid")


def test_an_unknown_key_is_looked_for_once_and_not_again_at_once(browser: Browser, refused: Refused) -> None:
    for _time in range(3):
        assert refused(browser.launch(header={"kid": "unheard-of"})) == (401, "unknown_key")
    assert browser.platform.jwks_reads == 2


def test_a_token_signed_with_another_key_is_refused(browser: Browser, refused: Refused) -> None:
    assert refused(browser.launch(key=OTHER_KEY)) == (401, "bad_signature")


def test_a_token_changed_after_signing_is_refused(browser: Browser, refused: Refused) -> None:
    browser.login()
    header, _body, signature = browser.token().split(".")
    _header, body, _signature = browser.token(sub="somebody-else").split(".")
    token = f"{header}.{body}.{signature}"
    assert refused(browser.post(id_token=token, state=browser.auth["state"])) == (401, "bad_signature")


def test_an_unsigned_token_is_refused(browser: Browser, refused: Refused) -> None:
    browser.login()
    token = unsigned(browser, {"alg": "none", "kid": "one"}, lambda _signed: b"")
    assert refused(browser.post(id_token=token, state=browser.auth["state"])) == (401, "token_algorithm")


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(
    browser: Browser, refused: Refused
) -> None:
    browser.login()
    token = unsigned(
        browser, {"alg": "HS256", "kid": "one"}, lambda signed: hmac.digest(pem(KEY), signed, hashlib.sha256)
    )
    assert refused(browser.post(id_token=token, state=browser.auth["state"])) == (401, "token_algorithm")


def test_another_algorithm_is_refused_even_with_the_right_key(browser: Browser, refused: Refused) -> None:
    assert refused(browser.launch(alg="RS512")) == (401, "token_algorithm")


def test_a_key_that_the_token_brings_along_is_ignored(browser: Browser, refused: Refused) -> None:
    header = {
        "jwk": public_jwk(OTHER_KEY, "one"),
        "jku": browser.platform.url("/evil"),
        "x5u": "https://evil.example",
    }
    assert refused(browser.launch(key=OTHER_KEY, header=header)) == (401, "bad_signature")
    assert browser.platform.requests == []


def test_a_key_of_1024_bits_is_refused(browser: Browser, refused: Refused) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the case
    browser.platform.jwks = {"keys": [public_jwk(weak, "weak")]}
    browser.login()
    token = unsigned(browser, {"alg": "RS256", "kid": "weak"}, lambda _signed: b"x")
    assert refused(browser.post(id_token=token, state=browser.auth["state"])) == (401, "weak_key")


@pytest.mark.parametrize("entry", [{"use": "enc"}, {"kty": "EC"}, {"n": 7}, {"e": "AA"}, {"alg": "RS512"}])
def test_a_key_that_cannot_check_signatures_is_not_used(
    browser: Browser, refused: Refused, entry: dict[str, Any]
) -> None:
    browser.platform.jwks = {"keys": [public_jwk(KEY, "one", **entry), 7]}
    assert refused(browser.launch()) == (401, "unknown_key")


@pytest.mark.parametrize("jwks", ["<html>", "[]", '{"keys": 7}'])
def test_a_key_set_that_cannot_be_read_is_named_as_the_cause(
    browser: Browser, refused: Refused, jwks: str
) -> None:
    browser.platform.jwks = jwks
    assert refused(browser.launch()) == (401, "keys_unreachable")


# -- Times


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": -61}, "token_expired"),
        ({"iat": -662}, "token_too_old"),
        ({"iat": 62}, "token_from_future"),
        ({"nbf": 62}, "token_from_future"),
    ],
)
def test_a_token_outside_its_time_is_refused(
    browser: Browser, refused: Refused, changes: dict[str, int], code: str
) -> None:
    now = int(time.time())
    assert refused(browser.launch(**{name: now + shift for name, shift in changes.items()})) == (401, code)


def test_a_minute_of_difference_between_clocks_is_no_reason_to_refuse(browser: Browser) -> None:
    now = int(time.time())
    assert browser.launch(exp=now - 50, iat=now - 640, nbf=now + 50).status_code == 200
    assert browser.launch(iat=now + 55).status_code == 200


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_token_without_its_times_is_refused(browser: Browser, refused: Refused, name: str) -> None:
    assert refused(browser.launch(**{name: GONE})) == (400, "claim_missing")


# -- State and nonce


def test_a_launch_repeated_is_refused_even_with_its_cookie(browser: Browser) -> None:
    browser.login()
    form = {"id_token": browser.token(), "state": browser.auth["state"]}
    cookies = browser.http.cookies.copy()
    assert browser.post(**form).status_code == 200
    browser.http.cookies = cookies
    again = browser.post(**form)
    assert (again.status_code, again.headers["X-Peerloop-Error"]) == (401, "launch_expired")
    assert len(browser.tool.launches) == 1


def test_a_state_is_used_up_by_one_statement_so_that_of_two_at_once_one_wins(browser: Browser) -> None:
    browser.login()
    with browser.tool.app.app_context(), transaction() as session:
        assert states.consume(session, browser.auth["state"], browser.auth["nonce"])
        assert not states.consume(session, browser.auth["state"], browser.auth["nonce"])


def test_the_nonce_of_another_login_is_refused(browser: Browser, refused: Refused) -> None:
    browser.login()
    other = browser.auth["nonce"]
    assert refused(browser.launch(nonce=other)) == (401, "nonce_mismatch")


@pytest.mark.parametrize(
    ("nonce", "code"), [(GONE, "claim_missing"), (7, "claim_invalid"), ("", "claim_invalid")]
)
def test_a_token_without_a_proper_nonce_is_refused(
    browser: Browser, refused: Refused, nonce: Any, code: str
) -> None:
    assert refused(browser.launch(nonce=nonce)) == (400, code)


def test_a_state_that_was_never_issued_is_refused(browser: Browser, refused: Refused) -> None:
    browser.login()
    assert refused(browser.post(id_token=browser.token(), state="invented")) == (401, "launch_expired")


def test_the_state_of_another_browser_is_refused(browser: Browser, refused: Refused) -> None:
    attacker = Browser(browser.tool, browser.platform)
    attacker.login()
    browser.login()
    response = browser.post(id_token=attacker.token(), state=attacker.auth["state"])
    attacker.http.close()
    assert refused(response) == (401, "state_cookie_missing")


def test_a_browser_that_lost_its_cookie_is_told_so(browser: Browser, refused: Refused) -> None:
    browser.login()
    browser.http.cookies.clear()
    assert refused(browser.post(id_token=browser.token(), state=browser.auth["state"])) == (
        401,
        "state_cookie_missing",
    )


def test_a_login_answered_after_ten_minutes_is_refused_and_its_state_is_swept(
    browser: Browser, refused: Refused
) -> None:
    browser.login()
    hashed = states.digest(browser.auth["state"])
    with browser.tool.app.app_context(), transaction() as session:
        row = session.get_one(LtiLoginState, hashed)
        assert clock.wall() + states.LIFETIME >= row.expires_at
        row.expires_at = clock.wall()
    assert refused(browser.post(id_token=browser.token(), state=browser.auth["state"])) == (
        401,
        "launch_expired",
    )
    with browser.tool.app.app_context(), transaction() as session:
        states.sweep(session)
        assert session.get(LtiLoginState, hashed) is None


@pytest.mark.parametrize("left_out", ["state", "id_token"])
def test_an_answer_without_state_or_token_is_refused(
    browser: Browser, refused: Refused, left_out: str
) -> None:
    browser.login()
    form = {"state": browser.auth["state"], "id_token": browser.token()}
    del form[left_out]
    assert refused(browser.post(**form)) == (400, "launch_incomplete")


# -- Claims


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
    ("message_type", "LtiDeepLinkingRequest", 400, "unsupported_message"),
    ("message_type", "LtiSubmissionReviewRequest", 400, "unsupported_message"),
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


def test_a_message_that_opens_another_link_than_the_login_did_is_refused(
    browser: Browser, refused: Refused
) -> None:
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


# -- What is no token


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
    response = quiet_tool.app.test_client().post(
        "/lti/launch", data={"id_token": "x" * 3_000_000, "state": "s"}
    )
    assert (response.status_code, response.headers["X-Peerloop-Error"]) == (400, "token_too_large")


# -- The platform's own refusal, and people who come another way


def test_the_platforms_own_error_answer_is_explained(browser: Browser, refused: Refused) -> None:
    browser.login()
    with structlog.testing.capture_logs():
        response = browser.post(
            error="login_required",
            error_description="<script>Zoë is not signed in",
            state=browser.auth["state"],
        )
    assert refused(response) == (400, "platform_error")
    assert "Zoë" not in response.text


def test_opening_the_launch_address_by_hand_gives_a_page_that_helps(
    browser: Browser, refused: Refused
) -> None:
    response = browser.http.get(f"{browser.base}/lti/launch", timeout=10)
    assert refused(response) == (400, "launch_opened_directly")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": None}, "login_incomplete"),
        ({"login_hint": None}, "login_incomplete"),
        ({"target_link_uri": None}, "login_incomplete"),
        ({"iss": "https://unknown.example"}, "unknown_platform"),
        ({"client_id": "unknown"}, "unknown_platform"),
        ({"iss": "https://lms.example\x00"}, "login_incomplete"),
        ({"iss": "i" * 256}, "login_incomplete"),
        ({"login_hint": "h" * 8193}, "login_incomplete"),
        ({"lti_message_hint": "h\r\nX: 1"}, "login_incomplete"),
        ({"target_link_uri": "https://evil.example/"}, "foreign_target"),
        ({"target_link_uri": "not an address"}, "foreign_target"),
        ({"target_link_uri": "http://[broken"}, "foreign_target"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_that_lacks_something_or_comes_from_nowhere_is_refused(
    browser: Browser, refused: Refused, method: str, changes: dict[str, Any], code: str
) -> None:
    assert refused(browser.login(method=method, **changes)) == (400, code)


def test_a_login_at_the_address_of_another_registration_is_refused(
    browser: Browser, refused: Refused, platforms: Any
) -> None:
    other: Platform = platforms.new()
    theirs = browser.tool.register(other)
    assert refused(browser.login(f"/lti/login/{theirs.id}")) == (400, "unknown_platform")
    assert refused(browser.login("/lti/login/999999")) == (400, "unknown_platform")


# -- What a refusal says


def test_every_refusal_is_explained_in_words_and_has_a_lawful_status(tmp_path: Path) -> None:
    tool = Tool("http://localhost", tmp_path)
    Babel(tool.app)
    with tool.app.test_request_context():
        for code, explanation in EXPLANATIONS.items():
            assert explanation.status in (400, 401, 403), code
            texts = [str(text) for text in explanation[1:]]
            assert all(len(text) > 5 for text in texts), code
            assert all(text.endswith(".") for text in texts[1:]), code
    tool.close()


def test_a_refusal_is_logged_with_its_reference_and_without_anything_about_the_person(
    quiet_tool: Tool, platform: Platform
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = quiet_tool.app.test_client().post(
            "/lti/login", data={"iss": platform.issuer, "login_hint": "zoe"}
        )
    [entry] = logs
    assert entry["code"] == "login_incomplete"
    assert entry["detail"] == "target_link_uri"
    assert entry["reference"] in response.text
    assert "zoe" not in str(entry)


def test_references_differ() -> None:
    assert len({LaunchRefused("launch_expired").reference for _time in range(50)}) == 50


def test_a_refused_login_leaves_no_state(browser: Browser, registration: Registration) -> None:
    browser.login(target_link_uri="https://evil.example/")
    with browser.tool.app.app_context():
        count = select(func.count()).where(LtiLoginState.registration_id == registration.id)
        assert db.session.scalar(count) == 0


def test_of_many_copies_of_one_launch_sent_at_once_a_single_one_counts(browser: Browser) -> None:
    browser.login()
    form = {"id_token": browser.token(), "state": browser.auth["state"]}
    cookies = browser.http.cookies.get_dict()

    def send(_number: int) -> int:
        answer = requests.post(f"{browser.base}/lti/launch", data=form, cookies=cookies, timeout=10)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(8)))
    assert statuses == [200] + [401] * 7
    assert len(browser.tool.launches) == 1
