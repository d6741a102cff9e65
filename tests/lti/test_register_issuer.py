"""Whose LMS it is that registers: nobody speaks for another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lti_tool.lti import platform_document, registrations
from tests.lti.registering import PLATFORM, Administrator, invite, is_open, registered, run, waits, words
from tests.support.platform import Tool


def test_canvas_on_an_institutions_own_domain_waits_even_with_an_invitation(tool: Tool, admin: Administrator) -> None:
    admin.platform.about = {"product_family_code": "canvas"}
    admin.platform.changes = {"issuer": "https://canvas.instructure.com"}
    invitation = invite(tool)
    assert "waits for approval" in words(admin.registers(invitation))
    [pending] = waits(admin)
    assert pending.doubt
    assert not is_open(tool, invitation)
    shown = run(tool, "waiting").output
    assert "ask the institution" in shown


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
