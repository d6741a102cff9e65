"""Logins that lead nowhere, people who come another way, and what a refusal tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select

from lti_tool.database import db
from lti_tool.lti.refusals import EXPLANATIONS, LaunchRefused
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiLoginState
from tests.lti.conftest import Refused
from tests.support.platform import Browser, Platform, Tool


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


def test_opening_the_launch_address_by_hand_gives_a_page_that_helps(browser: Browser, refused: Refused) -> None:
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
        ({"login_hint": "h" * 2049}, "login_incomplete"),
        ({"lti_message_hint": "h" * 6145}, "login_incomplete"),
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


def test_hints_as_long_as_an_lms_may_send_them_go_back_to_it_unchanged(browser: Browser) -> None:
    longest = {"login_hint": "h" * 2048, "lti_message_hint": "m" * 6144}
    assert browser.login(**longest).status_code == 302
    assert {name: browser.auth[name] for name in longest} == longest


def test_a_login_larger_than_any_lms_sends_is_refused_unread(browser: Browser, refused: Refused) -> None:
    assert refused(browser.login(login_hint="h" * 3_000_000)) == (400, "token_too_large")


def test_a_login_that_is_sent_again_begins_a_login_of_its_own(browser: Browser) -> None:
    browser.login()
    first = browser.auth
    browser.login()
    assert browser.auth["state"] != first["state"]
    assert browser.auth["nonce"] != first["nonce"]


def test_a_login_at_the_address_of_another_registration_is_refused(
    browser: Browser, refused: Refused, platforms: Any
) -> None:
    other: Platform = platforms.new()
    theirs = browser.tool.register(other)
    assert refused(browser.login(f"/lti/login/{theirs.id}")) == (400, "unknown_platform")
    assert refused(browser.login("/lti/login/999999")) == (400, "unknown_platform")


def test_every_refusal_is_explained_in_words_and_has_a_lawful_status(tmp_path: Path) -> None:
    tool = Tool("http://localhost", tmp_path)
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
        response = quiet_tool.app.test_client().post("/lti/login", data={"iss": platform.issuer, "login_hint": "zoe"})
    [entry] = [entry for entry in logs if "code" in entry]
    assert entry["code"] == "login_incomplete"
    assert entry["detail"] == "target_link_uri"
    assert entry["reference"] in response.text
    assert "zoe" not in str(logs)


def test_references_differ() -> None:
    assert len({LaunchRefused("launch_expired").reference for _time in range(50)}) == 50


def test_a_refused_login_leaves_no_state(browser: Browser, registration: Registration) -> None:
    browser.login(target_link_uri="https://evil.example/")
    with browser.tool.app.app_context():
        count = select(func.count()).where(LtiLoginState.registration_id == registration.id)
        assert db.session.scalar(count) == 0
