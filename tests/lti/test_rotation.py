"""The key that signs is changed while everything goes on, and never before an LMS can know the next one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from click.testing import Result
from cryptography.fernet import Fernet
from flask import Flask, Response, request
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

import config
from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.lti import key_commands, keyring, memberships, rotation, wire
from lti_tool.lti.keyring import Keyring
from lti_tool.lti.tables import LtiSigningKey
from lti_tool.lti.tokens import Tokens
from tests.support.asking import REREAD_SECONDS
from tests.support.platform import Browser, Platform, Platforms, Tool, serving

ROOT = Path(__file__).resolve().parents[2]
OLD_ENOUGH = rotation.LONGEST_CACHE + timedelta(minutes=1)


def run(tool: Tool, *arguments: str) -> Result:
    return tool.app.test_cli_runner().invoke(key_commands.keys, arguments)


def listed(tool: Tool) -> dict[str, list[str]]:
    """The ids of the keys by state."""
    found: dict[str, list[str]] = {}
    for key in json.loads(run(tool, "list", "--json").output):
        found.setdefault(key["state"], []).append(key["kid"])
    return found


def published(app: Flask) -> set[str]:
    response = app.test_client().get("/lti/jwks")
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.json
    return {key["kid"] for key in response.json["keys"]}


def pass_time(tool: Tool, by: timedelta) -> None:
    """Let what is in the key table lie further back."""
    with tool.app.app_context(), transaction() as session:
        for key in session.scalars(select(LtiSigningKey)):
            key.created_at, key.since = key.created_at - by, key.since - by


@pytest.fixture
def rotating_tool(quiet_tool: Tool) -> Tool:
    """A tool whose next key has been published for long enough."""
    assert run(quiet_tool, "rotate").exit_code == 0
    pass_time(quiet_tool, OLD_ENOUGH)
    return quiet_tool


def test_the_first_rotation_publishes_a_next_key_and_says_when_to_come_back(quiet_tool: Tool) -> None:
    [before] = listed(quiet_tool)["current"]
    result = run(quiet_tool, "rotate")
    assert result.exit_code == 0
    ready = clock.wall() + rotation.LONGEST_CACHE
    assert f"run this again after {ready:%Y-%m-%d}" in result.output
    keys = listed(quiet_tool)
    assert keys["current"] == [before]
    assert published(quiet_tool.app) == {before, *keys["next"]}


def test_a_next_key_that_an_lms_may_not_have_read_yet_does_not_sign(quiet_tool: Tool) -> None:
    run(quiet_tool, "rotate")
    before = listed(quiet_tool)
    pass_time(quiet_tool, rotation.LONGEST_CACHE - timedelta(minutes=1))
    result = run(quiet_tool, "rotate")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "10 days" in result.output
    assert "--now" in result.output
    assert listed(quiet_tool) == before


def test_a_rotation_keeps_next_current_and_previous_published(rotating_tool: Tool) -> None:
    before = listed(rotating_tool)
    result = run(rotating_tool, "rotate")
    assert result.exit_code == 0
    after = listed(rotating_tool)
    assert after["current"] == before["next"]
    assert after["previous"] == before["current"]
    [coming] = after["next"]
    assert published(rotating_tool.app) == {coming, *before["next"], *before["current"]}
    for state in ("next", "current", "previous"):
        assert state in result.output


def test_the_key_before_the_previous_one_goes_at_the_next_rotation(rotating_tool: Tool) -> None:
    [first] = listed(rotating_tool)["current"]
    run(rotating_tool, "rotate")
    assert first in published(rotating_tool.app)
    pass_time(rotating_tool, OLD_ENOUGH + rotation.STILL_VALID)
    assert run(rotating_tool, "rotate").exit_code == 0
    assert first not in published(rotating_tool.app)
    assert len(published(rotating_tool.app)) == 3


def test_a_leaked_key_is_replaced_at_once_and_retired_when_nothing_signs_with_it(quiet_tool: Tool) -> None:
    [leaked] = listed(quiet_tool)["current"]
    result = run(quiet_tool, "rotate", "--now")
    assert result.exit_code == 0
    assert "peerloop keys retire" in result.output
    assert listed(quiet_tool)["previous"] == [leaked]
    early = run(quiet_tool, "retire", leaked)
    assert early.exit_code == 1
    assert "try again after" in early.output
    assert leaked in published(quiet_tool.app)
    pass_time(quiet_tool, rotation.STILL_VALID)
    assert run(quiet_tool, "retire", leaked).exit_code == 0
    assert leaked not in published(quiet_tool.app)


def test_only_a_previous_key_can_be_retired(rotating_tool: Tool) -> None:
    for kid in (*listed(rotating_tool)["current"], *listed(rotating_tool)["next"], "unheard-of"):
        result = run(rotating_tool, "retire", kid)
        assert result.exit_code == 1
        assert "no previous key" in result.output


@pytest.mark.parametrize("state", ["next", "current"])
def test_a_wrong_encryption_key_stops_the_start_and_a_rotation_whichever_key_it_does_not_fit(
    rotating_tool: Tool, state: str
) -> None:
    other = SecretStr(Fernet.generate_key().decode())
    wrong = Keyring(rotating_tool.settings.model_copy(update={"key_encryption_key": other}))
    with rotating_tool.app.app_context():
        with transaction() as session:
            foreign = wrong.make("next").private_key
            session.execute(update(LtiSigningKey).where(LtiSigningKey.state == state).values(private_key=foreign))
        fresh = Keyring(rotating_tool.settings)
        with pytest.raises(config.ConfigError, match="PEERLOOP_KEY_ENCRYPTION_KEY"):
            fresh.ensure()
        with pytest.raises(config.ConfigError, match="PEERLOOP_KEY_ENCRYPTION_KEY"), transaction() as session:
            rotation.rotate(session, fresh)
    assert "previous" not in listed(rotating_tool)


def test_the_database_allows_one_next_key(rotating_tool: Tool) -> None:
    with rotating_tool.app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        rotation.publish_next(session, wire.current().keyring)


def test_private_parts_are_never_published_whatever_the_state(rotating_tool: Tool) -> None:
    run(rotating_tool, "rotate")
    response = rotating_tool.app.test_client().get("/lti/jwks")
    assert response.json
    assert len(response.json["keys"]) == 3
    for key in response.json["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


class Asker:
    """Another process of the same installation, in the middle of a long job."""

    def __init__(self, environment: dict[str, str], registration_id: int) -> None:
        command = [sys.executable, "-m", "tests.support.asking", str(registration_id)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self) -> str:
        """`given`, or why no token was given."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self) -> None:
        self.process.communicate(timeout=10)


@pytest.fixture
def served_tool(tmp_path: Path) -> Iterator[Tool]:
    """A tool that answers at its own address, whose next key has been published for long enough."""
    with serving(None) as (server, base):
        tool = Tool(base, tmp_path)
        server.app = tool.app
        assert run(tool, "rotate").exit_code == 0
        pass_time(tool, OLD_ENOUGH)
        yield tool
        tool.close()


def environment_of(tool: Tool) -> dict[str, str]:
    settings = tool.settings
    assert settings.key_encryption_key is not None
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PEERLOOP_")}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "PEERLOOP_BASE_URL": settings.base_url,
        "PEERLOOP_SECRET_KEY": settings.signing_secret,
        "PEERLOOP_KEY_ENCRYPTION_KEY": settings.key_encryption_key.get_secret_value(),
        "PEERLOOP_DATABASE_URL": settings.database_url,
        "PEERLOOP_ALLOW_PRIVATE_PLATFORMS": "true",
    }


def checks_with(platform: Platform, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the platform give a token only for what one of these keys signed; the names of the keys that were used."""
    give, used = platform._token, []

    def check() -> Any:
        assertion = request.form["client_assertion"]
        kid = jwt.get_unverified_header(assertion)["kid"]
        try:
            jwt.decode(assertion, jwt.PyJWK(keys[kid]).key, algorithms=["RS256"], audience=platform.url("/token"))
        except (jwt.PyJWTError, KeyError) as error:
            return Response(f"invalid_client: {error!r}", 401)
        used.append(kid)
        return give()

    monkeypatch.setattr(platform, "_token", check)
    return used


def test_no_launch_and_no_token_of_any_process_fails_while_another_one_rotates(
    served_tool: Tool, platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The LMS reads the key set once, before the rotation, and never again."""
    platform = platforms.new()
    registration = served_tool.register(platform)
    published = requests.get(f"{served_tool.settings.base_url}/lti/jwks", timeout=10).json()["keys"]
    used = checks_with(platform, {key["kid"]: key for key in published}, monkeypatch)
    [[before], [coming]] = [listed(served_tool)[state] for state in ("current", "next")]
    environment = environment_of(served_tool)
    asker = Asker(environment, registration.id)
    monkeypatch.setattr(keyring, "REREAD_SECONDS", REREAD_SECONDS)
    connection = served_tool.connect(registration)
    browser = Browser(served_tool, platform)

    def work() -> set[str]:
        """A launch, and a token for each process; the keys that signed."""
        assert browser.launch().text == "welcome"
        assert asker.ask() == "given"
        assert Tokens(connection.client).get(connection, (memberships.SCOPE,))
        return set(used[-2:])

    try:
        assert work() == {before}
        command = [sys.executable, "-m", "lti_tool", "keys", "rotate"]
        rotating = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        while rotating.poll() is None:
            work()
        assert rotating.returncode == 0
        deadline = time.monotonic() + 10
        while work() != {coming}:
            assert time.monotonic() < deadline, "a process goes on signing with the key before"
    finally:
        asker.stop()
        browser.http.close()


def test_a_connection_that_outlives_its_key_signs_with_the_next_one(
    rotating_tool: Tool, platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nothing is signed with a key that may be retired, however long a job takes."""
    connection = rotating_tool.connect(rotating_tool.register(platforms.new()))
    [before] = listed(rotating_tool)["current"]
    assert connection.signer().kid == before
    assert run(rotating_tool, "rotate", "--now").exit_code == 0
    passed = time.monotonic() + keyring.REREAD_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: passed)
    assert [connection.signer().kid] == listed(rotating_tool)["current"]
    assert connection.signer().kid != before


def test_a_key_is_looked_up_while_its_process_holds_the_write_lock(rotating_tool: Tool) -> None:
    with rotating_tool.app.app_context(), transaction():
        fresh = Keyring(rotating_tool.settings)
        began = time.monotonic()
        assert [fresh.current().kid] == listed(rotating_tool)["current"]
        assert time.monotonic() - began < 5


def test_a_key_whose_name_begins_with_a_dash_is_no_option(rotating_tool: Tool) -> None:
    for kid in ("-hN4x", "--ab", "-"):
        result = run(rotating_tool, "retire", kid)
        assert result.exit_code == 1
        assert f"there is no previous key {kid}" in result.output
