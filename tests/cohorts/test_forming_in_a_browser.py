"""The page of a proposal in a real browser: dragging with the effect shown, the keyboard, a phone, a search seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from lti_tool import clock, jobs
from lti_tool.cohorts import searching
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db
from tests.cohorts.conftest import DEPARTMENTS, House, know, make_house
from tests.cohorts.test_reforming import leave, members
from tests.support import tour
from tests.support.platform import serving

PATIENCE_MS = 15_000
DESKTOP, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}
SITES = ("Lyon", "Porto", "Leeds")


@dataclass
class Desk:
    """An instructor in front of a browser, in a course of 36 people whose wishes pull in opposite directions."""

    house: House
    base: str
    context: BrowserContext

    def open(self, what: str = "", *, phone: bool = False) -> Page:
        page = self.context.new_page()
        page.set_viewport_size(PHONE if phone else DESKTOP)  # type: ignore[arg-type]  # two numbers are a size
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(f"{self.base}/v/{self.house.visit().token}/{self.house.at(what)}")
        return page


@pytest.fixture
def desk(app: Flask, browser: Browser) -> Iterator[Desk]:
    house = make_house(app, 36)
    know(house, "department", {p.id: DEPARTMENTS[n % 4] for n, p in enumerate(house.learners)})
    know(house, "site", {p.id: SITES[n * n % 3] for n, p in enumerate(house.learners)})
    know(house, "level", {p.id: str(n * 7 % 10) for n, p in enumerate(house.learners)})
    with serving(app) as (_server, base):
        context = browser.new_context()
        context.set_default_timeout(PATIENCE_MS)
        yield Desk(house, base, context)
        context.close()


def propose(desk: Desk) -> None:
    apart = (desk.house.ids(0, 1),)
    desk.house.propose(Rules(8, 12, 9, spread=("department",), balance=("level",), gather=("site",), apart=apart))


def card(page: Page, name: str) -> Locator:
    return page.locator(".card", has=page.get_by_role("heading", name=name, exact=True))


def faultless(page: Page) -> None:
    assert tour.faults(page.main_frame) == []


def test_a_person_is_dragged_with_the_effect_shown_before_they_are_let_go(desk: Desk) -> None:
    propose(desk)
    page = desk.open()
    person = card(page, "Cohort A").locator("li[data-person]").first
    name = person.locator("a").inner_text()
    person.hover()
    page.mouse.down()
    card(page, "Cohort B").hover()
    card(page, "Cohort B").hover()  # a browser drags from the second movement on
    expect(card(page, "Cohort B").locator(".drop-effect")).to_contain_text(
        "sizes differ by up to 2, more than your rule of 1"
    )
    card(page, "Cohort B").hover()
    page.mouse.up()
    expect(page.get_by_role("status")).to_contain_text(f"{name} is now in Cohort B.")
    expect(card(page, "Cohort B")).to_contain_text(name)
    page.get_by_role("button", name="Undo").click()
    expect(card(page, "Cohort A")).to_contain_text(name)
    page.get_by_text("Person 01", exact=True).drag_to(page.get_by_text("Person 02", exact=True))
    expect(page.get_by_role("alert")).to_contain_text("Person 01 and Person 02 must be apart.")
    faultless(page)
    page.get_by_role("link", name="See what else is possible").click()
    expect(page.get_by_text("Not possible: Person 01 and Person 02 must be apart.")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
def test_the_same_is_done_by_keyboard_and_on_a_phone(desk: Desk, phone: bool) -> None:
    propose(desk)
    page = desk.open(phone=phone)
    person = card(page, "Cohort A").locator("li[data-person] a").first
    name = person.inner_text()
    person.focus()
    page.keyboard.press("Enter")
    move = page.get_by_role("button", name="Move to Cohort B")
    expect(move).to_be_visible()
    faultless(page)
    move.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"{name} is now in Cohort B.")


def test_rules_are_chosen_drafts_compared_and_a_search_is_watched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SECONDS", 2.0)
    jobs.beat("a worker", clock.wall())
    page = desk.open()
    expect(page.locator("main")).to_contain_text("4 cohorts of 9")
    for wish in ("Spread department", "Balance level", "Gather the same site"):
        page.get_by_label(wish).check()
    page.get_by_label("How much site matters").select_option("much")
    page.get_by_label("People in a cohort").fill("9")
    faultless(page)
    page.get_by_role("button", name="Make a proposal").last.click()
    expect(page.locator("#search")).to_contain_text("Looking for something better")
    faultless(page)
    db.session.rollback()
    assert jobs.run_once()["cohorts"] == 1
    expect(page.locator("#search")).to_be_hidden(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("link", name="Compare the 2 drafts").click()
    expect(page.get_by_role("columnheader")).to_have_text(["What", "Draft 1", "Draft 2"])
    faultless(page)
    page.get_by_role("button", name="Take draft 1").click()
    expect(page.get_by_role("status")).to_contain_text("You are working on draft 1 now.")


def test_the_ways_to_go_on_after_people_left_are_shown_and_taken_on_a_phone(desk: Desk) -> None:
    propose(desk)
    page = desk.open("publish", phone=True)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("4 cohorts are published.")
    leave(members(desk.house)[0][:4])
    page.reload()
    page.get_by_role("link", name="See how they could go on").click()
    assert tour.faults(page.main_frame) == []
    expect(page.get_by_text("From Cohort").first).to_be_visible()
    page.get_by_role("button", name="Go this way").first.click()
    expect(page.get_by_text("have a new place.")).to_be_visible()
