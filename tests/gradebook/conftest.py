"""A sandbox LMS for the run, and a course in it for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from lti_tool.demo.robot import Robot
from lti_tool.lti import wire
from tests.gradebook.course import CONTEXT, CourseInLms, KeyServer
from tests.support.sandbox import SandboxProcess


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def keys() -> Iterator[KeyServer]:
    server = KeyServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def teacher(sandbox: SandboxProcess) -> Iterator[Robot]:
    """An instructor, signed in to the LMS."""
    people = sandbox.control.state()["courses"][CONTEXT]["people"]
    robot = sandbox.robot(next(person["sub"] for person in people if person["role"] == "instructor"))
    yield robot
    robot.close()


@pytest.fixture
def lms(any_app: Flask, sandbox: SandboxProcess, keys: KeyServer, teacher: Robot) -> Iterator[CourseInLms]:
    """A course with three learners."""
    yield CourseInLms(any_app, sandbox, keys, teacher)
    sandbox.control.clear_faults()
    wire.current().close()


@pytest.fixture
def lms_on_sqlite(app: Flask, sandbox: SandboxProcess, keys: KeyServer, teacher: Robot) -> Iterator[CourseInLms]:
    """The same on SQLite alone, for tests in which it is the LMS that varies."""
    yield CourseInLms(app, sandbox, keys, teacher)
    sandbox.control.clear_faults()
    wire.current().close()
