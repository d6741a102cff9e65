"""However odd what a platform signs: a launch opens pages that work, or a page that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lti_tool.lti import addresses
from tests.support import postgres
from tests.support.platform import GONE, Browser, Platforms, serving
from tests.support.product import Product

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
GRADES = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
# What a database refuses, what turns the text around it, what fits no column, and what looks like something else.
ODD = ["a\x00b", "a\ud800b", "\u202eabc", "\u2028", "ä" * 500, "😀" * 300, "%00%ff", "{0} %s %(a)s {{ x }}", "", " "]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def everywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, on each kind of database."""
    folder = tmp_path_factory.mktemp("odd")
    if request.param == "sqlite":
        yield from started(folder)
        return
    with postgres.fresh_database(request.getfixturevalue("postgres_server")) as uri:
        yield from started(folder, database_url=uri)


def started(folder: Path, **settings: Any) -> Iterator[Product]:
    with serving(None) as (server, base):
        product = Product(base, folder, **settings)
        server.app = product.app
        yield product
        product.close()


@pytest.fixture
def browser(everywhere: Product, platforms: Platforms) -> Iterator[Browser]:
    platform = platforms.new()
    everywhere.register(platform)
    browser = Browser(everywhere, platform)
    yield browser
    browser.http.close()


def frame_ancestors(page: requests.Response) -> list[str]:
    return page.headers["Content-Security-Policy"].rpartition("frame-ancestors ")[2].split()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://lms.münchen.example/course", "https://lms.xn--mnchen-3ya.example"),
        ("https://учёба.example/", "https://xn--80ab7cq4c.example"),
    ],
)
def test_a_return_address_in_other_letters_may_frame_the_pages(browser: Browser, url: str, origin: str) -> None:
    for role in ("Instructor", "Learner"):
        page = browser.launch(roles=[MEMBERSHIP + role], sub=role, launch_presentation={"return_url": url})
        assert page.status_code == 200
        assert origin in frame_ancestors(page)


@pytest.mark.parametrize("url", ["https://*/", "https://*.example/", "https://a;b/", "https://'none'/"])
def test_what_is_no_host_frames_nothing(browser: Browser, url: str) -> None:
    page = browser.launch(launch_presentation={"return_url": url})
    assert (page.status_code, page.headers["X-Peerloop-Error"]) == (400, "claim_invalid")
    page = browser.launch(tool_platform={"guid": "g", "url": url})
    assert page.status_code == 200
    assert frame_ancestors(page) == ["'self'", addresses.origin(browser.platform.issuer)]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_text_wherever_texts_stand_opens_pages(browser: Browser, odd: str) -> None:
    for role in ("Instructor", "Learner"):
        page = browser.launch(
            sub=role,
            **dict.fromkeys(("given_name", "family_name", "email", "locale", "zoneinfo"), odd),
            name=GONE,
            roles=[MEMBERSHIP + role, odd],
            context={"id": "course", "label": odd, "title": odd, "type": [odd]},
            resource_link={"id": "link", "title": odd, "description": odd},
            tool_platform={"name": odd, "product_family_code": odd, "version": odd, "url": odd},
            launch_presentation={"locale": odd, "document_target": odd},
            custom={odd: odd, **dict.fromkeys(("tz", "context_history", "link_history", "peerloop_opens"), odd)},
            **{GRADES: {"scope": [odd], "lineitems": "https://lms.example/items"}},
        )
        assert page.status_code == 200
        assert "/v/" in page.url


@pytest.mark.parametrize("odd", ODD[:4])
def test_an_odd_id_is_refused(browser: Browser, odd: str) -> None:
    wrong: list[dict[str, Any]] = [
        {"context": {"id": odd}},
        {"resource_link": {"id": odd}},
        {"deployment_id": odd},
        {"sub": odd},
        {"tool_platform": {"guid": f"guid{odd}"}},
        {GRADES: {"lineitems": f"https://lms.example/{odd}"}},
    ]
    for claims in wrong:
        page = browser.launch(**claims)
        assert (page.status_code, page.headers["X-Peerloop-Error"]) in {(400, "claim_invalid"), (400, "no_identity")}
