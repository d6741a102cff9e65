import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.minitool import ITEM, ROSTER, SCORE, TIMEOUT, MiniTool, new_key
from tests.support.sandbox import SandboxProcess


def test_a_right_assertion_gets_the_scopes_that_are_allowed_and_no_others(tool: MiniTool) -> None:
    answer = tool.ask_token(tool.assertion(), f"{ROSTER} {SCORE} https://example.org/everything")
    body = answer.json()
    assert answer.status_code == 200
    assert set(body["scope"].split()) == {ROSTER, SCORE}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600


def test_an_audience_in_a_list_of_one_is_right(tool: MiniTool) -> None:
    assert tool.ask_token(tool.assertion(aud=[tool.registration["token_url"]])).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        lambda _now: {"aud": "https://elsewhere.example/token"},
        lambda _now: {"aud": None},
        lambda _now: {"iss": "nobody"},
        lambda _now: {"sub": "somebody-else"},
        lambda _now: {"sub": None},
        lambda now: {"exp": now - 1},
        lambda now: {"exp": str(now + 60)},
        lambda _now: {"exp": None},
        lambda now: {"iat": str(now)},
        lambda now: {"iat": now - 400},
        lambda now: {"iat": now + 500, "exp": now + 900},
        lambda _now: {"iat": None},
        lambda now: {"exp": now + 3600},
        lambda _now: {"jti": None},
        lambda _now: {"jti": ""},
    ],
)
def test_an_assertion_with_one_wrong_claim_is_refused(
    tool: MiniTool, changes: Callable[[int], dict[str, Any]]
) -> None:
    wrong = changes(int(time.time()))  # not when tests are collected, which is long ago by now
    answer = tool.ask_token(tool.assertion(**wrong))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_an_assertion_is_good_for_one_use(tool: MiniTool) -> None:
    assertion = tool.assertion()
    assert tool.ask_token(assertion).status_code == 200
    again = tool.ask_token(assertion)
    assert again.status_code == 401
    assert "jti" in again.json()["error_description"]


def test_an_assertion_signed_by_another_key_is_refused(tool: MiniTool) -> None:
    assert tool.ask_token(tool.assertion(key=new_key())).status_code == 401


def test_an_assertion_with_an_unknown_key_id_is_refused(tool: MiniTool) -> None:
    assert tool.ask_token(tool.assertion(kid="unknown")).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_only_rs256_is_accepted(tool: MiniTool, algorithm: str) -> None:
    assert tool.ask_token(tool.assertion(algorithm=algorithm)).status_code == 401


def test_a_text_that_is_no_jwt_is_refused(tool: MiniTool) -> None:
    assert tool.ask_token("not.a.jwt").json()["error"] == "invalid_client"


def test_a_new_key_of_the_tool_is_found_at_once(tool: MiniTool) -> None:
    tool.ask_token(tool.assertion())
    tool.key, tool.kid = new_key(), "rotated"
    assert tool.ask_token(tool.assertion()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
        ({"scope": "https://example.org/everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_a_wrong_token_request_is_refused_with_its_code(tool: MiniTool, changes: dict[str, str], error: str) -> None:
    answer = tool.ask_token(tool.assertion(), **{"scope": ROSTER} | changes)
    assert answer.status_code == 400
    assert answer.json()["error"] == error


def test_a_token_request_must_be_a_form(tool: MiniTool) -> None:
    answer = requests.post(tool.registration["token_url"], json={}, timeout=TIMEOUT)
    assert answer.json()["error"] == "invalid_request"


def test_a_service_wants_a_token(sandbox: SandboxProcess) -> None:
    answer = requests.get(f"{sandbox.base_url}/api/courses/ctx-feedback/memberships", timeout=TIMEOUT)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_token_opens_only_what_its_scopes_allow(sandbox: SandboxProcess, tool: MiniTool) -> None:
    url = f"{sandbox.base_url}/api/courses/ctx-feedback/memberships"
    assert tool.call("GET", url, ITEM).status_code == 403
    assert tool.call("GET", url, ROSTER).status_code == 200
    assert tool.call("GET", tool.items_url(), SCORE).status_code == 403


def test_the_database_does_not_hold_access_tokens_in_the_clear(sandbox: SandboxProcess, tool: MiniTool) -> None:
    token = tool.token(ROSTER).encode()
    files = [path.read_bytes() for path in sandbox.data.glob("sandbox.sqlite3*")]
    assert files
    assert not any(token in content for content in files)
