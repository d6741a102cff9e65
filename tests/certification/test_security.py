"""How the tool proves who it is to a platform's services.

https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens-with-oauth-2-0-client-credentials-grant
"""

from __future__ import annotations

from typing import Any

import jwt
import requests

from tests.certification.course import CourseWithServices
from tests.certification.services import member
from tests.certification.tool import ToolUnderTest

PART = "Security"


def key_set(tool: ToolUnderTest) -> requests.Response:
    return requests.get(f"{tool.browser.base}/lti/jwks", timeout=10)


def claims_of(course: CourseWithServices, request: dict[str, Any]) -> dict[str, Any]:
    """What a token request states, if its signature is that of a key which the tool publishes."""
    assertion = request["client_assertion"]
    keys = {key["kid"]: key for key in key_set(course.tool).json()["keys"]}
    key = jwt.PyJWK(keys[jwt.get_unverified_header(assertion)["kid"]])
    audience = course.tool.platform.url("/token")
    claims: dict[str, Any] = jwt.decode(assertion, key, algorithms=["RS256"], audience=audience)
    return claims


def test_key_set(tool: ToolUnderTest) -> None:
    """A key set that the platform reads"""
    response = key_set(tool)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    keys = response.json()["keys"]
    assert keys
    for key in keys:
        assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    tool.seen("publish RSA keys, each with a `kid`, and nothing private")


def test_signed_assertion(course: CourseWithServices) -> None:
    """A token endpoint that checks what the tool signs"""
    course.services.members = [member("ana", name="Ana Ruiz")]
    course.teacher_opens()
    course.roster_is_read()
    course.first_session_was(present=("ana",))
    course.grades_are_sent()
    requests = course.tool.platform.token_requests
    stated = [claims_of(course, request) for request in requests]
    for request, claims in zip(requests, stated, strict=True):
        assert request["content_type"] == "application/x-www-form-urlencoded"
        assert request["grant_type"] == "client_credentials"
        assert request["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert claims["iss"] == claims["sub"] == course.tool.platform.client_id
        assert 0 < claims["exp"] - claims["iat"] <= 3600
    assert len({claims["jti"] for claims in stated}) == len(stated) > 2
    course.tool.seen("prove itself with a key of its key set, for its client id, each time with another `jti`")


def test_token_is_kept(course: CourseWithServices) -> None:
    """A token that is good for an hour"""
    course.services.members = [member(f"s{n}", name=f"Student {n}") for n in range(1, 6)]
    course.teacher_opens()
    course.roster_is_read()
    assert len(course.services.asked_for) == 3
    assert len(course.tool.platform.token_requests) == 1
    course.tool.seen("use it for every call until it ends")


def test_token_is_revoked(course: CourseWithServices) -> None:
    """A token that the platform takes back before its time"""
    course.services.members = [member("ana", name="Ana Ruiz")]
    course.teacher_opens()
    course.roster_is_read()
    course.tool.platform.valid_tokens.clear()
    course.services.members.append(member("bo", name="Bo Li"))
    course.asks_for_the_roster()
    assert "Bo Li" in course.page("people")
    assert len(course.tool.platform.token_requests) == 2
    course.tool.seen("ask for another one, and go on")


def test_scope_is_not_granted(course: CourseWithServices) -> None:
    """A token that is given without the scope which was asked for"""
    course.tool.platform.granted = ""
    course.teacher_opens()
    course.roster_is_read()
    assert course.services.asked_for == []
    assert "An administrator must allow the service “Names and Roles”" in course.page("people")
    course.tool.seen("ask for nothing, and say what an administrator must allow")
