"""A visit is one person's, in one browser, for as long as it is used; pages tell nobody else of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.lti.launch import Role
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
    assert cookie.startswith("__Host-visit-")
    for word in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert word in cookie
