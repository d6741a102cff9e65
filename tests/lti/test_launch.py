"""A good launch goes through once, and says who came from where to what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lti_tool.database import db
from lti_tool.lti import claims, platform_keys
from lti_tool.lti.launch import Role
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiLoginState
from tests.support.platform import GONE, LTI, OTHER_KEY, Browser, Platform, Tool, public_jwk


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_sends_the_browser_to_the_platform_with_everything_the_standard_wants(
    browser: Browser, method: str
) -> None:
    response = browser.login(method=method)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(browser.platform.url("/auth?"))
    assert response.headers["Cache-Control"] == "no-store"
    state, nonce = browser.auth.pop("state"), browser.auth.pop("nonce")
    assert len(state) > 40
    assert len(nonce) > 40
    assert browser.auth == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": browser.platform.client_id,
        "redirect_uri": f"{browser.base}/lti/launch",
        "login_hint": "hint-1",
        "lti_message_hint": "message-1",
    }


def test_an_authorization_address_with_a_query_keeps_it(tool: Tool, platform: Platform) -> None:
    tool.register(platform, auth_url=platform.url("/auth?tenant=7"))
    response = Browser(tool, platform).login()
    assert response.headers["Location"].startswith(platform.url("/auth?tenant=7&scope=openid&"))


def test_a_launch_arrives_as_one_value(browser: Browser, registration: Registration) -> None:
    response = browser.launch(
        custom={"week": "3", "tz": "Europe/Oslo", "unknown": "$Some.variable", "empty": "", "section": "North"},
        tool_platform={
            "guid": "g-1",
            "name": "LMS",
            "url": "https://lms.example.edu/x",
            "product_family_code": "moodle",
        },
        launch_presentation={"return_url": "https://lms.example.org/back", "locale": "nb-NO"},
        **{
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": "https://lms.example.edu/members",
                "service_versions": ["2.0"],
            },
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
                "lineitems": "https://lms.example.edu/items?type_id=7",
            },
        },
    )
    assert (response.status_code, response.text) == (200, "welcome")
    [launch] = browser.tool.launches
    assert launch.registration_id == registration.id
    assert launch.deployment_id == "deployment-1"
    assert launch.target_link_uri == browser.target
    assert launch.identity.subject == "person-1"
    assert launch.identity.name == "Zoë Ångström"
    assert launch.identity.zone == "Europe/Oslo"
    assert launch.identity.locale == "nb-NO"
    assert launch.standing.role is Role.LEARNER
    assert launch.context
    assert launch.context.title == "Peer learning"
    assert launch.resource_link
    assert launch.resource_link.id == "link-1"
    assert launch.memberships_url == "https://lms.example.edu/members"
    assert launch.grades
    assert launch.grades.line_items_url == "https://lms.example.edu/items?type_id=7"
    assert dict(launch.custom) == {"week": "3", "tz": "Europe/Oslo", "section": "North"}
    assert launch.section == "North"
    assert launch.frame_origins[-2:] == ("https://lms.example.edu", "https://lms.example.org")


def test_a_launch_without_any_optional_claim_is_good(browser: Browser) -> None:
    assert browser.launch(name=GONE, email=GONE, context=GONE, roles=[]).status_code == 200
    [launch] = browser.tool.launches
    assert launch.context is None
    assert launch.identity.name is None
    assert launch.standing.role is Role.NONE


def test_markup_and_control_characters_in_names_do_no_harm(browser: Browser) -> None:
    assert browser.launch(name="<b>Ann\x00</b>\ud800 Lee\u202e\n", given_name="می\u200cخواهم").status_code == 200
    assert browser.tool.launches[0].identity.name == "<b>Ann </b>  Lee"
    assert browser.tool.launches[0].identity.given_name == "می\u200cخواهم"


def test_a_login_that_names_no_client_uses_the_registration_in_its_address(
    browser: Browser, registration: Registration
) -> None:
    browser.tool.register(browser.platform, client_id="another")
    assert browser.login(client_id=None).headers["X-Peerloop-Error"] == "ambiguous_platform"
    assert browser.login(f"/lti/login/{registration.id}", client_id=None).status_code == 302
    response = browser.post(id_token=browser.token(), state=browser.auth["state"])
    assert response.status_code == 200


def test_registrations_under_one_issuer_are_told_apart_by_client_id(browser: Browser) -> None:
    other = browser.tool.register(browser.platform, client_id="another")
    browser.login(client_id="another")
    response = browser.post(id_token=browser.token(aud="another"), state=browser.auth["state"])
    assert response.status_code == 200
    assert browser.tool.launches[0].registration_id == other.id


def test_two_frames_of_one_page_can_log_in_at_once(browser: Browser) -> None:
    browser.login()
    first = {"id_token": browser.token(), "state": browser.auth["state"]}
    browser.login()
    second = {"id_token": browser.token(), "state": browser.auth["state"]}
    assert browser.post(**first).status_code == 200
    assert browser.post(**second).status_code == 200


def test_a_launch_leaves_no_state_and_no_cookie_behind(browser: Browser) -> None:
    browser.launch()
    assert not browser.http.cookies.keys()
    with browser.tool.app.app_context():
        count = select(func.count()).where(LtiLoginState.registration_id == browser.tool.launches[0].registration_id)
        assert db.session.scalar(count) == 0


def test_a_launch_that_could_not_be_recorded_can_be_tried_again(browser: Browser) -> None:
    browser.login()
    form = {"id_token": browser.token(), "state": browser.auth["state"]}
    browser.tool.fault = RuntimeError("disk full")
    assert browser.post(**form).status_code == 500
    browser.tool.fault = None
    assert browser.post(**form).status_code == 200


def test_a_platform_may_leave_out_the_algorithm_of_its_key(browser: Browser) -> None:
    [key] = browser.platform.jwks["keys"]
    del key["alg"]
    assert browser.launch().status_code == 200


def test_a_new_key_of_the_platform_is_found_at_once_and_the_set_is_otherwise_read_once(
    browser: Browser,
) -> None:
    for _time in range(3):
        assert browser.launch().status_code == 200
    assert browser.platform.jwks_reads == 1
    browser.platform.jwks["keys"].append(public_jwk(OTHER_KEY, "two"))
    assert browser.launch(key=OTHER_KEY, header={"kid": "two"}).status_code == 200
    assert browser.platform.jwks_reads == 2


def test_a_platform_whose_key_set_is_down_keeps_launching_with_the_keys_known(browser: Browser) -> None:
    assert browser.launch().status_code == 200
    browser.platform.jwks = "down for maintenance"
    assert browser.launch(header={"kid": "new"}).headers["X-Peerloop-Error"] == "unknown_key"
    assert browser.launch().status_code == 200


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3600),
        ({"Cache-Control": "public, max-age=7200"}, 7200),
        ({"Cache-Control": "no-store, max-age=0"}, 300),
        ({"Cache-Control": "max-age=99999999"}, 86_400),
    ],
)
def test_a_key_set_is_read_again_when_the_platform_says_within_reason(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], seconds: int
) -> None:
    moved = Clock()
    monkeypatch.setattr(platform_keys, "time", moved)
    browser.platform.jwks_headers = headers
    browser.launch()
    moved.now += seconds - 1
    browser.launch()
    assert browser.platform.jwks_reads == 1
    moved.now += 2
    browser.launch()
    assert browser.platform.jwks_reads == 2
    assert len(browser.tool.launches) == 3


def test_a_platform_that_is_down_is_asked_for_its_keys_now_and_then_only(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Clock()
    monkeypatch.setattr(platform_keys, "time", moved)
    good, browser.platform.jwks = browser.platform.jwks, "down for maintenance"
    for _time in range(3):
        assert browser.launch().headers["X-Peerloop-Error"] == "keys_unreachable"
    assert browser.platform.jwks_reads == 1
    browser.platform.jwks = good
    moved.now += platform_keys.FLOOR_SECONDS + 1
    assert browser.launch().status_code == 200


def test_many_first_launches_at_once_read_the_key_set_once(tool: Tool, platform: Platform) -> None:
    tool.register(platform)
    browsers = [Browser(tool, platform) for _number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda browser: browser.launch().status_code, browsers))
    for browser in browsers:
        browser.http.close()
    assert statuses == [200] * 8
    assert platform.jwks_reads == 1


def test_a_page_reloaded_again_and_again_does_not_pile_up_cookies(browser: Browser) -> None:
    for _time in range(20):
        browser.login()
    assert len(browser.http.cookies) == 11
    assert browser.post(id_token=browser.token(), state=browser.auth["state"]).status_code == 200


def test_the_state_cookie_on_https_is_tied_to_host_frame_and_browser(tmp_path: Path, platform: Platform) -> None:
    tool = Tool("https://tool.example.edu", tmp_path)
    tool.register(platform)
    form = {
        "iss": platform.issuer,
        "login_hint": "h",
        "target_link_uri": "https://tool.example.edu/",
        "client_id": platform.client_id,
    }
    response = tool.app.test_client().post("/lti/login", data=form, base_url="https://tool.example.edu")
    tool.close()
    name, _, rest = response.headers["Set-Cookie"].partition("=")
    assert name.startswith("__Host-peerloop-state-")
    attributes = set(rest.split("; ")[1:])
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned", "Max-Age=600"} <= attributes
    assert "Domain" not in rest


def test_the_names_of_claims_are_those_of_the_standard() -> None:
    assert claims.LTI == LTI == "https://purl.imsglobal.org/spec/lti/claim/"
