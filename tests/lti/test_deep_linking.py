"""What an LMS may ask when it wants links, and what it is answered."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from lti_tool.lti import deep_linking, wire
from lti_tool.lti.deep_linking import Link
from lti_tool.lti.launch import Role
from lti_tool.lti.registrations import Registration
from tests.lti.conftest import Refused
from tests.support.platform import GONE, LTI, Browser, Platform, Tool

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
SETTINGS = DL + "deep_linking_settings"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


def settings(platform: Platform, **changes: Any) -> dict[str, Any]:
    """What a usual LMS sends; GONE removes a member."""
    values = {
        "deep_link_return_url": platform.url("/content"),
        "accept_types": ["ltiResourceLink", "file"],
        "accept_presentation_document_targets": ["iframe"],
        "data": 'as it is: \n"ü" ' + "x" * 3000,
        **changes,
    }
    return {name: value for name, value in values.items() if value is not GONE}


def asks(browser: Browser, asked: Any, **changes: Any) -> Any:
    return browser.launch(
        message_type="LtiDeepLinkingRequest",
        resource_link=GONE,
        **{SETTINGS: asked, "roles": [INSTRUCTOR], **changes},
    )


def test_a_request_for_links_comes_through_with_all_that_it_asks(browser: Browser) -> None:
    asked = settings(
        browser.platform, accept_multiple=True, accept_lineitem=False, auto_create="true", title="<b>Week</b>"
    )
    assert asks(browser, asked).text == "welcome"
    [launch] = browser.tool.launches
    assert launch.resource_link is None
    assert launch.standing.role is Role.INSTRUCTOR
    found = launch.deep_linking
    assert found is not None
    assert found.return_url == asked["deep_link_return_url"]
    assert (found.many, found.line_items, found.auto_create) == (True, False, True)
    assert found.data == asked["data"]
    assert found.title == "<b>Week</b>"


def test_what_a_request_leaves_out_is_taken_as_the_standard_says(browser: Browser) -> None:
    asks(browser, settings(browser.platform, data=GONE), roles=GONE)
    [launch] = browser.tool.launches
    found = launch.deep_linking
    assert found is not None
    assert (found.many, found.line_items, found.auto_create, found.data) == (False, True, False, None)
    assert launch.standing.role is Role.NONE


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"deep_link_return_url": GONE}, "claim_missing"),
        ({"deep_link_return_url": "https://evil.example/content"}, "foreign_return"),
        ({"deep_link_return_url": "javascript:alert(1)"}, "foreign_return"),
        ({"deep_link_return_url": ["x"]}, "claim_invalid"),
        ({"accept_types": GONE}, "no_links_accepted"),
        ({"accept_types": ["file", "html"]}, "no_links_accepted"),
        ({"accept_types": "ltiResourceLink"}, "claim_invalid"),
        ({"accept_presentation_document_targets": GONE}, "claim_missing"),
        ({"accept_multiple": "sometimes"}, "claim_invalid"),
        ({"data": {"a": 1}}, "claim_invalid"),
        ({"data": "a\x00b"}, "claim_invalid"),
        ({"data": "\ud800"}, "claim_invalid"),
    ],
)
def test_a_request_that_cannot_be_answered_rightly_is_refused(
    browser: Browser, refused: Refused, changes: dict[str, Any], code: str
) -> None:
    assert refused(asks(browser, settings(browser.platform, **changes))) == (400, code)


@pytest.mark.parametrize("value", [GONE, "x", []])
def test_a_request_without_settings_is_refused(browser: Browser, refused: Refused, value: Any) -> None:
    assert refused(asks(browser, value))[0] == 400


def test_an_answer_at_the_address_of_a_service_of_the_lms_is_its_own(browser: Browser) -> None:
    """The cloud's issuer is one for all institutions, each of which has its own address."""
    asked = settings(browser.platform, deep_link_return_url="https://lms.school.example/content")
    services = {"context_memberships_url": "https://lms.school.example/memberships"}
    claim = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
    assert asks(browser, asked, **{claim: services}).text == "welcome"


def test_the_answer_is_signed_by_us_for_this_platform_alone(tool: Tool, registration: Registration) -> None:
    with tool.app.app_context():
        key, keys = wire.current().keyring.current(), wire.current().keyring.public_keys()
        links = [Link("Week 1", "https://tool.test/lti/launch/p/week/1")]
        token = deep_linking.answer(registration, "deployment-1", key, links, targets=["window"], data="d")
    public = next(jwt.PyJWK(each).key for each in keys if each["kid"] == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(token, public, ["RS256"], audience=registration.issuer, issuer=registration.client_id)
    assert claims["exp"] - claims["iat"] == 300
    assert claims[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[LTI + "deployment_id"] == "deployment-1"
    assert claims[DL + "data"] == "d"
    assert claims[DL + "content_items"] == [
        {
            "type": "ltiResourceLink",
            "title": "Week 1",
            "url": "https://tool.test/lti/launch/p/week/1",
            "window": {"targetName": "peerloop"},
        }
    ]


def test_an_answer_to_a_request_without_data_has_none(tool: Tool, registration: Registration) -> None:
    with tool.app.app_context():
        key = wire.current().keyring.current()
        token = deep_linking.answer(registration, "deployment-1", key, [], targets=["iframe"], data=None)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert DL + "data" not in claims
    assert claims[DL + "content_items"] == []
