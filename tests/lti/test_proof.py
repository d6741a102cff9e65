"""Whose word a launch is: signature, times, state and nonce. A bad one ends on a page and leaves no trace."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.lti import states
from lti_tool.lti.tables import LtiLoginState
from tests.lti.conftest import Refused
from tests.support.platform import GONE, KEY, OTHER_KEY, Browser, pem, public_jwk


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


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(browser: Browser, refused: Refused) -> None:
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
def test_a_key_set_that_cannot_be_read_is_named_as_the_cause(browser: Browser, refused: Refused, jwks: str) -> None:
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


@pytest.mark.parametrize(("nonce", "code"), [(GONE, "claim_missing"), (7, "claim_invalid"), ("", "claim_invalid")])
def test_a_token_without_a_proper_nonce_is_refused(browser: Browser, refused: Refused, nonce: Any, code: str) -> None:
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
def test_an_answer_without_state_or_token_is_refused(browser: Browser, refused: Refused, left_out: str) -> None:
    browser.login()
    form = {"state": browser.auth["state"], "id_token": browser.token()}
    del form[left_out]
    assert refused(browser.post(**form)) == (400, "launch_incomplete")


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
