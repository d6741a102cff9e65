"""What people do in a real browser, inside the LMS's frame: forms, reloads, going back, a tab of its own."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from playwright.sync_api import Frame, Page, expect

from tests.support import tour

GRADE_IN_LMS_MS = 20_000


def say(frame: Frame, words: str) -> None:
    expect(frame.locator("main")).to_contain_text(words)


def test_a_learner_hands_in_reloads_and_goes_back(phone: Page, addresses: dict[str, str]) -> None:
    frame = tour.enter(phone, addresses["learner"])
    tour.follow(frame, frame.get_by_role("link", name="Write it down"))
    frame.get_by_label("What happened?").fill("I asked three questions. The third one was the one that mattered.")
    say(frame, "Saved as a draft.")
    frame.goto(frame.url)  # what was typed and not sent is there, on any device
    expect(frame.get_by_label("What happened?")).to_have_value(re.compile("the one that mattered"))
    frame.get_by_role("button", name="Hand it in").click()
    say(frame, "waits for your partner")
    frame.goto(frame.url)
    say(frame, "waits for your partner")
    assert "the one that mattered" in frame.get_by_label("What happened?").input_value()
    phone.evaluate("history.go(-2)")
    expect(frame.get_by_role("heading", name="One thing next")).to_be_visible()


def test_a_learner_paints_the_hours_of_a_week_by_keyboard_and_by_hand(phone: Page, addresses: dict[str, str]) -> None:
    frame = tour.enter(phone, addresses["learner"])
    tour.follow(frame, frame.locator("#answers a"))
    hours = frame.get_by_role("table", name="When are you usually free?")
    painted = hours.locator("input:checked")
    expect(painted).not_to_have_count(0)
    before = painted.count()
    hours.get_by_role("checkbox", name=re.compile("Monday, 9:00.AM")).focus()
    for key in ("Space", "Shift+ArrowDown", "ArrowRight", "Space"):
        phone.keyboard.press(key)
    hours.get_by_role("button", name=re.compile("Every day at 8:00.AM")).tap()
    expect(painted).to_have_count(before + 10)
    assert tour.faults(frame) == []
    phone.set_viewport_size({"width": 1280, "height": 900})
    start = frame.locator("input[value=fri-18]")
    start.scroll_into_view_if_needed()
    start.hover()
    phone.mouse.down()
    for cell in ("sat-18", "sat-19"):
        frame.locator(f"input[value={cell}]").hover()
    phone.mouse.up()
    expect(painted).to_have_count(before + 13)
    assert tour.faults(frame) == []
    frame.goto(frame.url)  # a reload loses nothing
    expect(painted).to_have_count(before + 13)
    frame.get_by_role("button", name="Save").click()
    say(frame, "Thank you")
    tour.follow(frame, frame.locator("#answers a"))
    expect(painted).to_have_count(before + 13)


def test_a_facilitator_marks_who_is_here_and_makes_pairs(phone: Page, addresses: dict[str, str]) -> None:
    frame = tour.enter(phone, addresses["facilitator"])
    tour.follow(frame, frame.get_by_role("link", name="Sessions", exact=True))
    tour.follow(frame, frame.locator("main a[href*='/meetings/']").last)
    frame.get_by_role("radio", name="absent").first.check()
    frame.get_by_role("button", name="Everybody else is here").click()
    people = frame.locator("fieldset").count()
    say(frame, f"Here: {people - 1} of {people}")
    frame.get_by_role("button", name="Make the pairs anew").click()
    say(frame, "first time together")


def test_an_instructor_sends_peerloops_grade_and_the_lms_shows_it(
    browser_page: Page, addresses: dict[str, str]
) -> None:
    frame = tour.enter(browser_page, addresses["instructor"])
    tour.follow(frame, frame.get_by_role("link", name="Decide", exact=True))
    say(frame, "set 87.5 in the LMS")
    frame.get_by_role("button", name=re.compile(r"^Send \d")).click()
    say(frame, "Peerloop's grade is on its way.")
    # The sandbox's own gradebook, as the instructor reads it.
    browser_page.get_by_role("link", name="Gradebook", exact=True).click()
    expect(browser_page.locator(".score").first).to_be_visible()
    for _ in range(GRADE_IN_LMS_MS // 500):
        if not browser_page.get_by_text("87.5").count():
            break
        browser_page.wait_for_timeout(500)
        browser_page.reload()
    expect(browser_page.get_by_text("87.5")).to_have_count(0)


def test_the_tool_opens_in_a_tab_of_its_own(browser_page: Page, addresses: dict[str, str]) -> None:
    tour.enter(browser_page, addresses["learner"])
    with browser_page.expect_popup() as opened:
        browser_page.get_by_role("link", name="Open in a new tab").click()
    opened.value.wait_for_url(tour.LAUNCHED)
    expect(opened.value.get_by_role("heading", level=1)).to_be_visible()


def test_a_visit_that_has_ended_is_told_of_inside_the_frame(phone: Page, addresses: dict[str, str]) -> None:
    frame = tour.enter(phone, addresses["learner"])
    frame.goto(tour.LAUNCHED.sub("/v/ended/", frame.url))
    expect(frame.get_by_role("heading", name="Your visit has ended")).to_be_visible()
    frame.goto(urljoin(frame.url, "/v/ended/no-such-page"))
    expect(frame.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_somebody_without_a_place_here_is_told_so(browser_page: Page, addresses: dict[str, str]) -> None:
    browser_page.goto(urljoin(addresses["learner"], "/"))
    browser_page.get_by_role("button", name="Observer").click()
    frame = tour.enter(browser_page, f"{browser_page.url}/tool")
    say(frame, "observer")
