"""Peerloop and the sandbox LMS, each on a server of its own, and a course in which a program is planned."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, update

import config
from lti_tool import gradebook
from lti_tool.app import create_app
from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db, transaction
from lti_tool.demo.robot import Page, Robot
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti import registrations, wire
from lti_tool.meetings import attendance
from lti_tool.meetings.tables import Meeting, Presence
from lti_tool.programs import rules
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Enrolment, Person
from lti_tool.work import rules as work_rules
from lti_tool.work.tables import Assignment
from tests.support import factories
from tests.support.moments import SetNow
from tests.support.platform import serving
from tests.support.sandbox import SandboxProcess

COURSE = "ctx-feedback"
VISIT = re.compile(r"^(?P<base>.*/v/[^/]+/)(?P<path>.*)$")


@dataclass(frozen=True)
class Planned:
    """A program, as far as a test needs to know it."""

    id: int
    resource_id: str
    title: str
    weeks: tuple[str, ...]
    """The path of the page of each week, as staff see it."""


class Stage:
    """A tool and an LMS that know each other. What people do goes through their pages."""

    def __init__(self, app: Flask, base_url: str, sandbox: SandboxProcess) -> None:
        self.app, self.base_url, self.sandbox = app, base_url, sandbox
        registered = sandbox.register_tool(
            login_url=f"{base_url}/lti/login",
            redirect_uris=[f"{base_url}/lti/launch"],
            target_link_uri=f"{base_url}/lti/launch",
            jwks_url=f"{base_url}/lti/jwks",
        )
        self.client_id: str = registered["client_id"]
        tools = sandbox.control.state()["tools"]
        self.tool_id: int = next(tool["id"] for tool in tools if tool["client_id"] == self.client_id)
        with transaction() as session:
            registrations.add(
                session,
                name="Sandbox LMS",
                deployment_ids=[registered["deployment_id"]],
                **{name: registered[name] for name in ("issuer", "client_id", "auth_url", "token_url", "jwks_url")},
            )

    def people(self, role: str, course: str = COURSE) -> list[str]:
        """The user ids of a course's people in a role, without the test user and those who left."""
        known = self.sandbox.control.state()["courses"][course]["people"]
        return [p["sub"] for p in known if p["role"] == role and p["active"] and not p["test_user"]]

    def robot(self, role: str = "instructor", number: int = 0, course: str = COURSE) -> Robot:
        return self.sandbox.robot(self.people(role, course)[number])

    def links(self, course: str = COURSE) -> list[dict[str, Any]]:
        """This tool's links in a course of the LMS."""
        return [
            link
            for link in self.sandbox.control.state()["links"]
            if link["tool_id"] == self.tool_id and link["course_id"] == course
        ]

    def items(self, course: str = COURSE) -> list[dict[str, Any]]:
        """This tool's columns there."""
        found = self.sandbox.control.state()["courses"][course]["items"]
        return [item for item in found if item["tool_id"] == self.tool_id]

    def open(self, robot: Robot, link_id: str) -> Page:
        """Open a link of the course."""
        return robot.launch(f"/launch/{link_id}")

    def add_content(self, robot: Robot, course: str = COURSE, **how: str) -> Page:
        """Begin adding from the tool, up to the page on which to choose."""
        query = "&".join(f"{name}={value}" for name, value in how.items())
        return robot.launch(f"/launch/content/{course}/{self.tool_id}?{query}")

    def plan(self, course: str = COURSE) -> Planned:
        """An instructor makes a program in a course."""
        with transaction() as session:
            row = session.scalars(select(Course).where(Course.context_id == course)).one()
            values = {
                "title": "Giving feedback",
                "skill": "Feedback",
                "first_session_on": "2026-12-07",
                "session_time": "14:00",
                "session_minutes": "45",
            }
            made = rules.create(session, row, values, None)
            weeks = tuple(f"weeks/{module.id}/" for module in made.modules)
            return Planned(made.id, made.resource_id, made.title, weeks)

    def first_session(self, planned: Planned, set_now: SetNow) -> str:
        """A cohort of two meets for the first time; the user id of the one who was there and handed in."""
        subjects = self.people("learner")[:2]
        with transaction() as session:
            course = session.scalars(select(Course).where(Course.context_id == COURSE)).one()
            people = [Person(tenant_id=course.tenant_id, subject=one, name=f"Learner {one[:4]}") for one in subjects]
            session.add_all(people)
            session.flush()
            for person in people:
                enrolment = Enrolment(course_id=course.id, person_id=person.id, role="learner", is_test=False)
                enrolment.joined_at = factories.NOW
                session.add(enrolment)
            program = session.get_one(Program, planned.id)
        factories.make_cohort(program, people)
        meeting = db.session.scalars(select(Meeting).join(Cohort).order_by(Meeting.starts_at)).first()
        assert meeting is not None
        set_now(meeting.ends_at)
        with transaction() as session:
            attendance.mark(session, meeting, {people[0].id: Presence.PRESENT, people[1].id: Presence.ABSENT}, None)
            attendance.close(session, meeting, None)
            assignment = session.scalars(select(Assignment).where(Assignment.meeting_id == meeting.id)).one()
            work_rules.hand_in(
                session, assignment, people[0].id, {"text": "I asked first, and listened."}, meeting.ends_at
            )
        return subjects[0]

    def work(self) -> None:
        """Be a worker until nothing is due."""
        with transaction() as session:
            session.execute(update(Cell).where(Cell.try_at.is_not(None)).values(try_at=factories.NOW))
            session.execute(update(Column).values(try_at=factories.NOW))
        while gradebook.run():
            db.session.remove()
        db.session.rollback()


def add(robot: Robot, page: Page, button: str, **fields: str | list[str]) -> Page:
    """Press a button of the page on which to choose, and be where the LMS then is."""
    form = next(form for form in page.forms if any(button in each.text for each in form.buttons))
    return passed_on(robot, robot.submit(form, button, **fields))


def passed_on(robot: Robot, page: Page) -> Page:
    """Pass every form that submits itself, as a browser with scripts does."""
    while any(form.auto_submit for form in page.forms):
        page = robot.submit(next(form for form in page.forms if form.auto_submit))
    return page


def where(page: Page) -> str:
    """The path of a page within its visit."""
    match = VISIT.match(page.url)
    assert match is not None, f"{page.url} ({page.status}): {page.text[:300]}"
    return match["path"]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    yield process
    process.close()


@pytest.fixture
def stage(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[Stage]:
    with staged(sandbox, tmp_path) as stage:
        yield stage


@contextmanager
def staged(sandbox: SandboxProcess, folder: Path) -> Iterator[Stage]:
    """A tool beside an LMS."""
    with serving(None) as (server, address):
        base_url = address.replace("127.0.0.1", "localhost")
        settings = config.Settings(
            base_url=base_url,
            secret_key=SecretStr("x" * 40),
            key_encryption_key=SecretStr(base64.urlsafe_b64encode(b"k" * 32).decode()),
            database_url=f"sqlite:///{folder / 'tool.db'}",
            queue_url=f"sqlite:///{folder / 'queue.db'}",
            allow_private_platforms=True,
        )
        app = create_app(settings)
        server.app = app
        with app.app_context():
            db.create_all()
            wire.ensure_signing_key()
            yield Stage(app, base_url, sandbox)
            wire.current().close()
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def teacher(stage: Stage) -> Iterator[Robot]:
    robot = stage.robot()
    yield robot
    robot.close()


@pytest.fixture
def program(stage: Stage, teacher: Robot) -> Planned:
    """A program in the course, which the instructor has opened before."""
    stage.open(teacher, stage.links()[0]["id"])
    return stage.plan()
