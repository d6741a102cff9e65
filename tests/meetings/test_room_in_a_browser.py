"""A whole session in a real browser: a facilitator's phone, the shared screen and six learners, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.meetings import checkin, screen
from lti_tool.meetings.tables import Attendance, Meeting
from lti_tool.roster.tables import Person
from tests.support import factories, tour
from tests.support.moments import SetNow, set_now
from tests.support.platform import serving

__all__ = ["set_now"]

PATIENCE_MS = 15_000
PHONE = {"width": 390, "height": 844}
NAMES = ("Amara", "Bilal", "Chen", "Dana", "Emil", "Farah")


class House:
    """A cohort whose first session begins in five minutes, served over HTTP to whoever enters."""

    def __init__(self, app: Flask, base: str, browser: Browser, move: SetNow) -> None:
        self.app, self.base, self._browser, self._move = app, base, browser, move
        self.course = factories.make_course()
        program = factories.make_program(self.course)
        self.people = dict(zip(NAMES, factories.make_people(self.course, NAMES), strict=True))
        (self.mei,) = factories.make_people(self.course, ["Mei"])
        factories.make_cohort(program, list(self.people.values()), facilitator=self.mei)
        meeting = db.session.scalars(select(Meeting).order_by(Meeting.starts_at)).first()
        assert meeting is not None
        self.meeting_id, self.starts_at = meeting.id, meeting.starts_at
        self.code = checkin.code_of(meeting.id)
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.at(-5)
        db.session.rollback()

    def at(self, minutes: float) -> datetime:
        now = self.starts_at + timedelta(minutes=minutes)
        self._move(now)
        return now

    def enter(self, who: Person, page: str) -> Page:
        return self.open(f"/v/{factories.visit(self.app, self.course, who, Role.LEARNER).token}/{page}")

    def open(self, path: str) -> Page:
        context = self._browser.new_context(viewport={"width": PHONE["width"], "height": PHONE["height"]})
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.base + path)
        return page

    def stored(self) -> dict[str, str]:
        db.session.rollback()
        query = select(Person.name, Attendance.presence).join(Person, Person.id == Attendance.person_id)
        return dict(iter(db.session.execute(query)))

    def leave(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def house(app: Flask, browser: Browser, set_now: SetNow) -> Iterator[House]:
    with serving(app) as (_server, base):
        house = House(app, base, browser, set_now)
        yield house
        house.leave()


def check_in(page: Page, code: str) -> None:
    page.get_by_label("Code on the shared screen").fill(code)
    page.get_by_role("button", name="I am here").click()


def says(page: Page, words: str) -> None:
    """Wait for words; a page asks at once for what is new when its network comes back, so this says that it did."""
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("main")).to_contain_text(words, timeout=PATIENCE_MS)


def faultless(*pages: Page) -> None:
    for page in pages:
        assert tour.faults(page.main_frame) == []


@pytest.mark.long
def test_a_whole_session(house: House) -> None:
    phone = house.enter(house.mei, f"meetings/{house.meeting_id}")
    with house.app.test_request_context():
        address = screen.address_of(house.meeting_id)
    shared = house.open(address)
    says(shared, house.code)
    learners = {name: house.enter(house.people[name], f"meetings/{house.meeting_id}/mine") for name in NAMES}
    for name in ("Amara", "Bilal", "Chen", "Dana", "Farah"):
        check_in(learners[name], house.code.lower())
    says(learners["Farah"], "You are checked in")
    expect(phone.locator("main")).to_contain_text("Here: 5 of 6", timeout=PATIENCE_MS)  # heard by itself
    faultless(phone, learners["Emil"])

    # It begins; everybody sees the same clock and has a partner.
    house.at(0)
    phone.get_by_role("button", name="Start the session").click()
    for page in (phone, shared):
        expect(page.locator(".clock-title")).to_have_text("Welcome", timeout=PATIENCE_MS)
        assert page.locator(".clock-time").inner_text().startswith(("01:5", "02:0"))
    for name in ("Amara", "Farah"):
        says(learners[name], "You and ")

    # One comes late: the pairs are made again, on every screen.
    house.at(8)
    check_in(learners["Emil"], house.code)
    says(learners["Emil"], "You and ")
    says(phone, "Here: 6 of 6")
    says(shared, "Emil")
    expect(shared.locator(".card")).to_have_count(3)
    assert house.stored()["Emil"] == "late"

    # One's network drops while the practice begins, and comes back.
    away = learners["Farah"].context
    away.set_offline(True)
    phone.get_by_role("button", name="Next part").click()
    expect(phone.locator(".clock-title")).to_have_text("Micro-teach")
    house.at(12)
    phone.get_by_role("button", name="Next part").click()
    says(learners["Amara"], "swap roles in")
    says(learners["Farah"], "No network")
    expect(learners["Farah"].locator(".clock-title")).to_have_text("Welcome")
    away.set_offline(False)
    expect(learners["Farah"].locator(".clock-title")).to_have_text("Practice", timeout=PATIENCE_MS)
    expect(learners["Farah"].locator("#room-offline")).to_be_empty()
    faultless(phone, learners["Amara"], shared)

    # One leaves, and the facilitator's own network is away when that is marked: nothing is lost.
    phone.get_by_text("Somebody came or left").click()
    phone.context.set_offline(True)
    phone.get_by_role("group", name="Dana").get_by_role("radio", name="left").check()
    says(phone, "No network")
    assert house.stored()["Dana"] == "present"
    phone.context.set_offline(False)
    says(phone, "Here: 5 of 6")
    says(learners["Dana"], "You have left early")
    expect(shared.locator(".card")).to_have_count(2, timeout=PATIENCE_MS)
    says(phone, "observes first, then all swap")

    # A reload loses nothing; one tap closes.
    house.at(45)
    phone.reload()
    expect(phone.locator(".clock-title")).to_have_text("Practice")
    says(phone, "Well over time")
    phone.get_by_role("button", name="Close the session").click()
    says(phone, "The session is closed and counts")
    says(learners["Amara"], "This session is over")

    # What one types and chooses in a form that came by itself outlives a new part and a reload.
    says(learners["Farah"], "What will you do until the next session?")
    words, witness = (
        learners["Farah"].get_by_label("What will you do"),
        learners["Farah"].get_by_label("Who will see"),
    )
    words.fill("I ask before I advise.")
    witness.select_option("Chen")
    learners["Farah"].evaluate("take(document.documentElement.outerHTML.replace('small enough', 'so small'))")
    expect(learners["Farah"].locator("main")).to_contain_text("so small")
    expect(witness.locator("option:checked")).to_have_text("Chen")
    learners["Farah"].reload()
    expect(words).to_have_value("I ask before I advise.")
    says(shared, "This session is over")
    assert house.stored() == dict.fromkeys(NAMES, "present") | {"Emil": "late", "Dana": "left"}
    assert house.complaints == []
