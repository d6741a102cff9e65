"""An administrator has the LMS checked, by the worker, in the gradebook of the sandbox LMS."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.support import tour

CHECKED_MS = 30_000


def test_an_administrator_has_the_lms_checked(
    browser: Browser, browser_page: Page, addresses: dict[str, str]
) -> None:
    frame = tour.enter(browser_page, addresses["admin"])
    expect(frame.get_by_text("This browser shows Peerloop inside the page of the LMS.")).to_be_visible()
    expect(frame.get_by_text("This browser returns the cookie of this visit")).to_be_visible()
    frame.get_by_role("button", name="Check now").click()
    # The page looks again by itself until the result is there.
    expect(frame.get_by_text("It is gone, and its score with it.")).to_be_visible(timeout=CHECKED_MS)
    for point in ("Key set of the LMS", "Token for scores", "Roster", "A column is made", "Clock of the LMS"):
        expect(frame.get_by_role("heading", name=point, exact=True)).to_be_visible()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Sandbox LMS is connected")
    assert tour.faults(frame) == []

    instructor = browser.new_context()
    page = instructor.new_page()
    tour.enter(page, addresses["instructor"])
    page.get_by_role("link", name="Gradebook", exact=True).click()
    expect(page.locator(".score").first).to_be_visible()
    expect(page.get_by_text("Peerloop check")).to_have_count(0)
    instructor.close()
