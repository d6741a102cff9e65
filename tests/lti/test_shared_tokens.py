"""Tokens are those of all processes: asked for once, kept encrypted, renewed by one while the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti import wire
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import Retryable
from lti_tool.lti.tables import LtiToken
from lti_tool.lti.token_shelf import Shelf
from lti_tool.lti.tokens import Tokens
from tests.support.platform import Platform, Tool

SCOPES = ("scope-a",)
Process = Callable[[], Connection]


@pytest.fixture
def process(tool: Tool, connection: Connection) -> Process:
    """The connection as another process has it, with nothing in its memory."""

    def make() -> Connection:
        with tool.app.app_context():
            shelf = Shelf(db.engine, wire.current().keyring, lease_seconds=2.0)
        return replace(connection, tokens=Tokens(connection.client, shelf))

    return make


def token(connection: Connection) -> str:
    return connection.tokens.get(connection, SCOPES)


def row(tool: Tool, connection: Connection) -> LtiToken:
    with tool.app.app_context():
        query = select(LtiToken).where(LtiToken.registration_id == connection.registration.id)
        return db.session.scalars(query).one()


def renewal_is_due(tool: Tool, connection: Connection) -> None:
    with tool.app.app_context(), transaction() as session:
        which = LtiToken.registration_id == connection.registration.id
        session.execute(update(LtiToken).where(which).values(renew_at=clock.wall()))


def test_processes_share_a_token(platform: Platform, process: Process) -> None:
    assert token(process()) == token(process())
    assert len(platform.token_requests) == 1


def test_processes_that_start_at_once_ask_once(platform: Platform, process: Process) -> None:
    platform.token_delay = 0.3
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(token(process()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == len(platform.token_requests) == 1


def test_the_database_holds_no_token_that_could_be_used(tool: Tool, connection: Connection, process: Process) -> None:
    secret = token(process())
    sealed = row(tool, connection).sealed
    assert sealed is not None
    assert secret.encode() not in sealed
    with tool.app.app_context():
        assert wire.current().keyring.unseal(sealed) == secret.encode()


def test_a_token_of_other_scopes_another_deployment_or_another_address_is_another_one(
    platform: Platform, process: Process
) -> None:
    connection = process()
    moved = replace(connection.registration, token_url=f"{connection.registration.token_url}?moved")
    tokens = {
        token(connection),
        connection.tokens.get(connection, ("scope-b",)),
        token(replace(connection, deployment_id="another")),
        token(replace(connection, registration=moved)),
    }
    assert len(tokens) == len(platform.token_requests) == 4


def test_while_one_process_renews_the_others_go_on_with_what_there_is(
    tool: Tool, platform: Platform, connection: Connection, process: Process
) -> None:
    old = token(process())
    renewal_is_due(tool, connection)
    platform.token_delay = 0.5
    renewing = process()
    thread = threading.Thread(target=lambda: token(renewing))
    thread.start()
    while row(tool, connection).leased_by is None:
        time.sleep(0.01)
    began = time.monotonic()
    assert token(process()) == old
    assert time.monotonic() - began < 0.3
    thread.join()
    assert token(process()) == token(renewing) != old
    assert len(platform.token_requests) == 2


def test_a_process_that_was_killed_while_it_asked_keeps_nobody_waiting_for_long(
    tool: Tool, platform: Platform, connection: Connection, process: Process
) -> None:
    token(process())
    with tool.app.app_context(), transaction() as session:
        which = LtiToken.registration_id == connection.registration.id
        soon = clock.wall() + timedelta(seconds=0.5)
        session.execute(update(LtiToken).where(which).values(sealed=None, leased_by="killed", leased_until=soon))
    assert token(process())
    assert len(platform.token_requests) == 2


def test_a_token_that_could_not_be_had_is_asked_for_by_the_next_at_once(
    platform: Platform, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(platform, "_token", lambda: ("no", 503))
        with pytest.raises(Retryable):
            token(process())
    assert token(process())


def test_a_token_that_the_platform_forgot_is_replaced_once_for_all(platform: Platform, process: Process) -> None:
    one, other = process(), process()
    old = token(one)
    assert token(other) == old
    one.tokens.drop(one, SCOPES, old)
    new = token(one)
    other.tokens.drop(other, SCOPES, old)
    assert token(other) == new != old
    assert len(platform.token_requests) == 2


def test_after_a_change_of_the_encryption_key_a_new_token_is_asked_for(
    tool: Tool, platform: Platform, connection: Connection, process: Process
) -> None:
    token(process())
    with tool.app.app_context(), transaction() as session:
        which = LtiToken.registration_id == connection.registration.id
        session.execute(update(LtiToken).where(which).values(sealed=b"of another key"))
    assert token(process())
    assert len(platform.token_requests) == 2
