"""An administrator registers the tool in a real browser: in the LMS's frame, and in a tab as Brightspace does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from lti_tool.demo.processes import Place, free_port, peerloop, running
from lti_tool.demo.robot import Robot
from tests.support import tour

LISTEN = "() => { window.heard = new Promise((tell) => addEventListener('message', (event) => tell(event.data))); }"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An LMS and a tool that do not know each other yet."""
    lms, tool = (f"http://localhost:{free_port()}" for _ in range(2))
    place = Place(tool, lms, tmp_path_factory.mktemp("registering"))
    peerloop(place, "db", "upgrade")
    with running(place):
        yield place


def test_in_a_frame_the_last_page_says_what_is_left_and_closes(browser: Browser, place: Place) -> None:
    invitation = json.loads(peerloop(place, "platform", "invite", "--json"))
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{place.lms}/enter/admin")
    page.goto(f"{place.lms}/admin/tools")
    page.get_by_label("Registration address").fill(invitation["url"])
    page.get_by_role("button", name="Register", exact=True).click()
    element = page.wait_for_selector("iframe")
    frame = element.content_frame() if element else None
    assert frame is not None
    expect(frame.get_by_role("heading", level=1)).to_have_text("Peerloop is registered")
    assert tour.faults(frame) == []
    frame.get_by_role("button", name="Close this page").click()
    page.wait_for_url("**/admin/tools")
    expect(page.get_by_role("heading", name="Peerloop", exact=True)).to_be_visible()
    context.close()


def test_in_a_tab_the_lms_that_opened_it_hears_that_it_is_done(browser_page: Page, place: Place) -> None:
    # A browser whose tab loses its opener would leave this test waiting for ever.
    headers = requests.get(f"{place.tool}/lti/register", timeout=20).headers
    assert "Cross-Origin-Opener-Policy" not in headers
    robot = Robot(place.lms)
    robot.get("/enter/admin")
    robot.get("/admin/tools")
    [opened_at] = robot.submit(robot.form("/admin/register"), address=f"{place.tool}/lti/register").frames
    robot.close()
    browser_page.goto(place.lms)
    browser_page.evaluate(LISTEN)
    with browser_page.expect_popup() as opened:
        browser_page.evaluate("(address) => { window.open(address); }", opened_at)
    button = opened.value.get_by_role("button", name="Close this page")
    expect(button).to_be_visible()
    button.click()
    assert browser_page.evaluate("window.heard") == {"subject": "org.imsglobal.lti.close"}


def test_opened_by_hand_the_address_says_where_to_paste_it(browser_page: Page, place: Place) -> None:
    address = f"{place.tool}/lti/register"
    browser_page.goto(address)
    expect(browser_page.get_by_label("Registration address")).to_have_value(address)
    for group in browser_page.locator("details").all():
        group.evaluate("(details) => { details.open = true; }")
    expect(browser_page.get_by_text("Add LTI Advantage")).to_be_visible()
    assert tour.faults(browser_page.main_frame) == []
