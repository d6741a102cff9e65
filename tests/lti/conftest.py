"""A tool and a platform for each test; their servers are shared by the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from markupsafe import escape
from sqlalchemy import delete

from lti_tool.database import transaction
from lti_tool.lti.connection import Connection
from lti_tool.lti.refusals import EXPLANATIONS
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiPendingRegistration
from tests.lti.registering import Administrator, RegisteringPlatform
from tests.support.platform import Browser, Platform, Platforms, Tool, running

Refused = Callable[[requests.Response], tuple[int, str]]


@pytest.fixture(scope="session")
def running_tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    with running(Tool, tmp_path_factory.mktemp("tool")) as tool:
        yield tool


@pytest.fixture
def tool(running_tool: Tool) -> Tool:
    running_tool.launches.clear()
    running_tool.fault = None
    return running_tool


@pytest.fixture
def quiet_tool(tmp_path: Path) -> Iterator[Tool]:
    """A tool of its own, with an empty database and no server."""
    tool = Tool("http://localhost", tmp_path)
    yield tool
    tool.close()


@pytest.fixture
def platform(platforms: Platforms) -> Platform:
    return platforms.new()


@pytest.fixture
def registration(tool: Tool, platform: Platform) -> Registration:
    return tool.register(platform)


@pytest.fixture
def connection(tool: Tool, registration: Registration) -> Connection:
    return tool.connect(registration)


@pytest.fixture
def browser(tool: Tool, platform: Platform, registration: Registration) -> Iterator[Browser]:
    assert registration.issuer == platform.issuer
    browser = Browser(tool, platform)
    yield browser
    browser.http.close()


@pytest.fixture
def refused(browser: Browser) -> Refused:
    """Reads a refusal, having checked that it recorded nothing and left the state to expire by itself."""

    def read(response: requests.Response) -> tuple[int, str]:
        assert browser.tool.launches == []
        assert "welcome" not in response.text
        code = response.headers["X-Peerloop-Error"]
        assert f"<code>{code}</code>" in response.text
        assert escape(str(EXPLANATIONS[code].todo)) in response.text
        assert "Set-Cookie" not in response.headers
        return response.status_code, code

    return read


@pytest.fixture
def lms(platforms: Platforms) -> RegisteringPlatform:
    return platforms.of(RegisteringPlatform)


@pytest.fixture
def admin(tool: Tool, lms: RegisteringPlatform) -> Iterator[Administrator]:
    yield Administrator(tool, lms)
    with tool.app.app_context(), transaction() as session:
        session.execute(delete(LtiPendingRegistration))
