"""Whose LMS it is that registers: nobody speaks for another one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import requests

from lti_tool.lti import platform_document, registrations
from tests.lti.registering import (
    PLATFORM,
    Administrator,
    RegisteringPlatform,
    invite,
    is_open,
    registered,
    run,
    secret_in,
    waits,
    words,
)
from tests.support.platform import Platforms, Tool


def test_canvas_on_an_institutions_own_domain_waits_even_with_an_invitation(tool: Tool, admin: Administrator) -> None:
    admin.platform.about = {"product_family_code": "canvas"}
    admin.platform.changes = {"issuer": "https://canvas.instructure.com"}
    invitation = invite(tool, note="Northfield College")
    last_page = words(admin.registers(invitation))
    assert "waits for approval" in last_page
    [pending] = waits(admin)
    assert pending.doubt
    assert "not its issuer's own" in last_page
    assert f"Write to whoever sent you the invitation, and name the reference {pending.reference}" in last_page
    assert not is_open(tool, invitation)
    shown = run(tool, "waiting").output
    assert "ask the institution" in shown
    assert "by the invitation for Northfield College" in shown


@pytest.mark.parametrize(
    ("about", "changes"),
    [
        ({}, {"token_endpoint": "https://lms.of-somebody-else.example/token"}),
        ({"product_family_code": "desire2learn"}, {}),
        (
            {"product_family_code": "desire2learn"},
            {"token_endpoint": "https://auth.brightspace.com/core/connect/token"},
        ),
        ({"product_family_code": "blackboard"}, {}),
    ],
)
def test_an_lms_that_would_have_us_ask_another_one_for_tokens_waits_even_with_an_invitation(
    tool: Tool, admin: Administrator, about: dict[str, str], changes: dict[str, str]
) -> None:
    """With the client id that we have at that other one, its tokens would be sent to this one's services."""
    admin.platform.about = about
    admin.platform.changes = changes
    assert "waits for approval" in words(admin.registers(invite(tool)))
    assert [pending.doubt for pending in waits(admin)] == [True]


@pytest.mark.parametrize(
    ("about", "changes"),
    [
        ({"product_family_code": "canvas"}, {"issuer": "https://canvas.instructure.com"}),
        (
            {"product_family_code": "desire2learn"},
            {"token_endpoint": "https://auth.brightspace.com/core/connect/token"},
        ),
    ],
)
@pytest.mark.parametrize("named", ["the host", "another", "none"])
def test_the_lms_at_the_host_that_an_invitation_names_needs_no_approval(
    tool: Tool, admin: Administrator, about: dict[str, str], changes: dict[str, str], named: str
) -> None:
    admin.platform.about = about
    admin.platform.changes = changes
    host = {"the host": f"{admin.platform.issuer}/login", "another": "lms.northfield.example", "none": ""}[named]
    printed = run(tool, "invite", "--host", host, "--json").output
    page = words(admin.registers(secret_in(json.loads(printed)["url"])))
    assert ("waits for approval" in page) == (named != "the host")


def test_nobody_is_handed_the_tokens_of_another_lms_by_naming_its_client_id_and_token_address(
    tool: Tool, admin: Administrator, platforms: Platforms
) -> None:
    """Not by an invitation that names the host, and not by an approval either."""
    shared = {"token_endpoint": "https://auth.brightspace.com/core/connect/token"}
    other = Administrator(tool, platforms.of(RegisteringPlatform))
    for one in (admin, other):
        one.platform.about = {"product_family_code": "desire2learn"}
        one.platform.changes = shared
    other.platform.client_id = admin.platform.client_id
    assert "is registered" in words(admin.registers(invite(tool, host="127.0.0.1")))
    again = other.registers(invite(tool, host="127.0.0.1"))
    assert again.headers["X-Peerloop-Error"] == "registration_exists"
    other.registers()
    [pending] = waits(other)
    assert "registered already" in run(tool, "approve", pending.reference).output
    assert registered(other) is None


@pytest.mark.parametrize("spelling", ["{}?", "{}/", "{}#x", "{}?a=b"])
def test_another_spelling_of_the_token_address_is_the_same_server(
    tool: Tool, admin: Administrator, platforms: Platforms, spelling: str
) -> None:
    admin.registers(invite(tool))
    other = Administrator(tool, platforms.of(RegisteringPlatform))
    other.platform.client_id = admin.platform.client_id
    other.platform.changes = {"token_endpoint": spelling.format(admin.platform.url("/token"))}
    refused = other.registers(invite(tool, host="127.0.0.1"))
    assert refused.headers["X-Peerloop-Error"] == "registration_exists"


def test_a_strangers_reference_is_told_to_nobody_in_place_of_the_lmss_own(
    tool: Tool, admin: Administrator, platforms: Platforms
) -> None:
    stranger = Administrator(tool, platforms.of(RegisteringPlatform))
    for one in (stranger, admin):
        one.platform.about = {"product_family_code": "canvas"}
        one.platform.changes = {"issuer": "https://canvas.instructure.com"}
        one.platform.client_id = "10000000000042"
    stranger.registers()
    admin.registers(invite(tool, note="Northfield"))
    references = [pending.reference for pending in waits(admin)]
    assert len(references) == 2
    login = {"iss": "https://canvas.instructure.com", "client_id": "10000000000042", "login_hint": "x"}
    base = tool.settings.base_url
    refused = requests.post(f"{base}/lti/login", {**login, "target_link_uri": f"{base}/lti/launch"}, timeout=10)
    assert refused.headers["X-Peerloop-Error"] == "registration_waiting"
    assert not any(reference in refused.text for reference in references)


@pytest.mark.parametrize("stated", ["https://lms.of-somebody-else.example/token", "lms.of-somebody-else.example", 7])
def test_an_audience_that_is_not_the_token_addresss_own_is_not_used(
    tool: Tool, admin: Administrator, stated: object
) -> None:
    admin.platform.changes = {"authorization_server": stated}
    admin.registers(invite(tool))
    found = registered(admin)
    assert found is not None
    assert found.audience == admin.platform.url("/token")


def test_an_audience_of_the_lms_itself_is_used(tool: Tool, admin: Administrator) -> None:
    admin.platform.changes = {"authorization_server": admin.platform.issuer}
    admin.registers(invite(tool))
    found = registered(admin)
    assert found is not None
    assert found.audience == admin.platform.issuer


def test_brightspace_has_its_token_address_at_its_vendor() -> None:
    here = "https://northfield.brightspace.com"
    document = platform_document.read(
        f"{here}/d2l/.well-known/openid-configuration",
        {
            "issuer": here,
            "authorization_endpoint": f"{here}/d2l/lti/authenticate",
            "token_endpoint": "https://auth.brightspace.com/core/connect/token",
            "jwks_uri": f"{here}/d2l/.well-known/jwks",
            "registration_endpoint": f"{here}/register",
            PLATFORM: {"product_family_code": "desire2learn"},
        },
        allow_private=False,
    )
    assert document.audience == "https://api.brightspace.com/auth/token"
    assert platform_document.is_vouched_for(document)
    for stranger in (
        "https://brightspace.com.evil.example",
        "https://evilbrightspace.com",
        "https://learn.evil.example",
    ):
        elsewhere = replace(document, url=f"{stranger}/configuration", issuer=stranger)
        assert not platform_document.is_vouched_for(elsewhere)


def test_canvas_with_the_vendors_own_keys_is_canvas_wherever_it_is_opened(tool: Tool, admin: Administrator) -> None:
    admin.platform.about = {"product_family_code": "canvas"}
    sso = "https://sso.canvaslms.com"
    admin.platform.changes = {
        "issuer": "https://canvas.instructure.com",
        "authorization_endpoint": f"{sso}/api/lti/authorize_redirect",
        "jwks_uri": f"{sso}/api/lti/security/jwks",
        "token_endpoint": f"{sso}/login/oauth2/token",
    }
    assert "is registered" in words(admin.registers(invite(tool)))
    with tool.app.app_context():
        [found] = registrations.of_issuer("https://canvas.instructure.com", admin.platform.client_id)
    assert found.jwks_url == f"{sso}/api/lti/security/jwks"
