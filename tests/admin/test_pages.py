"""The administrator's page: this institution's LMS in plain words, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask, Response
from sqlalchemy import select, update

from lti_tool import clock
from lti_tool.admin import checking
from lti_tool.admin.tables import Checkup
from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Column
from lti_tool.lti.launch import Context, Platform, Role
from lti_tool.roster.tables import Course, Enrolment, Person, ReadingState, RosterReading
from tests.admin.gradebook import Gradebook, service_of
from tests.admin.launching import BASE, send_launch
from tests.roster.lms import Lms, person
from tests.support import factories, world
from tests.support.factories import NOW, Browser
from tests.support.moments import counted_queries
from tests.support.platform import GONE


@pytest.fixture
def course(app: Flask) -> Course:
    assert app
    return factories.make_course(title="Giving feedback")


@pytest.fixture
def admin(app: Flask, course: Course) -> Browser:
    return an_administrator(app, course)


def an_administrator(app: Flask, course: Course) -> Browser:
    person = factories.make_people(course, ["Root"], role=Role.NONE)[0]
    return factories.visit(app, course, person, Role.NONE, is_admin=True)


def seen(browser: Browser, path: str = "connection", **headers: str) -> str:
    response = browser.get(path, headers=headers)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def test_an_administrator_sees_the_connection_of_the_own_institution_only(admin: Browser, course: Course) -> None:
    other = factories.make_course(title="Elsewhere", issuer="https://elsewhere.test")
    problem = "At page 2, the answer is not JSON."
    with transaction() as session:
        state = ReadingState.FAILED.value
        session.add(RosterReading(course_id=course.id, state=state, requested_at=NOW, try_at=NOW, problem=problem))
    page = seen(admin)
    assert ": one thing needs a look" in page
    assert problem in page
    for fact in ("https://lms.test", "client-Giving feedback", "/lti/jwks", "/lti/launch", "/lti/login/"):
        assert fact in page
    assert other.title not in page
    assert "elsewhere.test" not in page


def test_an_instructor_does_not_see_the_connection(app: Flask, course: Course) -> None:
    teacher = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)[0]
    browser = factories.visit(app, course, teacher, Role.INSTRUCTOR)
    assert browser.get("connection").status_code == 403
    assert browser.post("connection/check", course=course.id).status_code == 403


def test_the_button_has_the_lms_checked_and_the_page_shows_what_was_found(lms: Lms, gradebook: Gradebook) -> None:
    gradebook.faults["delete"] = lambda: Response("<b>no</b>", 403)
    lms.arrives("root", Role.NONE, grades=service_of(lms.platform))
    course = db.session.scalars(select(Course)).one()
    admin = factories.visit(lms.app, course, person("root"), Role.NONE, is_admin=True)
    assert "Not checked yet" in seen(admin)
    waiting = admin.post("connection/check", course=course.id).get_data(as_text=True)
    assert "The LMS is being checked" in waiting
    assert "Check now" not in waiting
    checking.run()
    page = seen(admin)
    assert "1 key was read." in page
    assert "Delete the column “Peerloop check” in the gradebook of “Peer learning” by hand." in page
    assert "Checked" in page


def test_a_check_that_no_worker_takes_is_not_waited_for_without_an_end(admin: Browser, course: Course) -> None:
    assert "data-look-again" in admin.post("connection/check", course=course.id).get_data(as_text=True)
    with transaction() as session:
        session.execute(update(Checkup).values(asked_at=clock.wall() - timedelta(minutes=3)))
    page = seen(admin)
    assert "no worker has taken it" in page
    assert "data-look-again" not in page


def test_nobody_has_a_course_of_others_checked(admin: Browser) -> None:
    other = factories.make_course(title="Elsewhere", issuer="https://elsewhere.test")
    for value in (other.id, "x", "", 2**40):
        assert admin.post("connection/check", course=value).status_code == 404
    assert db.session.scalars(select(Checkup)).all() == []


def test_the_last_launches_are_told_without_names(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER)
    lms.arrives("root", Role.NONE)
    course = db.session.scalars(select(Course)).one()
    page = seen(factories.visit(lms.app, course, person("root"), Role.NONE, is_admin=True))
    assert "learner" in page.partition("Last launches")[2]
    assert "The ana" not in page


def test_the_page_says_how_this_browser_shows_frame_and_cookies(admin: Browser) -> None:
    assert "keeps no cookie of Peerloop here" in seen(admin)
    assert "does not say whether" in seen(admin)
    assert "in a tab of its own" in seen(admin, Sec_Fetch_Dest="document")
    admin.bring_cookie()
    page = seen(admin, Sec_Fetch_Dest="iframe")
    assert "shows Peerloop inside the page of the LMS" in page
    assert "returns the cookie of this visit" in page


def test_a_page_of_many_courses_costs_no_more_queries_than_one_of_few(
    app: Flask, course: Course, admin: Browser
) -> None:
    seen(admin)
    with counted_queries() as few:
        seen(admin)
    with transaction() as session:
        for number in range(40):
            session.add(
                Course(
                    tenant_id=course.tenant_id,
                    context_id=f"c{number}",
                    deployment_id="1",
                    title=f"C{number}",
                    grade_scopes=[],
                )
            )
    with counted_queries() as many:
        seen(admin)
    assert app
    assert len(many) == len(few)


def test_a_gradebook_that_grades_do_not_get_into_is_told(app: Flask) -> None:
    here = world.build(app)
    admin = here.visit("admin")
    assert "No grade was due yet." in seen(admin)
    with transaction() as session:
        session.execute(update(Column).values(read_at=NOW))
    assert "Grades do not get through." not in seen(admin)
    with transaction() as session:
        session.execute(
            update(Column).where(Column.measure == "sessions").values(problem="Allow the grade services.")
        )
    page = seen(admin)
    assert "Grades do not get through." in page
    assert "Allow the grade services." in page


ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"


def opened_outside_a_course(lms: Lms, role: str) -> str:
    """What somebody sees who opens Peerloop from a place of the LMS that belongs to no course."""
    client = lms.app.test_client()
    answer = send_launch(lms, client, context=GONE, roles=[role], sub="root")
    while answer.status_code in {302, 303}:
        answer = client.get(answer.headers["Location"], base_url=BASE)
    assert answer.status_code == 200
    db.session.rollback()
    return answer.get_data(as_text=True)


def test_an_administrator_needs_no_course_to_see_the_connection(lms: Lms) -> None:
    assert "Please open Peerloop from a course" in opened_outside_a_course(lms, ADMINISTRATOR)
    lms.arrives(platform=Platform(name="Northfield"))
    assert "Northfield is connected" in opened_outside_a_course(lms, ADMINISTRATOR)
    root = db.session.scalars(select(Person).where(Person.subject == "root")).one()
    assert db.session.scalars(select(Enrolment).where(Enrolment.person_id == root.id)).all() == []


def test_nobody_else_is_led_anywhere_from_outside_a_course(lms: Lms) -> None:
    lms.arrives(platform=Platform(name="Northfield"))
    for role in ("Instructor", "Learner", "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"):
        assert "Please open Peerloop from a course" in opened_outside_a_course(lms, role)


def test_an_administrator_from_outside_a_course_sees_the_own_institution(lms: Lms) -> None:
    lms.arrives(platform=Platform(name="Northfield"))
    lms.arrives(platform=Platform(name="Southfield"), deployment_id="deployment-2", context=Context("c2"))
    page = opened_outside_a_course(lms, ADMINISTRATOR)
    assert "Northfield is connected" in page
    assert "Southfield" not in page
