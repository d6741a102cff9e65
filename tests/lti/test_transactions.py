"""What the wire asks of the database: nothing while an LMS is asked, and no more when it has grown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti import states
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiLoginState
from tests.support.platform import Browser, Tool


def test_no_transaction_is_open_while_the_keys_of_a_platform_are_read(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections_in_use: list[int] = []
    answer = browser.platform.handle

    def watched(path: str) -> Any:
        if path == "/jwks":
            with browser.tool.app.app_context():
                connections_in_use.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]  # a QueuePool
        return answer(path)

    monkeypatch.setattr(browser.platform, "handle", watched)
    assert browser.launch().status_code == 200
    assert connections_in_use == [0]


def test_removing_expired_logins_reads_no_more_of_the_table_than_it_removes(tool: Tool) -> None:
    plans: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith("DELETE"):
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    with tool.app.app_context(), transaction() as session:
        event.listen(db.engine, "before_cursor_execute", explain)
        states.sweep(session)
        event.remove(db.engine, "before_cursor_execute", explain)
    assert any("ix_lti_login_state_expires_at" in plan for plan in plans)
    assert not any(plan.startswith("SCAN") for plan in plans)


def test_a_sweep_removes_a_bounded_number_of_expired_logins_and_no_other(
    tool: Tool, registration: Registration
) -> None:
    now = clock.wall()

    def login(number: int, expires: timedelta) -> LtiLoginState:
        secret = b"%030d" % number
        return LtiLoginState(
            state_hash=secret,
            nonce_hash=secret,
            registration_id=registration.id,
            target_link_uri="https://peerloop.example.edu/",
            expires_at=now + expires,
        )

    with tool.app.app_context():
        with transaction() as session:
            session.query(LtiLoginState).delete()
            expired = [login(number, -timedelta(seconds=1)) for number in range(states.SWEEP_ROWS + 1)]
            session.add_all([*expired, login(10_000, timedelta(minutes=1))])
        left = []
        for _sweep in range(2):
            with transaction() as session:
                states.sweep(session)
                left.append(session.query(LtiLoginState).count())
    assert left == [2, 1]
