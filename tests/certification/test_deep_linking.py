"""Links that an instructor chooses in the tool. https://www.imsglobal.org/spec/lti-dl/v2p0"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import jwt
import pytest
import requests
from sqlalchemy import select

from lti_tool.database import db
from lti_tool.roster.tables import Course, Tenant
from tests.certification.tool import INSTRUCTOR, LEARNER, ToolUnderTest, heading
from tests.support import factories
from tests.support.platform import GONE, LTI

PART = "Deep Linking"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
SETTINGS = DL + "deep_linking_settings"


@pytest.fixture
def planned(tool: ToolUnderTest) -> ToolUnderTest:
    """A tool in a course with a program of two weeks."""
    tool.launch(roles=INSTRUCTOR)
    with tool.product.app.app_context():
        tenants = select(Tenant.id).where(Tenant.registration_id == tool.registration.id)
        course = db.session.scalars(select(Course).where(Course.tenant_id.in_(tenants))).one()
        factories.make_program(course, sessions=2)
    return tool


def asked(tool: ToolUnderTest, roles: Any = INSTRUCTOR, settings: Any = None, **changes: Any) -> requests.Response:
    """The platform's request; `changes` are members of its settings, and GONE leaves one out."""
    values = {
        "deep_link_return_url": tool.platform.url("/content"),
        "accept_types": ["link", "ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "data": 'csrftoken:"1a"\n=é',
        **changes,
    }
    told = settings if settings is not None else {name: value for name, value in values.items() if value is not GONE}
    return tool.launch(
        message_type="LtiDeepLinkingRequest", resource_link=GONE, roles=roles, **({SETTINGS: told} if told else {})
    )


def chosen(tool: ToolUnderTest, page: requests.Response, action: str = "", **fields: Any) -> dict[str, Any]:
    """What the platform receives when somebody chooses on that page, checked against the tool's keys."""
    assert page.status_code == 200, page.text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert csrf is not None
    answer = tool.browser.http.post(page.url + action, data={"csrf_token": csrf[1], **fields}, timeout=10)
    assert f'action="{tool.platform.url("/content")}"' in answer.text
    token = re.search(r'name="JWT" value="([^"]+)"', answer.text)
    assert token is not None, answer.text
    return _verified(tool, unescape(token[1]))


def _verified(tool: ToolUnderTest, token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    keys = requests.get(f"{tool.browser.base}/lti/jwks", timeout=10).json()["keys"]
    key = next(jwt.PyJWK(each).key for each in keys if each["kid"] == header["kid"])
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=tool.platform.issuer,
        issuer=tool.platform.client_id,
        options={"require": ["exp", "iat", "nonce"]},
    )
    assert claims[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[LTI + "deployment_id"] == "deployment-1"
    return claims


def first(page: requests.Response, what: str) -> str:
    """The value of the first choice of a kind."""
    found = re.search(rf'name="choose" value="([^"]+/{what})"', page.text)
    assert found is not None
    return unescape(found[1])


def test_one_link(planned: ToolUnderTest) -> None:
    """A request for one link (`accept_multiple` is false)"""
    page = asked(planned, accept_multiple=False)
    [item] = chosen(planned, page, choose=first(page, "session/1"))[DL + "content_items"]
    assert item["type"] == "ltiResourceLink"
    assert item["url"].startswith(f"{planned.browser.base}/lti/launch/")
    assert all(isinstance(value, str) for value in item["custom"].values())
    planned.seen("let one be chosen, and answer with that `ltiResourceLink`, signed with a published key")


def test_several_links(planned: ToolUnderTest) -> None:
    """A request that takes several links (`accept_multiple` is true)"""
    answer = chosen(planned, asked(planned, accept_multiple=True), what="missing-weeks", columns="weekly")
    items = answer[DL + "content_items"]
    assert [item["title"] for item in items] == ["Week 1: Module 1", "Week 2: Module 2"]
    assert all(set(item["submission"]) == {"startDateTime", "endDateTime"} for item in items)
    planned.seen("offer the whole program, and answer with a link for each week, with its dates")


def test_line_items(planned: ToolUnderTest) -> None:
    """A request that takes line items (`accept_lineitem` is true)"""
    page = asked(planned, accept_multiple=True, accept_lineitem=True)
    items = chosen(planned, page, what="missing-weeks", columns="weekly")[DL + "content_items"]
    assert [item["lineItem"]["tag"] for item in items] == ["week-1", "week-2"]
    assert len({item["lineItem"]["resourceId"] for item in items}) == 1
    assert all(item["lineItem"]["scoreMaximum"] > 0 and item["lineItem"]["label"] for item in items)
    planned.seen("send one with each week's link, with label, maximum, `resourceId` and `tag`")


def test_no_line_items(planned: ToolUnderTest) -> None:
    """A request that takes no line items (`accept_lineitem` is false)"""
    page = asked(planned, accept_multiple=True, accept_lineitem=False)
    items = chosen(planned, page, what="missing-weeks", columns="weekly")[DL + "content_items"]
    assert [item for item in items if "lineItem" in item] == []
    planned.seen("send none")


def test_line_items_again(planned: ToolUnderTest) -> None:
    """A second request for links whose line items an answer has brought already"""
    fields = {"what": "missing-weeks", "columns": "weekly"}
    chosen(planned, asked(planned, accept_multiple=True), **fields)
    page = asked(planned, accept_multiple=True)
    [item] = chosen(planned, page, choose=first(page, "week/1"), columns="weekly")[DL + "content_items"]
    assert "lineItem" not in item
    planned.seen("send the link, and its line item no second time")


def test_data(planned: ToolUnderTest) -> None:
    """A request with `data`"""
    page = asked(planned)
    assert chosen(planned, page, choose=first(page, "home"))[DL + "data"] == 'csrftoken:"1a"\n=é'
    planned.seen("send it back as it came")


def test_no_data(planned: ToolUnderTest) -> None:
    """A request without `data`"""
    page = asked(planned, data=GONE)
    assert DL + "data" not in chosen(planned, page, choose=first(page, "home"))
    planned.seen("answer without it")


def test_nothing_chosen(planned: ToolUnderTest) -> None:
    """An instructor who goes back without choosing"""
    answer = chosen(planned, asked(planned), "/decline")
    assert answer[DL + "content_items"] == []
    assert DL + "data" in answer
    planned.seen("answer with no content items")


def test_no_program(tool: ToolUnderTest) -> None:
    """A request from a course in which nothing has been planned"""
    page = asked(tool)
    [item] = chosen(tool, page, choose="course/home")[DL + "content_items"]
    assert item["title"] == "Peer learning"
    tool.seen("offer a link to the first page")


@pytest.mark.parametrize("who", ["a learner", "somebody without roles"])
def test_who_is_no_instructor(tool: ToolUnderTest, who: str) -> None:
    """A request from {who}"""
    page = asked(tool, roles=LEARNER if who == "a learner" else GONE)
    assert heading(page) == "Only an instructor adds Peerloop's links"
    page.url = page.url.removesuffix("/not-yours")
    assert chosen(tool, page, "/decline")[DL + "content_items"] == []
    tool.seen(f"say “{heading(page)}”, and answer with no content items")


def test_no_settings(tool: ToolUnderTest) -> None:
    """A request without the claim `deep_linking_settings`"""
    tool.refuses(asked(tool, settings={}), 400, "claim_missing")


def test_no_return_address(tool: ToolUnderTest) -> None:
    """A request without `deep_link_return_url`"""
    tool.refuses(asked(tool, deep_link_return_url=GONE), 400, "claim_missing")


def test_foreign_return_address(tool: ToolUnderTest) -> None:
    """A request whose `deep_link_return_url` is none of the platform's addresses"""
    tool.refuses(asked(tool, deep_link_return_url="https://evil.example/content"), 400, "foreign_return")


def test_no_links_accepted(tool: ToolUnderTest) -> None:
    """A request whose `accept_types` has no `ltiResourceLink`"""
    tool.refuses(asked(tool, accept_types=["file", "html"]), 400, "no_links_accepted")


def test_no_presentation(tool: ToolUnderTest) -> None:
    """A request without `accept_presentation_document_targets`"""
    tool.refuses(asked(tool, accept_presentation_document_targets=GONE), 400, "claim_missing")
