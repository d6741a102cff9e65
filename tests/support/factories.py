"""Rows for tests, made with as little as a test needs to say. Each function commits."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Flask, Response, has_app_context
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lti_tool.cohorts.tables import Cohort, Facilitator, Membership
from lti_tool.database import db, transaction
from lti_tool.feedback.tables import FeedbackRound
from lti_tool.links.tables import DeepLinkingRequest
from lti_tool.lti.launch import Role
from lti_tool.lti.tables import LtiRegistration
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import AgendaItem, Module, Program
from lti_tool.roster.tables import Course, Enrolment, Person, Tenant
from lti_tool.web import visits
from lti_tool.web.proofs import form_token
from lti_tool.work.tables import Assignment

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def make_course(
    *,
    title: str = "Giving feedback",
    issuer: str = "https://lms.test",
    zone: str = "UTC",
    tenant_id: int | None = None,
) -> Course:
    """A course of a tenant of a platform of its own, or of a tenant that is there."""
    tenant_id = tenant_id or _make_tenant(title, issuer).id
    with transaction() as session:
        course = Course(
            tenant_id=tenant_id,
            context_id=f"course-{title}",
            deployment_id="1",
            title=title,
            zone=zone,
            grade_scopes=[],
            memberships_url=f"{issuer}/memberships",
            line_items_url=f"{issuer}/lineitems",
        )
        session.add(course)
    return course


def _make_tenant(title: str, issuer: str) -> Tenant:
    with transaction() as session:
        registration = LtiRegistration(
            name=title,
            issuer=issuer,
            client_id=f"client-{title}",
            auth_url=f"{issuer}/auth",
            token_url=f"{issuer}/token",
            jwks_url=f"{issuer}/jwks",
            audience=f"{issuer}/token",
            created_at=NOW,
        )
        session.add(registration)
        session.flush()
        tenant = Tenant(registration_id=registration.id, key="guid:test", name="Test", launched_at=NOW)
        session.add(tenant)
    return tenant


def make_people(
    course: Course, names: Sequence[str] | int, *, role: Role = Role.LEARNER, is_test: bool = False
) -> list[Person]:
    """People of a course in one role; a number makes that many learners."""
    chosen = [f"Person {n:02d}" for n in range(1, names + 1)] if isinstance(names, int) else names
    with transaction() as session:
        course = session.merge(course, load=True)
        people = [
            Person(tenant_id=course.tenant_id, subject=f"{role}-{course.id}-{name}", name=name) for name in chosen
        ]
        session.add_all(people)
        session.flush()
        session.add_all(
            Enrolment(course_id=course.id, person_id=p.id, role=role.value, is_test=is_test, joined_at=NOW)
            for p in people
        )
    return people


def make_program(course: Course, *, sessions: int = 8, first_on: date = date(2026, 3, 9)) -> Program:
    """A program with `sessions` modules, each with a script of 45 minutes."""
    with transaction() as session:
        program = Program(
            course_id=course.id,
            title="Giving feedback",
            skill="giving feedback",
            first_session_on=first_on,
            session_time=time(14, 0),
            session_minutes=45,
            zone="UTC",
            created_at=NOW,
        )
        session.add(program)
        session.flush()
        for number in range(1, sessions + 1):
            module = Module(
                program_id=program.id,
                number=number,
                title=f"Module {number}",
                micro_teach="Teach",
                prompt_a="A",
                prompt_b="B",
                reflection="Reflect",
                assignment_title=f"Try it {number}",
                assignment_text="Do it and write down what happened.",
                assignment_minutes=10,
            )
            session.add(module)
            session.flush()
            for position, (minutes, title) in enumerate(
                ((2, "Welcome"), (10, "Micro-teach"), (20, "Practice"), (10, "Reflection"), (3, "Close"))
            ):
                session.add(AgendaItem(module_id=module.id, position=position, minutes=minutes, title=title, tip=""))
    return program


def deep_linking_request(session: Session, course: Course, person: Person) -> DeepLinkingRequest:
    """An LMS's wish, which `person` brought along, not yet in any session."""
    return DeepLinkingRequest(
        registration_id=session.get_one(Tenant, course.tenant_id).registration_id,
        course_id=course.id,
        person_id=person.id,
        deployment_id=course.deployment_id,
        return_url="https://lms.test/deep-linking",
        targets=["iframe"],
        many=True,
        line_items=True,
        auto_create=False,
        asked_at=NOW,
    )


def make_cohort(
    program: Program, people: Sequence[Person], *, name: str = "A", facilitator: Person | None = None
) -> Cohort:
    """A published cohort with its meetings, their assignments and rounds of feedback, a week apart."""
    with transaction() as session:
        position = session.query(Cohort).filter_by(program_id=program.id).count()
        cohort = Cohort(program_id=program.id, position=position, name=name, published_at=NOW)
        session.add(cohort)
        session.flush()
        session.add_all(
            Membership(program_id=program.id, cohort_id=cohort.id, person_id=p.id, since=NOW) for p in people
        )
        if facilitator is not None:
            session.add(Facilitator(cohort_id=cohort.id, person_id=facilitator.id))
        start = datetime.combine(program.first_session_on, program.session_time, UTC)
        for module in session.query(Module).filter_by(program_id=program.id).order_by(Module.number):
            meeting = Meeting(
                cohort_id=cohort.id,
                module_id=module.id,
                starts_at=start + timedelta(weeks=module.number - 1),
                minutes=program.session_minutes,
            )
            session.add(meeting)
            session.flush()
            session.add(Assignment(meeting_id=meeting.id, due_at=meeting.starts_at + timedelta(days=6)))
            session.add(FeedbackRound(meeting_id=meeting.id, due_at=meeting.starts_at + timedelta(days=3)))
    return cohort


@dataclass
class Browser:
    """A person inside a visit, over Flask's test client; forms carry the CSRF token by themselves."""

    client: FlaskClient
    token: str
    csrf: str
    cookie: str = ""

    def bring_cookie(self) -> None:
        """Return from now on the cookie that the launch set, as most browsers do."""
        name, _, value = self.cookie.partition(";")[0].partition("=")
        self.client.set_cookie(name, value)

    def get(self, path: str = "", **kwargs: object) -> TestResponse:
        return self._ask("GET", path, **kwargs)

    def post(self, path: str, follow: bool = True, **fields: object) -> TestResponse:
        return self._ask("POST", path, data={"csrf_token": self.csrf} | fields, follow_redirects=follow)

    def send(self, method: str, path: str, **fields: object) -> TestResponse:
        """A form by any method, and its own answer: a redirection is not followed."""
        return self._ask(method, path, data={"csrf_token": self.csrf} | fields)

    def _ask(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        # A context of its own, as each request has: nothing is left over from the test or the last request.
        answer = Context().run(self.client.open, self._address(path), method=method, **kwargs)
        if has_app_context():
            db.session.rollback()  # what the test reads next is what the request left
        return answer

    def _address(self, path: str) -> str:
        return path if path.startswith("/v/") else f"/v/{self.token}/{path.lstrip('/')}"


def visit(
    app: Flask, course: Course, person: Person, role: Role, *, is_admin: bool = False, after: Browser | None = None
) -> Browser:
    """Open a visit of `person` in `course`, as a launch would; `after` another in the same browser."""
    with app.test_request_context(headers={"Cookie": after.cookie.partition(";")[0]} if after else None):
        with transaction() as session:
            ticket = visits.open_visit(
                session,
                person_id=person.id,
                person_name=person.name,
                course_id=course.id,
                tenant_id=course.tenant_id,
                role=role,
                is_test=False,
                is_admin=is_admin,
                zone=course.zone,
                locale="en",
                frame_origins=(),
                stored_browser=None,
                standing_changed=True,
            )
        found = visits.find(ticket.token)
        assert found is not None
        csrf = form_token(found.token)
        response = Response()
        visits.set_cookie(response, ticket)
        db.session.rollback()
    return Browser(app.test_client(), ticket.token, csrf, response.headers["Set-Cookie"])
