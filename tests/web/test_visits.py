"""A visit is one person's, in one browser, for as long as it is used; pages tell nobody else of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.web import visits
from lti_tool.web.visits import VisitRow
from tests.support import factories
from tests.support.factories import Browser


@pytest.fixture
def visitor(app: Flask) -> Browser:
    course = factories.make_course()
    [person] = factories.make_people(course, ["Ana"], role=Role.INSTRUCTOR)
    return factories.visit(app, course, person, Role.INSTRUCTOR)


def age(**ago: timedelta) -> None:
    """Move what is stored of all visits into the past."""
    with transaction() as session:
        values = {name: clock.wall() - length for name, length in ago.items()}
        session.execute(update(VisitRow).values(values))


def test_a_visit_goes_on_while_it_is_used(visitor: Browser) -> None:
    for _hour in range(3):
        age(seen_at=timedelta(minutes=100))
        assert visitor.get().status_code == 200


def test_a_visit_left_alone_for_two_hours_has_ended_and_says_how_to_come_back(visitor: Browser) -> None:
    age(seen_at=timedelta(minutes=121))
    page = visitor.get()
    assert page.status_code == 401
    assert "Open Peerloop again from your course page" in page.text


def test_a_visit_ends_after_twelve_hours_even_if_it_is_used(visitor: Browser) -> None:
    age(created_at=timedelta(hours=12, minutes=1))
    assert visitor.get().status_code == 401


def test_pages_are_kept_by_nobody_and_tell_no_other_site_where_they_were(visitor: Browser) -> None:
    headers = visitor.get().headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Frame-Options" not in headers


def test_scripts_and_styles_come_from_here_alone(visitor: Browser) -> None:
    policy = visitor.get().headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_only_the_lms_of_the_launch_may_frame_a_page(app: Flask, visitor: Browser) -> None:
    assert visitor.get().headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    with transaction() as session:
        session.execute(update(VisitRow).values(frame_origins=["https://lms.test"]))
    assert visitor.get().headers["Content-Security-Policy"].endswith("frame-ancestors 'self' https://lms.test")
    assert app.test_client().get("/healthz").headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_a_notice_is_shown_once_to_whom_it_was_left_and_a_forged_one_never(visitor: Browser) -> None:
    page = visitor.post("people/read", follow=False)
    assert page.status_code == 303
    shown = visitor.get(page.headers["Location"])
    assert "notice=" in page.headers["Location"]
    assert 'role="status"' in shown.text
    assert "forged" not in visitor.get("people?notice=forged").text


def test_the_cookie_of_an_https_visit_is_partitioned_and_for_this_host_alone(app: Flask) -> None:
    secure = app.extensions["settings"].model_copy(update={"base_url": "https://peerloop.example.edu"})
    app.extensions["settings"] = secure
    course = factories.make_course()
    [person] = factories.make_people(course, ["Ana"])
    cookie = factories.visit(app, course, person, Role.LEARNER).cookie
    assert cookie.startswith("__Host-peerloop-browser=")
    for word in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert word in cookie


def test_who_signs_in_after_somebody_else_in_the_same_browser_finds_nothing_of_theirs_open(any_app: Flask) -> None:
    course = factories.make_course()
    [ana, ben] = factories.make_people(course, ["Ana", "Ben"])
    before = factories.visit(any_app, course, ana, Role.LEARNER)
    elsewhere = factories.visit(any_app, course, ana, Role.LEARNER)
    now = factories.visit(any_app, course, ben, Role.LEARNER, after=before)
    now.bring_cookie()
    assert now.get().status_code == 200
    page = before.get()
    assert page.status_code == 401
    assert "somebody has signed in since" in page.text
    assert elsewhere.get().status_code == 200


def test_the_same_person_may_have_several_pages_open_in_one_browser(app: Flask) -> None:
    course = factories.make_course()
    [ana] = factories.make_people(course, ["Ana"])
    first = factories.visit(app, course, ana, Role.LEARNER)
    second = factories.visit(app, course, ana, Role.LEARNER, after=first)
    assert first.cookie.partition(";")[0] == second.cookie.partition(";")[0]
    for browser in (first, second):
        browser.bring_cookie()
        assert browser.get().status_code == 200


def test_a_visit_in_another_lms_goes_on_when_somebody_signs_in_here(app: Flask) -> None:
    here, there = factories.make_course(), factories.make_course(title="Elsewhere", issuer="https://other.test")
    [ana], [ben] = factories.make_people(here, ["Ana"]), factories.make_people(there, ["Ben"])
    first = factories.visit(app, here, ana, Role.LEARNER)
    factories.visit(app, there, ben, Role.LEARNER, after=first)
    first.bring_cookie()
    assert first.get().status_code == 200


def test_a_changed_role_ends_what_is_open_in_the_old_one_at_the_next_launch(app: Flask) -> None:
    here = factories.make_course()
    [ana, ben] = factories.make_people(here, ["Ana", "Ben"], role=Role.INSTRUCTOR)
    as_instructor, of_another = (factories.visit(app, here, person, Role.INSTRUCTOR) for person in (ana, ben))
    assert as_instructor.get("people").status_code == 200
    as_learner = factories.visit(app, here, ana, Role.LEARNER)
    assert as_instructor.get("people").status_code == 401
    assert as_learner.get("people").status_code == 403
    assert of_another.get("people").status_code == 200


def test_who_is_no_administrator_any_more_has_no_page_of_one_open_in_any_course(any_app: Flask) -> None:
    here = factories.make_course()
    there = factories.make_course(title="Elsewhere", tenant_id=here.tenant_id)
    [ana] = factories.make_people(here, ["Ana"], role=Role.INSTRUCTOR)
    as_admin = factories.visit(any_app, there, ana, Role.INSTRUCTOR, is_admin=True)
    as_teacher = factories.visit(any_app, there, ana, Role.INSTRUCTOR)
    assert as_admin.get("connection").status_code == 401
    factories.visit(any_app, here, ana, Role.INSTRUCTOR)
    assert as_teacher.get().status_code == 200


def test_a_cookie_that_is_none_of_ours_is_replaced(app: Flask) -> None:
    course = factories.make_course()
    [ana] = factories.make_people(course, ["Ana"])
    forged = factories.visit(app, course, ana, Role.LEARNER)
    forged.cookie = "peerloop-browser=x"
    given = factories.visit(app, course, ana, Role.LEARNER, after=forged).cookie
    assert re.match(r"peerloop-browser=[\w-]{43};", given)


def test_visits_left_idle_are_removed_in_time_and_no_other(app: Flask, visitor: Browser) -> None:
    age(seen_at=timedelta(minutes=121))
    course = factories.make_course(title="Another", issuer="https://other.test")
    [ana] = factories.make_people(course, ["Ana"])
    lively = factories.visit(app, course, ana, Role.LEARNER)
    with transaction() as session:
        visits.sweep(session)
    assert db.session.query(VisitRow).count() == 1
    assert lively.get().status_code == 200
    assert visitor.get().status_code == 401
