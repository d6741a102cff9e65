"""Every address of the product, as every role, as a stranger, and as the same role of another course."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from lti_tool.database import Base, db
from lti_tool.lti import wire
from lti_tool.lti.launch import Role
from lti_tool.roster.tables import Person
from lti_tool.web.gate import Access, access_of
from tests.support import factories, world
from tests.support.factories import Browser
from tests.support.world import World

STRANGER = "Stranger"
KINDS = ("of the same institution", "of another one")
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
    wire.ensure_signing_key()  # to an LMS that waits for links we answer in our name
    return world.build(app)


def pages(app: Flask) -> Iterator[tuple[Rule, str, Access]]:
    """Every rule that needs a visit, each method of it, and who may enter."""
    for rule in app.url_map.iter_rules():
        if "visit" in rule.arguments:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, access_of(app, rule.endpoint)


def address(rule: Rule, ids: dict[str, int]) -> str:
    """The path after the visit, with a real id for each argument."""
    built = rule.build({"visit": "token", **{name: ids[name] for name in rule.arguments - {"visit"}}})
    assert built is not None, f"no id for {rule}"
    return built[1].removeprefix("/v/token/")


def ask(browser: Browser, method: str, path: str) -> int:
    response = browser.get(path) if method == "GET" else browser.send(method, path)
    return response.status_code


def stranger_to(here: World, kind: str) -> World:
    """A second course that nobody of the first may see, as near as it can be or as far."""
    if kind == KINDS[0]:
        return world.build(here.app, "Another course", tenant_id=here.course.tenant_id, learner=STRANGER)
    return world.build(here.app, "Another course", issuer="https://other.test", learner=STRANGER)


def test_every_address_says_who_may_enter_it(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert access_of(app, rule.endpoint), rule
        needs_visit = access_of(app, rule.endpoint) not in {Access.PUBLIC, Access.OPERATOR}
        assert ("visit" in rule.arguments) == needs_visit, rule


@pytest.mark.parametrize("address", ["/v/<visit>/undeclared", "/undeclared"])
def test_an_address_that_does_not_say_who_may_enter_it_is_found_and_never_served(app: Flask, address: str) -> None:
    app.add_url_rule(address, "undeclared", lambda: "for anybody")
    with pytest.raises(LookupError, match="undeclared does not say who may enter it"):
        test_every_address_says_who_may_enter_it(app)
    app.testing = False
    answer = app.test_client().get(address.replace("<visit>", "made-up"))
    assert answer.status_code == 500
    assert "for anybody" not in answer.text


@pytest.mark.parametrize("role", ROLES)
def test_a_role_enters_what_is_its_own_and_nothing_else(here: World, role: str) -> None:
    browser = here.visit(role)
    for rule, method, access in pages(here.app):
        status = ask(browser, method, address(rule, here.ids))
        assert status < 500, f"{method} {rule} as {role}: {status}"
        assert (status == 403) == (role not in MAY_ENTER[access]), f"{method} {rule} as {role}: {status}"


@pytest.mark.parametrize("kind", KINDS)
def test_another_course_is_not_there_for_anybody(here: World, kind: str) -> None:
    other = stranger_to(here, kind)
    for role in ROLES:
        browser = here.visit(role)
        for rule, method, _access in pages(here.app):
            for name in rule.arguments - {"visit"}:
                status = ask(browser, method, address(rule, here.ids | {name: other.ids[name]}))
                assert status in {403, 404}, f"{method} {rule} as {role} with another course's {name}: {status}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_page_names_anybody_of_another_course(here: World, kind: str) -> None:
    stranger_to(here, kind)
    for role in ROLES:
        browser = here.visit(role)
        # An institution's administrator sees which courses it has, and nobody in them.
        names = STRANGER if role == "admin" and kind == KINDS[0] else f"{STRANGER}|Another course"
        for rule, method, access in pages(here.app):
            if method == "GET" and role in MAY_ENTER[access]:
                page = browser.get(address(rule, here.ids)).text
                assert not re.search(names, page), f"{rule} as {role}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_that_names_people_of_another_course_does_nothing_to_them(here: World, kind: str) -> None:
    other = stranger_to(here, kind)
    before = rows_about(other)
    person, cohort = other.ids["person_id"], other.ids["cohort_id"]
    forms: list[dict[str, Any]] = [
        {"person": person, "with": person, "to": cohort, "anyway": 1, "version": 1},
        {f"presence-{person}": "present"},
        {"together-1": [person, here.ids["person_id"]], "locked": f"{person}:0", "size_min": 3, "size_max": 9},
    ]
    browser = here.visit("instructor")
    for rule, method, _access in pages(here.app):
        for form in forms if method != "GET" else []:
            status = browser.send(method, address(rule, here.ids), **form).status_code
            assert status < 500, f"{method} {rule}: {status}"
            assert rows_about(other) == before, f"{method} {rule}"  # what one form does, the next may undo


def rows_about(other: World) -> dict[str, int]:
    """How many rows name a person of a course, by table and column."""
    people = select(Person.id).where(Person.name.startswith(STRANGER))
    columns = [
        key.parent
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.references(Base.metadata.tables["person"])
    ]
    assert len(columns) > 8
    with other.app.app_context():
        counted = {str(column): select(func.count()).where(column.in_(people)) for column in columns}
        return {column: db.session.scalar(query) or 0 for column, query in counted.items()}


def test_what_is_open_to_everybody_opens_no_visit(app: Flask) -> None:
    wire.ensure_signing_key()
    for rule in app.url_map.iter_rules():
        if "visit" in rule.arguments:
            continue
        path = (rule.build(dict.fromkeys(rule.arguments, 1)) or ("", ""))[1]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = app.test_client().open(path, method=method)
            assert answer.status_code < 500, f"{method} {rule}: {answer.status_code}"
            assert "Set-Cookie" not in answer.headers
            assert "/v/" not in answer.headers.get("Location", "")


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
