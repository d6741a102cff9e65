"""Claims that hold markup, on every page that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import requests

from tests.certification.course import CourseWithServices
from tests.certification.services import member
from tests.certification.tool import INSTRUCTOR, LEARNER
from tests.support.platform import GONE

PART = "Markup"
ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
RAW = re.compile(r"<b\s+id=|\"'><", re.IGNORECASE)
SHOWN = re.compile(r"&lt;b id=([a-z]+)&gt;")
MOST_PAGES = 40


def marked(name: str) -> str:
    """A text that would leave an attribute and open an element, wherever it were written as it is."""
    return f"\"'><b id={name}>"


PLACE: dict[str, Any] = {
    "context": {"id": "course-1", "label": marked("label"), "title": marked("title")},
    "resource_link": {"id": marked("linkid"), "title": marked("linktitle")},
    "tool_platform": {
        "guid": marked("guid"),
        "name": marked("platform"),
        "product_family_code": marked("family"),
        "version": marked("version"),
        "contact_email": marked("contact"),
    },
    "deployment_id": marked("deployment"),
    "launch_presentation": {"locale": marked("locale")},
    "custom": {"week": marked("custom")},
}


def person(who: str) -> dict[str, str]:
    parts = ("given_name", "family_name", "email")
    return {"sub": who, "name": marked(who), **{part: marked(who + part.replace("_", "")) for part in parts}}


def pages(course: CourseWithServices, arrived: requests.Response) -> Iterator[str]:
    """The page that a launch led to, and every page that links lead to from there."""
    found, visited = [arrived.url], set[str]()
    while found and len(visited) < MOST_PAGES:
        url = found.pop(0)
        if url in visited:
            continue
        visited.add(url)
        response = course.tool.browser.http.get(url, timeout=10)
        assert response.status_code == 200, url
        yield response.text
        links = re.findall(r'href="(/v/[^"]+)"(?! download)', response.text)
        hrefs = (unescape(href).partition("#")[0] for href in links)
        found += [course.tool.browser.base + href for href in hrefs if href]


def shown(course: CourseWithServices, arrived: requests.Response) -> set[str]:
    """Which claims stand on those pages, each as text."""
    names: set[str] = set()
    for page in pages(course, arrived):
        assert not RAW.search(page), page
        names |= set(SHOWN.findall(page))
    return names


@pytest.fixture
def full_course(course: CourseWithServices) -> CourseWithServices:
    """A course in which everything that the LMS says holds markup: people, course, link, platform, deployment."""
    course.tool.accepts(PLACE["deployment_id"])
    course.services.members = [member(f"s{n}", name=marked(f"student{n}")) for n in "abcd"]
    course.teacher_opens(**PLACE, **person("teacher"))
    course.roster_is_read()
    course.first_session_was(present=("sa", "sb"))
    course.pairs_are_planned()
    course.grades_are_sent()
    return course


def test_for_an_instructor(full_course: CourseWithServices) -> None:
    """Markup in every claim, as an instructor sees it"""
    seen = shown(full_course, full_course.tool.launch(**PLACE, **person("teacher"), roles=INSTRUCTOR))
    assert {"title", "teacher", "teacheremail", "studenta"} <= seen
    full_course.tool.seen("show it as text")


def test_for_a_learner(full_course: CourseWithServices) -> None:
    """Markup in every claim, as a learner sees it"""
    seen = shown(full_course, full_course.tool.launch(**PLACE, **person("sa"), roles=LEARNER))
    assert seen & {"studentb", "studentc", "studentd"}, "the learner sees no partner"
    full_course.tool.seen("show it as text")


def test_for_an_administrator(full_course: CourseWithServices) -> None:
    """Markup in every claim, as an administrator sees it"""
    seen = shown(full_course, full_course.tool.launch(**PLACE, **person("admin"), roles=[ADMIN]))
    assert {"platform", "deployment", "title"} <= seen
    full_course.tool.seen("show it as text")


def test_outside_a_course(full_course: CourseWithServices) -> None:
    """Markup in the name of somebody who comes from a place that belongs to no course"""
    arrived = full_course.tool.launch(**{**PLACE, "context": GONE}, **person("guest"), roles=LEARNER)
    assert SHOWN.findall(arrived.text) == ["guest"]
    assert not RAW.search(arrived.text)
    full_course.tool.seen("show it as text")


def test_in_a_refusal(full_course: CourseWithServices) -> None:
    """Markup in every claim of a message that is refused, and in the error of a platform"""
    tool = full_course.tool
    refused = tool.launch(**PLACE | {"deployment_id": "<b id=new>"}, **person("guest"), roles=LEARNER)
    assert refused.headers["X-Peerloop-Error"] == "deployment_pending"
    tool.browser.login()
    error = tool.browser.post(
        error=marked("error"), error_description=marked("text"), state=tool.browser.auth["state"]
    )
    assert error.headers["X-Peerloop-Error"] == "platform_error"
    for page in (refused.text, error.text):
        assert not RAW.search(page)
        assert not SHOWN.search(page)
    tool.seen("show none of it")
