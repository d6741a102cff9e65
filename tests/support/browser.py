"""A real browser for tests of what people see."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, ViewportSize, sync_playwright

FLAGS = (
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    # Where a frame goes from site to site and back within a second, Playwright may lose it between two processes.
    "--disable-site-isolation-trials",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: ViewportSize = {"width": 390, "height": 800}


def find_chromium() -> str | None:
    """The path of a Chromium on this machine: the one that PEERLOOP_CHROMIUM names, else a usual one."""
    named = os.environ.get("PEERLOOP_CHROMIUM")
    candidates = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in candidates if (path := shutil.which(name))), None)


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the whole run; without one the test is skipped, or fails where CI is true."""
    path = find_chromium()
    if path is None:
        _give_up("No Chromium found: install it, or name it in PEERLOOP_CHROMIUM.")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            _give_up(f"Chromium at {path} does not start: {error.message.splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a context of its own."""
    with page_of(browser.new_context()) as page:
        yield page


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """The same on a phone."""
    with page_of(browser.new_context(viewport=PHONE, has_touch=True)) as page:
        yield page


@contextmanager
def page_of(context: BrowserContext) -> Iterator[Page]:
    """A page of a context, which is closed in the end.

    What it asked for and what it shows then is printed, which a failed test's report tells.
    """
    begun = time.monotonic()

    def tell(what: str, request: Request) -> None:
        sys.stdout.write(f"{time.monotonic() - begun:7.2f} s {what} {request.method} {request.url}\n")

    context.on("request", lambda request: tell("asks", request))
    context.on("requestfinished", lambda request: tell("has ", request))
    context.on("requestfailed", lambda request: tell(f"lost ({request.failure})", request))
    page = context.new_page()
    try:
        yield page
        for frame in page.frames:
            sys.stdout.write(f"{time.monotonic() - begun:7.2f} s shows {frame.url}\n")
    finally:
        context.close()
