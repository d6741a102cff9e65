"""Our own keys: made once, kept secret, published by their public half."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

import config
from lti_tool.database import db, transaction
from lti_tool.lti import wire
from lti_tool.lti.keyring import Keyring
from lti_tool.lti.tables import LtiSigningKey
from tests.support.platform import Tool


def test_the_key_set_shows_public_members_only_and_may_be_kept_for_an_hour(quiet_tool: Tool) -> None:
    response = quiet_tool.app.test_client().get("/lti/jwks")
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.content_type == "application/json"
    assert response.json
    [key] = response.json["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")
    assert len(base64.urlsafe_b64decode(key["n"] + "==")) == 256


def test_a_key_is_named_by_its_thumbprint(quiet_tool: Tool) -> None:
    response = quiet_tool.app.test_client().get("/lti/jwks")
    assert response.json
    [key] = response.json["keys"]
    text = f'{{"e":"{key["e"]}","kty":"RSA","n":"{key["n"]}"}}'
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    assert key["kid"] == digest


def test_the_private_key_is_encrypted_in_the_database(quiet_tool: Tool) -> None:
    with quiet_tool.app.app_context():
        row = db.session.scalars(select(LtiSigningKey)).one()
        assert row.private_key.startswith(b"gAAAA")
        assert b"PRIVATE" not in row.private_key
        assert set(json.loads(row.public_jwk)) == {"kty", "n", "e", "kid", "use", "alg"}


def test_the_key_is_made_once_however_often_the_tool_starts(quiet_tool: Tool) -> None:
    with quiet_tool.app.app_context():
        before = wire.current().keyring.current().kid
        wire.ensure_signing_key()
        assert Keyring(quiet_tool.settings).current().kid == before
        assert db.session.scalar(select(func.count()).select_from(LtiSigningKey)) == 1


def test_processes_that_start_together_agree_on_one_key(quiet_tool: Tool) -> None:
    with quiet_tool.app.app_context(), transaction() as session:
        session.execute(delete(LtiSigningKey))
    barrier = threading.Barrier(4)
    found: list[str] = []

    def start() -> None:
        with quiet_tool.app.app_context():
            keyring = Keyring(quiet_tool.settings)
            barrier.wait()
            keyring.ensure()
            found.append(keyring.current().kid)

    threads = [threading.Thread(target=start) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_wrong_encryption_key_is_one_clear_line(quiet_tool: Tool) -> None:
    wrong = quiet_tool.settings.model_copy(update={"key_encryption_key": SecretStr(Fernet.generate_key().decode())})
    with (
        quiet_tool.app.app_context(),
        pytest.raises(config.ConfigError, match="PEERLOOP_KEY_ENCRYPTION_KEY") as error,
    ):
        Keyring(wrong).ensure()
    assert "\n" not in str(error.value)


def test_a_database_without_a_key_says_what_to_do(quiet_tool: Tool) -> None:
    with quiet_tool.app.app_context(), transaction() as session:
        session.execute(delete(LtiSigningKey))
    with quiet_tool.app.app_context(), pytest.raises(config.ConfigError, match="peerloop serve"):
        Keyring(quiet_tool.settings).current()


def test_the_database_itself_allows_one_current_key_and_known_states_only(quiet_tool: Tool) -> None:
    for state in ("current", "retired"):
        with quiet_tool.app.app_context(), pytest.raises(IntegrityError), transaction() as session:
            session.add(LtiSigningKey(kid=state, private_key=b"x", public_jwk="{}", state=state))


def test_the_wire_knows_nothing_of_peer_learning() -> None:
    code = "import sys, lti_tool.lti.blueprint, lti_tool.lti.commands; print(*sorted(m for m in sys.modules))"
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    ours = {name.split(".")[1] for name in run.stdout.split() if name.startswith("lti_tool.")}
    assert ours == {"lti", "clock", "database", "settings"}
