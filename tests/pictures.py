"""Take the pictures of the documentation from a demonstration: `make pictures`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support import tour
from tests.support.browser import FLAGS, find_chromium
from tests.support.demonstration import running_demonstration

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
SETTLED_MS = 400  # the frame has told the LMS its height, and the LMS has followed


@dataclass(frozen=True, slots=True)
class Picture:
    """`clicks` are selectors to click inside the frame, one after the other; `shows` one of what must be in sight."""

    name: str
    role: str
    clicks: tuple[str, ...] = ()
    width: int = 1120
    height: int = 820
    shows: str | None = None


PICTURES = (
    Picture("gradebook", "instructor", ("text=Gradebook",)),
    Picture("board", "instructor"),
    Picture("cohorts", "instructor", ("text=Cohorts",)),
    Picture("session", "facilitator", ("text=Sessions", "main a[href*='/meetings/'] >> nth=-1"), width=390),
    Picture("learner", "learner", width=390),
    Picture("answers", "learner", ("#answers a",), width=390, shows="[data-week]"),
    # The second is there when the check is done.
    Picture("connection", "admin", ("text=Check now", "text=/^Checked/"), height=900),
)


def take(browser: Browser, address: str, picture: Picture) -> None:
    """Write one picture into the documentation."""
    context = browser.new_context(viewport={"width": picture.width, "height": picture.height})
    page = context.new_page()
    frame = tour.enter(page, address)
    for selector in picture.clicks:
        frame.locator(selector).first.click()
        frame.wait_for_load_state()
    page.wait_for_timeout(SETTLED_MS)
    if picture.shows:
        frame.locator(picture.shows).scroll_into_view_if_needed()
    page.screenshot(path=FOLDER / f"{picture.name}.png")
    context.close()


def main() -> None:
    """Play a demonstration, and take every picture from it."""
    path = find_chromium()
    if path is None:
        sys.exit("No Chromium found: install it, or name it in PEERLOOP_CHROMIUM.")
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demonstration(Path(folder) / "demo") as running,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for picture in PICTURES:
            take(browser, running.addresses[picture.role], picture)
            sys.stdout.write(f"docs/pictures/{picture.name}.png\n")
        browser.close()


if __name__ == "__main__":
    main()
