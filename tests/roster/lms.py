"""An LMS with one course, whose roster a test writes and breaks, and whose people it launches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, Request, Response
from sqlalchemy import select

from lti_tool.database import db, transaction
from lti_tool.lti import registrations, wire
from lti_tool.lti.launch import Context, GradeService, Identity, Launch, ResourceLink, Role, Standing
from lti_tool.lti.launch import Platform as Instance
from lti_tool.lti.registrations import Registration
from lti_tool.roster import launches, readings
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import Course, Enrolment, Person, RosterReading
from tests.support.platform import Platform

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
Fault = Callable[[int], Response | None]


def member(subject: str, name: str | None = None, role: str = "Learner", **more: Any) -> dict[str, Any]:
    """An entry of the roster as the standard has it."""
    named = {"name": name} if name else {}
    return {"user_id": subject, "roles": [MEMBERSHIP + role], **named, **more}


def class_of(count: int) -> list[dict[str, Any]]:
    return [member(f"s{n}", f"Student {n:03d}", email=f"s{n}@example.edu") for n in range(1, count + 1)]


class Lms:
    """`fault(page)` may answer in place of a page, `before_page(page)` does something in the tool meanwhile."""

    def __init__(self, app: Flask, platform: Platform) -> None:
        self.app = app
        self.platform = platform
        self.people: list[dict[str, Any]] = []
        self.page_size = 10
        self.fault: Fault = lambda _page: None
        self.before_page: Callable[[int], None] = lambda _page: None
        self.asked = 0
        platform.answers["/members"] = self._answer
        if "lti" not in app.extensions:
            wire.register(app)
        wire.ensure_signing_key()
        with transaction() as session:
            self.registration: Registration = registrations.add(
                session,
                name="Test LMS",
                issuer=platform.issuer,
                client_id=platform.client_id,
                auth_url=platform.url("/auth"),
                token_url=platform.url("/token"),
                jwks_url=platform.url("/jwks"),
                deployment_ids=("deployment-1",),
            )

    def _answer(self, request: Request) -> Response:
        page = int(request.args.get("page", 1))
        self.asked += 1
        with self.app.app_context():
            self.before_page(page)
        if (broken := self.fault(page)) is not None:
            return broken
        start = (page - 1) * self.page_size
        body = {"id": "members", "context": {"id": "c1"}, "members": self.people[start : start + self.page_size]}
        response = Response(json.dumps(body), content_type="application/json")
        if start + self.page_size < len(self.people):
            response.headers["Link"] = f'<{self.platform.url("/members")}?page={page + 1}>; rel="next"'
        return response

    def launch(self, subject: str = "teacher", role: Role = Role.INSTRUCTOR, **changes: Any) -> Launch:
        """A launch from the course; `changes` are fields of `Launch`."""
        launch = Launch(
            registration_id=self.registration.id,
            deployment_id="deployment-1",
            message_type="LtiResourceLinkRequest",
            target_link_uri="http://localhost/",
            identity=Identity(subject, name=f"The {subject}"),
            standing=Standing(role),
            platform=Instance(guid="guid-1", name="Northfield College", family="moodle"),
            context=Context("c1", "PL1", "Peer learning"),
            resource_link=ResourceLink("link-1", "Week 1"),
            memberships_url=self.platform.url("/members"),
            grades=GradeService(self.platform.url("/lineitems"), None, frozenset({"b", "a"})),
            return_url=None,
            frame_origins=(),
        )
        return replace(launch, **changes)

    def arrives(self, subject: str = "teacher", role: Role = Role.INSTRUCTOR, **changes: Any) -> Recorded:
        with transaction() as session:
            return launches.record(session, self.launch(subject, role, **changes))

    def read(self) -> RosterReading:
        """Ask for a reading of the only course, do what is due, and return what became of it."""
        with transaction() as session:
            readings.request_now(session, course().id)
        readings.run()
        return reading()


def course() -> Course:
    db.session.rollback()
    return db.session.scalars(select(Course)).one()


def reading() -> RosterReading:
    db.session.rollback()
    found = readings.latest(db.session(), course().id)
    assert found is not None
    return found


def enrolment(subject: str) -> Enrolment:
    db.session.rollback()
    query = select(Enrolment).join(Person, Person.id == Enrolment.person_id).where(Person.subject == subject)
    return db.session.scalars(query).one()


def person(subject: str) -> Person:
    db.session.rollback()
    return db.session.scalars(select(Person).where(Person.subject == subject)).one()


def present() -> set[str]:
    """The subjects of those who have not left."""
    db.session.rollback()
    query = select(Person.subject).join(Enrolment, Enrolment.person_id == Person.id)
    return set(db.session.scalars(query.where(Enrolment.left_at.is_(None))))
