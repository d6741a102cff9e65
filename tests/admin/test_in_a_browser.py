"""The operator's pages in a real browser, in a tab of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from lti_tool.admin.tables import Checkup
from lti_tool.database import db, transaction
from lti_tool.lti.checkup import Cause, Outcome, Point
from lti_tool.roster.tables import Tenant
from tests.admin.test_inviting import waits
from tests.admin.test_operating import make_link
from tests.conftest import MakeApp
from tests.support import world
from tests.support.factories import NOW
from tests.support.platform import serving


@pytest.fixture
def served(make_app: MakeApp) -> Iterator[tuple[Flask, str]]:
    """An app at its own address, with an LMS in which most things are wrong, and one that waits for approval."""
    with serving(None) as (server, base):
        app = make_app(base_url=base)
        server.app = app
        with app.app_context():
            world.build(app)
            tenant = db.session.scalars(select(Tenant)).one()
            waits(invitation="Northfield", doubt=True)
            with transaction() as session:
                session.add(a_bad_check(tenant))
            yield app, base


def a_bad_check(tenant: Tenant) -> Checkup:
    """A check in which every step went wrong."""
    finding = {"outcome": Outcome.BAD, "cause": Cause.REFUSED, "said": "no " * 60, "status": 403, "figure": None}
    return Checkup(
        registration_id=tenant.registration_id,
        tenant_id=tenant.id,
        may_write=True,
        state="done",
        asked_at=NOW,
        finished_at=NOW,
        findings=[{"point": point, **finding} for point in Point],
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_the_operator_can_use_every_page(browser: Browser, served: tuple[Flask, str], width: int) -> None:
    app, base = served
    permissions = ["clipboard-write"]
    context = browser.new_context(viewport={"width": width, "height": 800}, permissions=permissions)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(make_link(app))
    pages = [page.url]
    for link in ("/operator/platforms/", "/operator/institutions/"):
        page.locator(f"a[href*='{link}']").first.click()
        page.wait_for_load_state()
        pages.append(page.url)
    assert page.get_by_role("heading", level=1).inner_text().startswith("Test: 1")
    page.goto(f"{base}/operator/new")
    page.get_by_text("All that it says of itself").click()
    page.get_by_role("button", name="Make an invitation").click()
    page.get_by_role("button", name="Copy the address").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.get_by_label("Invitation").input_value().startswith(f"{base}/lti/register?invitation=")
    assert_usable(page)
    for address in (*pages, f"{base}/operator/reference?reference=7F3K-2A"):
        page.goto(address)
        assert_usable(page)
    context.close()
    assert complaints == []


def assert_usable(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than the screen"
