"""Launching and working in a browser that gives the frame no cookie: tool and LMS on two sites, over https."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Frame, Page, Route, expect
from sqlalchemy import update

from lti_tool import clock
from lti_tool.database import transaction
from lti_tool.lti.tables import LtiLoginState
from tests.support import tour
from tests.support.two_sites import Sites, running_sites

WINDOW = "Open Peerloop in a new window"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with running_sites(tmp_path_factory.mktemp("sites")) as sites:
        yield sites


@pytest.fixture
def sites(running: Sites) -> Sites:
    """Both sites as strangers to a browser that knows no partitioned cookies; the LMS offers no storage."""
    running.browser.is_old = True
    running.keep_state("none")
    return running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


def open_tool(page: Page, sites: Sites, role: str = "instructor") -> Frame:
    """Sign in to the LMS and open its page that holds the tool."""
    page.goto(f"{sites.lms}/enter/{role}")
    frame = page.frame("tool")
    assert frame is not None
    return frame


def launched(frame: Frame) -> None:
    frame.wait_for_url(tour.LAUNCHED, timeout=tour.PATIENCE_MS)
    expect(frame.get_by_role("heading", level=1)).to_be_visible()


def cookies(page: Page, sites: Sites) -> list[str]:
    """The names of the tool's cookies in this browser."""
    return [cookie["name"] for cookie in page.context.cookies() if cookie["domain"] in sites.tool]


def kept(page: Page, sites: Sites) -> list[str]:
    """What the LMS keeps for tools, at whichever of its origins."""
    frames = (frame for frame in page.frames if frame.url.startswith((sites.lms, sites.apart)))
    by_origin = {urlsplit(frame.url).netloc: frame.evaluate("Object.keys(localStorage)") for frame in frames}
    return [key for keys in by_origin.values() for key in keys]


@pytest.mark.parametrize("storage", ["frame", "parent", "unnamed", "apart"])
def test_a_launch_without_cookies_goes_through_the_storage_of_the_platform(
    page: Page, sites: Sites, storage: str
) -> None:
    sites.keep_state(storage)
    page.goto(sites.lms)
    pages = page.evaluate("history.length")
    launched(open_tool(page, sites))
    assert page.evaluate("history.length") == pages + 1  # going back leads to where one was
    assert cookies(page, sites) == []
    [left] = kept(page, sites)
    assert left.endswith(" browser")  # neither state nor nonce


def test_a_launch_that_is_refused_at_the_last_step_says_why_in_the_frame(page: Page, sites: Sites) -> None:
    sites.keep_state("frame")
    steps: list[Route] = []

    def take_too_long(step: Route) -> None:
        steps.append(step)
        if len(steps) == 2:  # the message has come, and the state was found
            with sites.app.app_context(), transaction() as session:
                session.execute(update(LtiLoginState).values(expires_at=clock.wall()))
        step.continue_()

    page.route("**/lti/launch", take_too_long)
    frame = open_tool(page, sites)
    expect(frame.get_by_role("heading", name="This launch is no longer valid")).to_be_visible()


@pytest.mark.parametrize("storage", ["none", "absent", "silent", "elsewhere"])
def test_where_nothing_keeps_the_state_the_tool_opens_in_a_window_of_its_own(
    page: Page, sites: Sites, storage: str
) -> None:
    sites.keep_state(storage)
    frame = open_tool(page, sites)
    with page.expect_popup() as opened:
        frame.get_by_role("link", name=WINDOW).click()
    opened.value.wait_for_url(tour.LAUNCHED)
    expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
    assert not tour.LAUNCHED.search(frame.url)


# In the page around the tool: a frame of it, rather than the page itself, says where a tool's state is kept.
SOMEBODY_ELSE_ANSWERS = """
if (top === window) {
  addEventListener("DOMContentLoaded", () => {
    document.body.append(Object.assign(document.createElement("iframe"), { name: "somebody_else" }));
  });
  addEventListener("message", (event) => frames.somebody_else?.postMessage(event.data, "*"));
} else if (name === "somebody_else") {
  addEventListener("message", ({ data: { subject, message_id } }) => {
    const supported_messages = ["lti.put_data", "lti.get_data"].map((subject) => ({ subject }));
    top.frames.tool.postMessage({ subject: `${subject}.response`, message_id, supported_messages }, "*");
  });
}
"""


def test_nobody_but_the_page_around_the_tool_says_where_the_state_is_kept(page: Page, sites: Sites) -> None:
    page.add_init_script(SOMEBODY_ELSE_ANSWERS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    frame = open_tool(page, sites)
    expect(frame.get_by_role("link", name=WINDOW)).to_be_visible()
    assert not any("lti_storage_target" in address for address in asked)


def open_tab(page: Page, sites: Sites, rel: str) -> None:
    """Follow the LMS's link that opens the tool in a tab, from a page that shows it in a frame."""
    launched(open_tool(page, sites))
    link = page.get_by_role("link", name="Open in a new tab")
    link.evaluate("(link, rel) => { link.rel = rel; }", rel)
    with page.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url(tour.LAUNCHED)


def test_a_tab_that_the_lms_opened_uses_the_storage_of_the_page_that_opened_it(page: Page, sites: Sites) -> None:
    sites.keep_state("frame")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url.removeprefix(sites.tool)))
    open_tab(page, sites, "opener")
    assert asked.count("/lti/launch") == 4  # the message, and the state that was found, in frame and tab
    assert "/lti/login/cookie" not in asked


def test_a_tab_of_its_own_keeps_the_state_in_its_own_cookie(page: Page, sites: Sites) -> None:
    sites.keep_state("frame")
    open_tab(page, sites, "noopener")
    assert cookies(page, sites) == ["__Host-peerloop-browser"]


@pytest.mark.parametrize("storage", ["none", "silent"])
def test_a_partitioned_cookie_keeps_the_state_where_the_platform_does_not(
    page: Page, sites: Sites, storage: str
) -> None:
    sites.keep_state(storage)
    sites.browser.is_old = False
    launched(open_tool(page, sites))
    assert cookies(page, sites) == ["__Host-peerloop-browser"]


@pytest.mark.parametrize("keeps", ["a cookie", "the platform's storage"])
def test_who_signs_in_next_in_the_same_browser_does_not_get_back_to_what_was_open(
    page: Page, sites: Sites, keeps: str
) -> None:
    sites.browser.is_old = keeps != "a cookie"
    sites.keep_state("none" if keeps == "a cookie" else "frame")
    frame = open_tool(page, sites)
    launched(frame)
    left = frame.url
    frame = open_tool(page, sites, "learner")
    launched(frame)
    frame.goto(left)
    expect(frame.get_by_role("heading", name="Your visit has ended")).to_be_visible()


def test_the_pages_work_in_the_frame_without_any_cookie(page: Page, sites: Sites) -> None:
    sites.keep_state("frame")
    frame = open_tool(page, sites)
    launched(frame)
    frame.get_by_role("link", name="Make a program").click()
    frame.get_by_label("Title").fill("Feedback that lands")
    frame.get_by_role("button", name="Make the program").click()
    expect(frame.get_by_text("The program is planned.")).to_be_visible()
    frame.evaluate("location.reload()")
    expect(frame.get_by_role("heading", name="session 8")).to_be_visible()
    page.evaluate("history.back()")
    expect(frame.get_by_role("button", name="Make the program")).to_be_visible()
    page.evaluate("history.forward()")
    expect(frame.get_by_role("heading", name="session 8")).to_be_visible()
    with page.expect_download() as saved:
        frame.evaluate("location.assign('/v/' + location.pathname.split('/')[2] + '/list.csv')")
    assert saved.value.path().read_text() == "Marta Oliveira\n"
    assert cookies(page, sites) == []
    page.reload()
    again = page.frame("tool")
    assert again is not None
    launched(again)


ASK = """
(message) => new Promise((resolve) => {
  addEventListener("message", (event) => resolve(event.data), { once: true });
  parent.frames.sandbox_storage.postMessage(message, "*");
})
"""


def test_the_sandbox_keeps_and_refuses_what_the_standard_and_canvas_say(page: Page, sites: Sites) -> None:
    sites.keep_state("frame")
    frame = open_tool(page, sites)
    launched(frame)

    def ask(subject: str, **members: str | None) -> dict[str, Any]:
        answer: dict[str, Any] = frame.evaluate(ASK, {"subject": subject, "message_id": "m", **members})
        assert answer.pop("subject") == f"{subject}.response"
        assert answer.pop("message_id") == "m"
        return answer

    supported = ask("lti.capabilities")["supported_messages"]
    assert {"subject": "lti.put_data", "frame": "sandbox_storage"} in supported
    assert ask("lti.get_data", key="k") == {"key": "k", "value": None}
    assert ask("lti.put_data", key="k", value="v") == {"key": "k", "value": "v"}
    assert ask("lti.get_data", key="k") == {"key": "k", "value": "v"}
    assert ask("lti.put_data", key="k", value=None) == {"key": "k", "value": None}
    assert ask("lti.get_data", key="k") == {"key": "k", "value": None}
    assert ask("lti.put_data", value="v")["error"]["code"] == "bad_request"
    assert ask("lti.delete_data", key="k")["error"]["code"] == "unsupported_subject"
    assert ask("lti.put_data", key="k", value="v" * 4097)["error"]["code"] == "storage_exhaustion"
