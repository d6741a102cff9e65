"""Going through the tool inside the LMS's frame, as a person with a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Locator, Page

LAUNCHED = re.compile(r"/v/[^/]+/")
PATIENCE_MS = 20_000
LINKS = "() => [...document.querySelectorAll('a[href]:not([download])')].map((link) => link.href)"


def enter(page: Page, address: str) -> Frame:
    """Open a role's address on the LMS and wait for the tool in the LMS's frame."""
    page.goto(address)
    element = page.wait_for_selector("iframe")
    frame = element.content_frame() if element else None
    assert frame is not None, f"{address} shows no frame"
    frame.wait_for_url(LAUNCHED, timeout=PATIENCE_MS)
    return frame


def follow(frame: Frame, link: Locator) -> None:
    """Follow a link of the frame's page by the keyboard, and wait until it has led elsewhere.

    A tap can miss what is scrolled away at that moment because the LMS gives the frame its height.
    """
    before = frame.url
    link.press("Enter")
    frame.wait_for_url(lambda address: address != before, timeout=PATIENCE_MS)


def kinds_of_page(frame: Frame) -> Iterator[str]:
    """Follow every link from the frame's page; the frame shows one page of each kind, whose name is yielded."""
    start = LAUNCHED.search(frame.url)
    assert start is not None, frame.url
    waiting, seen = [frame.url], {name_of(frame.url)}
    while waiting:
        address = waiting.pop(0)
        answer = frame.goto(address)
        assert answer is not None, address
        assert answer.status == 200, f"{name_of(address)} answered {answer.status}"
        links = [link for link in frame.evaluate(LINKS) if start[0] in link]
        yield name_of(address)
        for link in links:
            if name_of(link) not in seen:
                seen.add(name_of(link))
                waiting.append(link)


def name_of(address: str) -> str:
    """What kind of page an address leads to: its path in the visit, without the ids, and what it asks for."""
    parts = urlsplit(address)
    path = re.sub(r"\d+", "…", LAUNCHED.sub("", parts.path, count=1)) or "first page"
    asked = "&".join(re.findall(r"(?:^|&)(\w+)=", parts.query))
    return f"{path}?{asked}" if asked else path


def faults(frame: Frame) -> list[str]:
    """What a page does to people who cannot see, point or read small type, and whether it fits its frame."""
    found = []
    results = Axe().run(frame)
    if results.violations_count:
        found.append(results.generate_report())
    wider = frame.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wider > 0:
        found.append(f"{wider} px wider than its frame")
    return found
