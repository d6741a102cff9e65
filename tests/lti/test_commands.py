"""`peerloop platform`: an LMS is registered by one command and its addresses are printed."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.database import db
from lti_tool.roster.platform_commands import platform
from tests.support.platform import Tool


def run(tool: Tool, *arguments: str) -> Result:
    return tool.app.test_cli_runner().invoke(platform, arguments)


def options(**changes: str) -> list[str]:
    values = {
        "name": "Our LMS",
        "issuer": "https://lms.example.edu",
        "client-id": "abc",
        "auth-url": "https://lms.example.edu/auth",
        "token-url": "https://lms.example.edu/token",
        "jwks-url": "https://lms.example.edu/jwks",
        **changes,
    }
    return ["add", *(part for name, value in values.items() for part in (f"--{name}", value))]


def test_adding_a_platform_prints_what_to_paste_into_the_lms(quiet_tool: Tool) -> None:
    result = run(quiet_tool, *options(), "--deployment", "1", "--deployment", "2")
    assert result.exit_code == 0
    for address in ("/lti/login", "/lti/login/1", "/lti/launch", "/lti/jwks"):
        assert f"http://localhost{address}\n" in result.output


def test_the_same_as_json_for_scripts(quiet_tool: Tool) -> None:
    result = run(quiet_tool, *options(), "--json")
    assert json.loads(result.output) == {
        "id": 1,
        "name": "Our LMS",
        "login_url": "http://localhost/lti/login/1",
        "launch_url": "http://localhost/lti/launch",
        "jwks_url": "http://localhost/lti/jwks",
        "target_link_uri": "http://localhost/lti/launch",
    }


def test_a_platform_without_deployments_says_that_launches_will_wait(quiet_tool: Tool) -> None:
    assert "wait for approval" in run(quiet_tool, *options()).output


def test_the_same_client_twice_is_one_clear_line(quiet_tool: Tool) -> None:
    run(quiet_tool, *options())
    result = run(quiet_tool, *options(name="Again"))
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "registered already" in result.output
    assert run(quiet_tool, *options(**{"client-id": "another"})).exit_code == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"auth-url": "lms.example.edu/auth"},
        {"token-url": "ftp://lms.example.edu/"},
        {"jwks-url": "https://user:pw@lms.example.edu/jwks"},
        {"issuer": "not an address"},
        {"client-id": " "},
        {"name": "n" * 201},
        {"deployment": "d" * 256},
        {"audience": ""},
    ],
)
def test_a_wrong_value_is_one_clear_line_that_names_the_option(quiet_tool: Tool, changes: dict[str, str]) -> None:
    result = run(quiet_tool, *options(**changes))
    assert result.exit_code == 1
    assert f"--{next(iter(changes))}" in result.output
    assert json.loads(run(quiet_tool, "list", "--json").output) == []


def test_listing_shows_registrations_and_their_deployments(quiet_tool: Tool) -> None:
    assert "No LMS is registered yet" in run(quiet_tool, "list").output
    run(quiet_tool, *options(audience="https://api.example.edu"), "--deployment", "one")
    shown = run(quiet_tool, "list").output
    assert "Our LMS" in shown
    assert "deployment one: active" in shown
    [entry] = json.loads(run(quiet_tool, "list", "--json").output)
    assert entry["audience"] == "https://api.example.edu"
    assert entry["deployments"] == [{"deployment_id": "one", "status": "active"}]


def test_what_is_registered_is_corrected_and_the_rest_stays(quiet_tool: Tool) -> None:
    run(quiet_tool, *options())
    result = run(quiet_tool, "change", "1", "--token-url", "https://lms.example.edu/token2", "--family", "moodle")
    assert result.exit_code == 0
    assert "token_url: https://lms.example.edu/token → https://lms.example.edu/token2" in result.output
    assert "peerloop doctor --platform 1" in result.output
    [entry] = json.loads(run(quiet_tool, "list", "--json").output)
    assert (entry["token_url"], entry["family"]) == ("https://lms.example.edu/token2", "moodle")
    assert (entry["auth_url"], entry["name"]) == ("https://lms.example.edu/auth", "Our LMS")
    with quiet_tool.app.app_context():
        entered, corrected = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    assert (entered.action, corrected.action) == ("registration.entered", "registration.corrected")
    assert corrected.before["token_url"] == "https://lms.example.edu/token"
    assert corrected.after["token_url"] == "https://lms.example.edu/token2"


def test_the_audience_follows_a_corrected_token_address_unless_it_was_another(quiet_tool: Tool) -> None:
    run(quiet_tool, *options())
    run(quiet_tool, *options(**{"client-id": "two", "audience": "https://api.example.edu"}))
    for number in ("1", "2"):
        run(quiet_tool, "change", number, "--token-url", "https://lms.example.edu/right")
    shown = json.loads(run(quiet_tool, "list", "--json").output)
    assert [entry["audience"] for entry in shown] == ["https://lms.example.edu/right", "https://api.example.edu"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1"], "nothing to change"),
        (["2", "--name", "Other"], "there is no LMS number 2"),
        (["1", "--jwks-url", "ftp://lms.example.edu/"], "--jwks-url"),
        (["1", "--audience", " "], "--audience"),
    ],
)
def test_a_wrong_correction_changes_nothing(quiet_tool: Tool, arguments: list[str], words: str) -> None:
    run(quiet_tool, *options())
    before = run(quiet_tool, "list", "--json").output
    result = run(quiet_tool, "change", *arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert run(quiet_tool, "list", "--json").output == before
