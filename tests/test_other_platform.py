"""Peerloop launched from a platform library of other people: its own logins, signatures, tokens and services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from lti_tool.database import db, transaction
from lti_tool.demo.robot import Page, Robot
from lti_tool.lti import registrations, wire
from lti_tool.lti.failures import Superseded
from lti_tool.lti.grades import Activity, Grading, LineItem, Score, find_or_create, post_score, read_results
from lti_tool.lti.launch import GradeService, Role
from lti_tool.lti.registrations import Registration
from lti_tool.roster import readings
from lti_tool.roster.tables import Course, Enrolment, Person, ReadingState, Tenant
from tests.support.other_platform import COURSE, DEPLOYMENT_ID, PEOPLE, OtherPlatform
from tests.support.platform import serving
from tests.support.product import Product

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def other(product: Product) -> Iterator[OtherPlatform]:
    with serving(None) as (server, base):
        platform = OtherPlatform(base, product.settings.base_url)
        server.app = platform.app
        yield platform


@pytest.fixture
def registration(product: Product, other: OtherPlatform) -> Registration:
    with product.app.app_context(), transaction() as session:
        return registrations.add(session, deployment_ids=[DEPLOYMENT_ID], **other.registration())


def opened(other: OtherPlatform, person: str) -> Page:
    """Peerloop's page after this person has opened it from the course."""
    robot = Robot(other.base)
    page = robot.launch(f"/open/{person}")
    robot.close()
    return page


def course_of(registration: Registration) -> Course:
    query = select(Course).join(Tenant, Tenant.id == Course.tenant_id)
    return db.session.scalars(query.where(Tenant.registration_id == registration.id)).one()


def roles(course: Course) -> dict[str, str]:
    query = select(Person.subject, Enrolment.role).join(Person, Person.id == Enrolment.person_id)
    rows = db.session.execute(query.where(Enrolment.course_id == course.id))
    return {row.subject: row.role for row in rows}


def test_people_open_peerloop_from_it(product: Product, other: OtherPlatform, registration: Registration) -> None:
    for person in ("teacher", "learner-1"):
        page = opened(other, person)
        assert (page.status, "/v/" in page.url) == (200, True), page.text
    with product.app.app_context():
        course = course_of(registration)
        assert (course.title, course.context_id) == (COURSE.title, COURSE.id)
        assert roles(course) == {"teacher": Role.INSTRUCTOR, "learner-1": Role.LEARNER}


def test_its_roster_is_read_page_by_page(product: Product, other: OtherPlatform, registration: Registration) -> None:
    opened(other, "teacher")
    with product.app.app_context():
        course_id = course_of(registration).id
        with transaction() as session:
            readings.request_now(session, course_id)
        while readings.run():
            pass
        reading = readings.latest(db.session(), course_id)
        assert reading is not None
        assert (reading.state, reading.pages, reading.problem) == (ReadingState.COMPLETE, 3, None)
        assert {person: role.capitalize() for person, role in roles(course_of(registration)).items()} == PEOPLE


def test_grades_go_out_to_it_and_come_back(
    product: Product, other: OtherPlatform, registration: Registration
) -> None:
    opened(other, "teacher")
    with product.app.app_context():
        course = course_of(registration)
        service = GradeService(course.line_items_url, None, frozenset(course.grade_scopes))
        connection = wire.connect(registration, DEPLOYMENT_ID)
    wanted = LineItem("Sessions", 100, "program-1", "sessions")
    url = str(find_or_create(connection, service, wanted).id)
    assert find_or_create(connection, service, wanted).id == url
    score = Score("learner-1", NOW, Activity.IN_PROGRESS, Grading.FULLY_GRADED, given=62.5, maximum=100)
    post_score(connection, url, score)
    [result] = read_results(connection, url, user_id="learner-1")
    assert (result.score, result.maximum) == (62.5, 100)
    with pytest.raises(Superseded):
        post_score(connection, url, score)
    later = Score("learner-1", NOW + timedelta(seconds=1), Activity.INITIALIZED, Grading.NOT_READY)
    post_score(connection, url, later)
    [result] = read_results(connection, url)
    assert result.score is None
