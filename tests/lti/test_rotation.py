"""The key that signs is changed while everything goes on, and never before an LMS can know the next one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import jwt
import pytest
import requests
from click.testing import Result
from cryptography.fernet import Fernet
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

import config
from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti import key_commands, keyring, rotation, tokens, wire
from lti_tool.lti.connection import Connection
from lti_tool.lti.keyring import Keyring
from lti_tool.lti.tables import LtiSigningKey
from tests.support.platform import Platforms, Tool, serving

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


@pytest.fixture
def address(rotating_tool: Tool) -> Iterator[str]:
    with serving(rotating_tool.app) as (_server, base):
        yield base


def test_no_token_fails_while_another_process_rotates(
    rotating_tool: Tool, address: str, platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform that read the key set before the rotation checks what two running processes sign."""
    platform = platforms.new()
    registration = rotating_tool.register(platform)
    cached = {key["kid"]: key for key in requests.get(f"{address}/lti/jwks", timeout=10).json()["keys"]}
    monkeypatch.setattr(keyring, "REREAD_SECONDS", 0.05)
    rings = [Keyring(rotating_tool.settings), Keyring(rotating_tool.settings)]
    [coming] = listed(rotating_tool)["next"]
    seen: list[set[str]] = [set(), set()]
    refused: list[Exception] = []

    def process(ring: Keyring, kids: set[str]) -> None:
        with rotating_tool.app.app_context():
            while coming not in kids and not refused:
                key = ring.current()
                db.session.rollback()
                connection = Connection(
                    wire.current().client, wire.current().tokens, registration, "deployment-1", key
                )
                signed = tokens.assertion(connection)
                kid = jwt.get_unverified_header(signed)["kid"]
                try:
                    jwt.decode(
                        signed, jwt.PyJWK(cached[kid]).key, algorithms=["RS256"], audience=platform.url("/token")
                    )
                except (jwt.PyJWTError, KeyError) as error:
                    refused.append(error)
                kids.add(kid)
                started.set()

    started = threading.Event()
    threads = [threading.Thread(target=process, args=each) for each in zip(rings, seen, strict=True)]
    for thread in threads:
        thread.start()
    assert started.wait(10)
    [before] = listed(rotating_tool)["current"]
    assert run(rotating_tool, "rotate").exit_code == 0
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert refused == []
    assert before in seen[0] | seen[1]
    assert all(coming in kids for kids in seen)


def test_a_key_whose_name_begins_with_a_dash_is_no_option(rotating_tool: Tool) -> None:
    for kid in ("-hN4x", "--ab", "-"):
        result = run(rotating_tool, "retire", kid)
        assert result.exit_code == 1
        assert f"there is no previous key {kid}" in result.output
