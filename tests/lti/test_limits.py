"""Who is refused again and again has to wait, and nobody else because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.test import TestResponse

from lti_tool.lti import limits
from lti_tool.lti.limits import Refusals
from tests.support.platform import Browser, Platform, Tool

MOST = 5
CAMPUS, ATTACKER = "192.0.2.1", "198.51.100.7"

MakeTool = Callable[..., Tool]


class Clock:
    now = 120.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


@pytest.fixture
def make_tool(tmp_path: Path, moved: Clock) -> Iterator[MakeTool]:
    assert moved.now  # a minute that begins during a test would begin the count anew
    made: list[Tool] = []

    def make(**settings: Any) -> Tool:
        made.append(Tool("http://localhost", tmp_path, refusals_per_minute=MOST, **settings))
        return made[-1]

    yield make
    for tool in made:
        tool.close()


def login(client: FlaskClient, platform: Platform, address: str, **changes: str) -> TestResponse:
    """Begin a login as a browser at this address."""
    form = {
        "iss": platform.issuer,
        "login_hint": "h",
        "target_link_uri": "http://localhost/",
        "client_id": platform.client_id,
        **changes,
    }
    return client.post("/lti/login", data=form, environ_overrides={"REMOTE_ADDR": address})


def refuse(client: FlaskClient, platform: Platform, address: str, times: int = MOST) -> None:
    for _time in range(times):
        assert login(client, platform, address, iss="https://unknown.example").status_code == 400


def test_who_was_refused_too_often_is_told_when_to_try_again(make_tool: MakeTool, platform: Platform) -> None:
    client = make_tool().app.test_client()
    refuse(client, platform, ATTACKER)
    page = login(client, platform, ATTACKER, iss="https://guess.example")
    assert page.status_code == 429
    wait = page.headers["Retry-After"]
    assert 1 <= int(wait) <= 60
    assert f"Wait {wait} seconds, then reload this page." in page.text
    launch = client.post("/lti/launch", data={"state": "guessed"}, environ_overrides={"REMOTE_ADDR": ATTACKER})
    assert launch.status_code == 429
    refuse(client, platform, CAMPUS, 1)


def test_a_campus_launches_as_often_as_it_likes_whoever_is_refused_behind_its_address(
    make_tool: MakeTool, platform: Platform
) -> None:
    tool = make_tool()
    tool.register(platform)
    client = tool.app.test_client()
    for _time in range(2 * MOST):
        assert login(client, platform, CAMPUS).status_code == 302
    refuse(client, platform, CAMPUS)
    assert login(client, platform, CAMPUS, iss="https://guess.example").status_code == 429
    assert login(client, platform, CAMPUS).status_code == 302


def test_a_flood_does_not_fill_the_log(make_tool: MakeTool, platform: Platform) -> None:
    client = make_tool().app.test_client()
    with structlog.testing.capture_logs() as logs:
        for _time in range(10 * MOST):
            login(client, platform, ATTACKER, iss="https://guess.example")
    assert len([entry for entry in logs if entry["event"] == "launch refused"]) == MOST


def test_what_a_client_says_of_its_address_counts_only_behind_a_proxy_that_is_configured(
    make_tool: MakeTool, platform: Platform
) -> None:
    def attempt(client: FlaskClient, said: str) -> int:
        form = {"iss": "https://unknown.example", "login_hint": "h", "target_link_uri": "http://localhost/"}
        return client.post("/lti/login", data=form, headers={"X-Forwarded-For": said}).status_code

    direct = make_tool().app.test_client()
    refuse(direct, platform, "127.0.0.1")
    assert attempt(direct, CAMPUS) == 429

    behind = make_tool(trusted_proxies=1).app.test_client()
    for _time in range(MOST):
        attempt(behind, f"{CAMPUS}, {ATTACKER}")
    assert attempt(behind, f"{CAMPUS}, {ATTACKER}") == 429
    assert attempt(behind, CAMPUS) == 400


def test_a_minute_later_everybody_is_heard_again(moved: Clock) -> None:
    refusals = Refusals(2)
    assert [refusals.note(ATTACKER) for _time in range(3)] == [0, 0, 60]
    moved.now += 59.5
    assert refusals.note(ATTACKER) == 1
    assert refusals.note(CAMPUS) == 0
    moved.now += 0.5
    assert refusals.note(ATTACKER) == 0


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        (None, "not an address", True),
    ],
)
def test_the_addresses_of_one_customer_count_together(one: str | None, other: str, same: bool) -> None:
    refusals = Refusals(1)
    refusals.note(one)
    assert (refusals.note(other) > 0) == same


@pytest.mark.usefixtures("moved")
def test_a_great_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 3)
    refusals = Refusals(1)
    waits = [refusals.note(f"192.0.2.{number}") for _time in range(2) for number in range(10)]
    assert waits == [0] * 10 + [60] * 3 + [0] * 7


@pytest.mark.parametrize("fault", [OperationalError("INSERT", {}, Exception("locked")), PoolTimeoutError()])
def test_an_overloaded_database_refuses_nobody_and_says_when_to_try_again(browser: Browser, fault: Exception) -> None:
    browser.login()
    form = {"id_token": browser.token(), "state": browser.auth["state"]}
    browser.tool.fault = fault
    page = browser.post(**form)
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert "Wait 5 seconds, then reload this page." in page.text
    browser.tool.fault = None
    assert browser.post(**form).text == "welcome"
