"""Every address of the product, as every role, as a stranger, and as the same role of another course."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from lti_tool.lti.launch import Role
from lti_tool.web.gate import Access, access_of
from tests.support import factories, world
from tests.support.factories import Browser
from tests.support.world import World

ROLES = ("instructor", "ta", "learner", "facilitator", "mentor", "none", "admin")
MAY_ENTER = {
    Access.VISITOR: set(ROLES),
    Access.LEARNER: {"learner", "facilitator"},
    Access.FACILITATOR: {"instructor", "ta", "facilitator"},
    Access.STAFF: {"instructor", "ta"},
    Access.INSTRUCTOR: {"instructor"},
    Access.ADMIN: {"admin"},
}


@pytest.fixture
def here(app: Flask) -> World:
    return world.build(app)


def pages(app: Flask) -> Iterator[tuple[Rule, str, Access]]:
    """Every rule that needs a visit, each method of it, and who may enter."""
    for rule in app.url_map.iter_rules():
        if "visit" in rule.arguments:
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield rule, method, access_of(app, rule.endpoint)


def address(rule: Rule, ids: dict[str, int]) -> str:
    """The path after the visit, with a real id for each argument."""
    built = rule.build({"visit": "token", **{name: ids[name] for name in rule.arguments - {"visit"}}})
    assert built is not None, f"no id for {rule}"
    return built[1].removeprefix("/v/token/")


def ask(browser: Browser, method: str, path: str) -> int:
    response = browser.get(path) if method == "GET" else browser.post(path, follow=False)
    return response.status_code


def test_every_address_says_who_may_enter_it(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert access_of(app, rule.endpoint), rule
        assert ("visit" in rule.arguments) == (access_of(app, rule.endpoint) is not Access.PUBLIC), rule


@pytest.mark.parametrize("role", ROLES)
def test_a_role_enters_what_is_its_own_and_nothing_else(here: World, role: str) -> None:
    browser = here.visit(role)
    for rule, method, access in pages(here.app):
        status = ask(browser, method, address(rule, here.ids))
        assert status < 500, f"{method} {rule} as {role}: {status}"
        assert (status == 403) == (role not in MAY_ENTER[access]), f"{method} {rule} as {role}: {status}"


@pytest.mark.parametrize("role", ["instructor", "ta", "learner"])
def test_another_course_is_not_there_for_anybody(here: World, role: str) -> None:
    other = world.build(here.app, title="Another course", issuer="https://other.test")
    browser = here.visit(role)
    for rule, method, _access in pages(here.app):
        if rule.arguments != {"visit"}:
            status = ask(browser, method, address(rule, other.ids))
            assert status in {403, 404}, f"{method} {rule} as {role} of another course: {status}"


def test_a_stranger_enters_nothing(here: World) -> None:
    stranger = Browser(here.app.test_client(), "made-up", "made-up")
    for rule, method, _access in pages(here.app):
        assert ask(stranger, method, address(rule, here.ids)) == 401, f"{method} {rule}"


def test_no_form_is_taken_without_its_token(here: World) -> None:
    for role in ROLES:
        browser = here.visit(role)
        browser.csrf = "forged"
        for rule, method, _access in pages(here.app):
            if method == "POST":
                assert ask(browser, method, address(rule, here.ids)) in {400, 403}, f"{rule} as {role}"


def test_a_visit_that_is_bound_to_a_browser_opens_in_no_other(here: World) -> None:
    browser = here.visit("learner")
    browser.bring_cookie()
    assert browser.get().status_code == 200
    elsewhere = Browser(here.app.test_client(), browser.token, browser.csrf)
    assert elsewhere.get().status_code == 401


def test_roles_that_have_no_place_are_told_why(here: World) -> None:
    for role in (Role.MENTOR, Role.NONE):
        page = factories.visit(here.app, here.course, here.people[role.value], role).get()
        assert page.status_code == 200
