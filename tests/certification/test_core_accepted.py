"""Messages that a tool must take. https://www.imsglobal.org/spec/lti/v1p3#resource-link-launch-request-message"""

from __future__ import annotations

from typing import Any

import pytest

from lti_tool.lti.launch import Role
from tests.certification.tool import INSTRUCTOR, LEARNER, MEMBERSHIP, ROLES, ToolUnderTest, heading
from tests.support.platform import GONE

PART = "Core"
NOBODY = {"name": GONE, "given_name": GONE, "family_name": GONE, "email": GONE}
OTHER_ROLES = {
    "instructor": [
        MEMBERSHIP + "ContentDeveloper",
        "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Staff",
    ],
    "learner": ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Student", MEMBERSHIP + "Unheard-of"],
}

either = pytest.mark.parametrize("who", ["instructor", "learner"])


def launched(tool: ToolUnderTest, who: str, **claims: Any) -> Any:
    return tool.launch(**{"roles": ROLES[who], **claims})


@either
def test_everything(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with every claim about the person"""
    personal = {"name": "Zoë Ångström", "given_name": "Zoë", "family_name": "Ångström", "email": "z@example.edu"}
    tool.opens(launched(tool, who, **personal, locale="nb-NO"), Role(who), "Zoë Ångström")


@either
def test_several_roles(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with several roles"""
    tool.opens(tool.launch(roles=[*OTHER_ROLES[who], *ROLES[who]]), Role(who), "Zoë Ångström")


@either
def test_short_role(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with the short name of the role"""
    tool.opens(tool.launch(roles=[who.capitalize()]), Role(who), "Zoë Ångström")


def test_unknown_role(tool: ToolUnderTest) -> None:
    """Somebody with a role that no vocabulary has"""
    unknown = "http://purl.imsglobal.org/vocab/lis/v2/unknown/unknown#Helper"
    page = tool.opens(tool.launch(roles=[unknown]), Role.NONE, "Zoë Ångström")
    assert "neither a learner nor an instructor" in page


def test_no_role(tool: ToolUnderTest) -> None:
    """Somebody with no role (an empty list)"""
    page = tool.opens(tool.launch(roles=[]), Role.NONE, "Zoë Ångström")
    assert "neither a learner nor an instructor" in page


@either
def test_email_only(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with an e-mail address and no name"""
    response = launched(tool, who, **{**NOBODY, "email": "zoe@example.edu"})
    tool.opens(response, Role(who), tool.made_up_name())


@either
def test_names_only(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with names and no e-mail address"""
    names = {"given_name": "Zoë", "family_name": "Ångström"}
    tool.opens(launched(tool, who, **{**NOBODY, **names}), Role(who), "Zoë Ångström")


@either
def test_nothing_personal(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with nothing personal but the id"""
    response = launched(tool, who, **NOBODY)
    tool.opens(response, Role(who), tool.made_up_name())


@either
def test_email_without_context(tool: ToolUnderTest, who: str) -> None:
    """The {who}, with an e-mail address, from a place that belongs to no course"""
    response = launched(tool, who, **{**NOBODY, "email": "zoe@example.edu"}, context=GONE)
    assert response.status_code == 200
    assert "X-Peerloop-Error" not in response.headers
    assert "Hello, zoe@example.edu" in response.text
    assert (
        f"frame-ancestors 'self' {tool.browser.platform.issuer.rpartition('/')[0]}"
        in (response.headers["Content-Security-Policy"])
    )
    tool.seen(f"take it, and say “{heading(response)}”")


def test_unknown_claims(tool: ToolUnderTest) -> None:
    """A message with claims that nobody has defined"""
    more = {"https://example.edu/claim": {"deep": [1, 2]}, "https://example.org/other": "7"}
    tool.opens(tool.launch(roles=LEARNER, **more), Role.LEARNER, "Zoë Ångström")


def test_custom_parameters(tool: ToolUnderTest) -> None:
    """A message with custom parameters, one of which the platform could not fill in"""
    custom = {"tz": "Europe/Oslo", "unknown": "$Some.variable"}
    tool.opens(tool.launch(roles=INSTRUCTOR, custom=custom), Role.INSTRUCTOR, "Zoë Ångström")
    assert tool.product.launches[-1].custom == {"tz": "Europe/Oslo"}


def test_login_by_get(tool: ToolUnderTest) -> None:
    """A login by GET, where others come by POST"""
    assert tool.browser.login(method="GET").status_code == 302
    response = tool.browser.post(id_token=tool.browser.token(roles=LEARNER), state=tool.browser.auth["state"])
    tool.opens(response, Role.LEARNER, "Zoë Ångström")


def test_login_without_client_id(tool: ToolUnderTest) -> None:
    """A login that does not name the client, at the login address of its registration"""
    tool.product.register(tool.platform, client_id="another")
    assert tool.browser.login(f"/lti/login/{tool.registration.id}", client_id=None).status_code == 302
    response = tool.browser.post(id_token=tool.browser.token(roles=LEARNER), state=tool.browser.auth["state"])
    tool.opens(response, Role.LEARNER, "Zoë Ångström")
