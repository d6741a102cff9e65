"""Choosing in a real browser: the answer leaves the tool's frame for the LMS by itself, in a window too."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.links.conftest import COURSE, Planned, Stage
from tests.support import tour


def test_an_instructor_adds_the_program_with_two_clicks_and_opens_a_week(
    stage: Stage, program: Planned, browser_page: Page
) -> None:
    complaints: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    base = stage.sandbox.base_url
    browser_page.goto(f"{base}/enter/person/{stage.people('instructor')[0]}?course={COURSE}")
    frame = tour.enter(browser_page, f"{base}/courses/{COURSE}/content/{stage.tool_id}")
    frame.get_by_role("button", name="Add all 8 weeks").click()
    expect(frame.get_by_role("heading", name="8 added to Giving feedback")).to_be_visible()
    frame.get_by_role("link", name="Back to the course").click()
    expect(browser_page.get_by_text("Week 8: Making it a habit")).to_be_visible()
    link = next(link["id"] for link in stage.links() if link["title"].startswith("Week 3"))
    opened = tour.enter(browser_page, f"{base}/courses/{COURSE}/tool?link={link}")
    expect(opened.get_by_role("heading", name="Week 3: Asking before advising")).to_be_visible()
    assert tour.LAUNCHED.search(opened.url)
    assert opened.url.endswith(program.weeks[2])
    assert complaints == []


def test_in_a_window_the_page_that_gets_the_answer_still_has_the_one_that_opened_it(
    stage: Stage, program: Planned, browser_page: Page
) -> None:
    base = stage.sandbox.base_url
    browser_page.goto(f"{base}/enter/person/{stage.people('instructor')[0]}?course={COURSE}")
    with browser_page.expect_popup() as opened:
        browser_page.evaluate("(path) => { window.open(path); }", f"/launch/content/{COURSE}/{stage.tool_id}")
    window = opened.value
    window.get_by_role("button", name="Add all 8 weeks").click()
    expect(window.get_by_role("heading", name="8 added to Giving feedback")).to_be_visible()
    window.evaluate("() => { opener.document.title = 'Added'; window.close(); }")
    expect(browser_page).to_have_title("Added")
    assert program.id
