"""Every page that a role can reach, in a real browser inside the LMS's frame."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support import tour

ROLES = ("admin", "instructor", "facilitator", "learner")
WIDTHS = (320, 600, 1120)
SCHEMES = ("light", "dark")


def look_at_all(browser: Browser, address: str, width: int, scheme: str) -> dict[str, list[str]]:
    """What is wrong with each kind of page, by its name; pages with nothing wrong included."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    frame = tour.enter(page, address)
    found = {name: tour.faults(frame) for name in tour.kinds_of_page(frame)}
    context.close()
    return found | {"the browser's console": complaints}


# The facilitator's pages are among the instructor's.
@pytest.mark.parametrize(
    "role", [pytest.param(r, marks=pytest.mark.long) if r == "facilitator" else r for r in ROLES]
)
def test_everybody_can_use_every_page_on_a_phone(browser: Browser, addresses: dict[str, str], role: str) -> None:
    found = look_at_all(browser, addresses[role], 390, "light")
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) >= {"admin": 2, "instructor": 18, "facilitator": 16, "learner": 3}[role]


@pytest.mark.long
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("role", ROLES)
def test_everybody_can_use_every_page_in_every_size_and_theme(
    browser: Browser, addresses: dict[str, str], role: str, width: int, scheme: str
) -> None:
    found = look_at_all(browser, addresses[role], width, scheme)
    assert {name: faults for name, faults in found.items() if faults} == {}
