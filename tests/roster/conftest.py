"""An LMS for each test; its server is shared by the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from lti_tool.lti import wire
from tests.roster.lms import Lms
from tests.support.platform import Platforms


def _lms(app: Flask, platforms: Platforms) -> Iterator[Lms]:
    yield Lms(app, platforms.new())
    wire.current().close()


@pytest.fixture
def lms(any_app: Flask, platforms: Platforms) -> Iterator[Lms]:
    """An LMS of an app on SQLite, then on PostgreSQL."""
    yield from _lms(any_app, platforms)


@pytest.fixture
def lms_on_sqlite(app: Flask, platforms: Platforms) -> Iterator[Lms]:
    yield from _lms(app, platforms)
