"""An LMS with a roster and a gradebook for each test; its server is shared by the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from lti_tool.lti import wire
from tests.admin.gradebook import Gradebook
from tests.roster.lms import Lms
from tests.support.platform import Platforms


@pytest.fixture(autouse=True)
def newest_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' tables are made without migrations, and commands must take them for the newest."""
    monkeypatch.setattr("lti_tool.schema.require_current", lambda: None)


@pytest.fixture
def lms(app: Flask, platforms: Platforms) -> Iterator[Lms]:
    yield Lms(app, platforms.new())
    wire.current().close()


@pytest.fixture
def gradebook(lms: Lms) -> Gradebook:
    return Gradebook(lms.platform)
