"""A course whose gradebook lies in a sandbox LMS: real HTTP, real tokens, and a person who changes grades there."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lti_tool import gradebook
from lti_tool.database import db, transaction
from lti_tool.demo.robot import Robot
from lti_tool.gradebook import progress
from lti_tool.gradebook.progress import Measure, Progress
from lti_tool.gradebook.states import State, state_of
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti import grades, wire
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster.tables import Course, Person, Tenant
from tests.support import factories
from tests.support.resting import end_rests
from tests.support.sandbox import SandboxProcess

CONTEXT = "ctx-feedback"
SCOPES = [grades.SCOPE_LINE_ITEM, grades.SCOPE_SCORE, grades.SCOPE_RESULT]


class KeyServer:
    """Publishes the tool's keys to the LMS; each test has an address of its own."""

    def __init__(self) -> None:
        self._sets: list[list[dict[str, str]]] = []
        sets = self._sets

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"keys": sets[int(self.path.rpartition("/")[2])]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def publish(self, keys: list[dict[str, str]]) -> str:
        self._sets.append(keys)
        return f"http://localhost:{self._server.server_port}/{len(self._sets) - 1}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class CourseInLms:
    """Learners of a sandbox course with a program in it, and what a test does to both sides."""

    def __init__(self, app: Flask, sandbox: SandboxProcess, keys: KeyServer, teacher: Robot) -> None:
        self.app, self.sandbox, self.teacher = app, sandbox, teacher
        self.progress: dict[int, Progress] = {}
        progress.register_measure(app, Measure("sessions", _l("Sessions attended"), _l("sessions"), self._compute))
        app.extensions["measures"] = {"sessions": app.extensions["measures"]["sessions"]}
        if "lti" not in app.extensions:
            wire.register(app)
        wire.ensure_signing_key()
        tool = sandbox.register_tool(
            login_url="http://localhost/lti/login",
            redirect_uris=["http://localhost/lti/launch"],
            target_link_uri="http://localhost/lti/launch",
            jwks_url=keys.publish(wire.current().keyring.public_keys()),
        )
        self.client_id: str = tool["client_id"]
        self.course_id = self._course()
        self.people = self.enrol(3)
        self.program = factories.make_program(self.course)
        self.program_id: int = self.program.id
        self.resource_id: str = self.program.resource_id

    def _compute(
        self, _session: Session, _program_id: int, person_ids: Sequence[int], _now: datetime
    ) -> Mapping[int, Progress]:
        return {person: self.progress[person] for person in person_ids if person in self.progress}

    @property
    def course(self) -> Course:
        found = db.session.get(Course, self.course_id)
        assert found is not None
        return found

    def _course(self) -> int:
        course = factories.make_course(issuer=self.sandbox.base_url)
        state = self.sandbox.control.state()
        self.tool_id: int = next(tool["id"] for tool in state["tools"] if tool["client_id"] == self.client_id)
        base = self.sandbox.base_url
        with transaction() as session:
            registration_id = session.scalar(select(Tenant.registration_id).where(Tenant.id == course.tenant_id))
            session.execute(
                update(LtiRegistration)
                .where(LtiRegistration.id == registration_id)
                .values(client_id=self.client_id, token_url=f"{base}/token", audience=f"{base}/token")
            )
            session.execute(
                update(Course)
                .where(Course.id == course.id)
                .values(
                    line_items_url=f"{base}/api/courses/{CONTEXT}/lineitems?type_id={self.tool_id}",
                    grade_scopes=SCOPES,
                )
            )
        return course.id

    def enrol(self, count: int) -> list[int]:
        """People of our course who are learners of the LMS's course; their ids."""
        known = set(db.session.scalars(select(Person.subject)))
        free = [subject for subject in self.subjects() if subject not in known]
        people = [person.id for person in factories.make_people(self.course, count)]
        with transaction() as session:
            for person, subject in zip(people, free, strict=False):
                session.execute(update(Person).where(Person.id == person).values(subject=subject))
        return people

    def subjects(self) -> list[str]:
        """The learners of the LMS's course."""
        known = self.sandbox.control.state()["courses"][CONTEXT]["people"]
        return [p["sub"] for p in known if p["role"] == "learner" and p["active"] and not p["test_user"]]

    def did(self, *people: int, done: int, due: int, total: int = 8) -> None:
        """These people now have so much progress, as a deed would make it."""
        self.progress |= dict.fromkeys(people, Progress(done, due, total))
        with transaction() as session:
            progress.changed(session, self.program_id, people)

    def work(self) -> int:
        """Be a worker until nothing is due; returns the number of units."""
        units = 0
        while gradebook.run():
            units += 1
            db.session.remove()
            assert units < 500, "the worker does not come to rest"
        db.session.rollback()
        return units

    def hurry(self) -> None:
        """Let time pass: whatever waits to be tried again is due now, and no reading is fresh any more."""
        with transaction() as session:
            session.execute(update(Cell).where(Cell.try_at.is_not(None)).values(try_at=factories.NOW))
            session.execute(update(Cell).where(Cell.shown_at.is_not(None)).values(shown_at=factories.NOW))
            session.execute(update(Column).values(try_at=factories.NOW, read_at=None))
        end_rests(self.app)

    def leases_expire(self) -> None:
        with transaction() as session:
            session.execute(update(Cell).values(leased_until=factories.NOW))
            session.execute(update(Column).values(leased_until=factories.NOW))

    def cell(self, person: int, measure: str = "sessions") -> Cell:
        db.session.rollback()
        return db.session.scalars(
            select(Cell)
            .join(Column)
            .where(Column.program_id == self.program_id, Column.measure == measure, Cell.person_id == person)
            .execution_options(populate_existing=True)
        ).one()

    def column(self, measure: str = "sessions") -> Column:
        db.session.rollback()
        return db.session.scalars(
            select(Column)
            .where(Column.program_id == self.program_id, Column.measure == measure)
            .execution_options(populate_existing=True)
        ).one()

    def state(self, person: int, measure: str = "sessions") -> State:
        return state_of(self.cell(person, measure).values)

    def subject(self, person: int) -> str:
        found = db.session.get(Person, person)
        assert found is not None
        return found.subject

    def item(self, measure: str = "sessions") -> dict[str, Any]:
        """The LMS's column."""
        return next(item for item in self.items() if item["tag"] == measure)

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.control.state()["courses"][CONTEXT]["items"]
        return [item for item in found if item["tool_id"] == self.tool_id]

    def grade(self, person: int, measure: str = "sessions") -> float | None:
        """What the LMS's gradebook shows."""
        grade = self.item(measure)["grades"].get(self.subject(person))
        return grade["score"] if grade else None

    def sent(self, measure: str = "sessions") -> list[dict[str, Any]]:
        """The scores that arrived for a column, oldest first."""
        found = [item["id"] for item in self.items() if item["tag"] == measure]
        return [score for score in self.sandbox.control.scores() if score["item_id"] in found]

    def teacher_types(self, person: int, score: str, comment: str = "", measure: str = "sessions") -> None:
        """An instructor types a grade in the LMS's own gradebook."""
        item, subject = self.item(measure)["id"], self.subject(person)
        page = self.teacher.get(f"/courses/{CONTEXT}/gradebook?edit={item}.{subject}")
        answer = self.teacher.submit(page.form(f"/gradebook/{item}/"), score=score, comment=comment)
        assert answer.status == 200, answer.text
