"""The room of a session, at ten minutes before it begins."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.meetings.scene import Scene
from tests.support.moments import SetNow


@pytest.fixture
def scene(app: Flask, set_now: SetNow) -> Scene:
    return Scene(app, set_now)


@pytest.fixture
def anywhere(any_app: Flask, set_now: SetNow) -> Scene:
    return Scene(any_app, set_now)
