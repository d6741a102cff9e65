"""An administrator pastes one address into the LMS, and both know each other."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import BoundedSemaphore

import pytest
import structlog
from flask import Response
from sqlalchemy import func, select, update

from lti_tool import clock
from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti import dynamic, grades, memberships, offer, waiting
from lti_tool.lti.failures import EXCERPT_LENGTH
from lti_tool.lti.tables import LtiInvitation, LtiPendingRegistration
from tests.lti.registering import (
    TOOL,
    WANTED_VARIABLES,
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
from tests.support.platform import GONE, Browser, Platforms, Tool


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_invitation_pasted_into_the_lms_leads_to_a_launch(tool: Tool, admin: Administrator) -> None:
    made = run(tool, "invite", "--json")
    page = admin.registers(secret_in(json.loads(made.output)["url"]))
    assert page.status_code == 200
    assert "Peerloop is registered" in words(page)
    assert "choose “Activate”" in words(page)
    browser = Browser(tool, admin.platform)
    assert browser.launch().text == "welcome"
    browser.http.close()


def test_what_is_asked_for_is_what_is_used_and_nothing_else(tool: Tool, admin: Administrator) -> None:
    admin.registers(invite(tool))
    [asked] = admin.platform.registrations
    base = tool.settings.base_url
    assert asked["initiate_login_uri"] == f"{base}/lti/login"
    assert asked["redirect_uris"] == [f"{base}/lti/launch"]
    assert asked["jwks_uri"] == f"{base}/lti/jwks"
    assert asked["response_types"] == ["id_token"]
    assert asked["token_endpoint_auth_method"] == "private_key_jwt"
    used = {memberships.SCOPE, grades.SCOPE_LINE_ITEM, grades.SCOPE_SCORE, grades.SCOPE_RESULT}
    assert set(asked["scope"].split()) == used
    assert asked[TOOL]["domain"] == base.removeprefix("http://")
    assert asked[TOOL]["custom_parameters"] == WANTED_VARIABLES
    assert {"sub", "name", "given_name", "family_name", "email"} <= set(asked[TOOL]["claims"])
    assert asked[TOOL]["messages"] == [
        {"type": "LtiResourceLinkRequest", "target_link_uri": f"{base}/lti/launch", "label": "Peerloop"}
    ]


def test_canvas_is_asked_for_names_and_a_place_in_the_courses_menu(tool: Tool, admin: Administrator) -> None:
    admin.platform.about = {
        "product_family_code": "canvas",
        "messages_supported": [{"type": "LtiResourceLinkRequest", "placements": ["course_navigation", "global"]}],
        "https://canvas.instructure.com/lti/account_name": "Northfield \x07College",
    }
    admin.platform.changes = {"authorization_server": "canvas.test"}
    admin.platform.deployment_id = None
    page = admin.registers(invite(tool))
    [asked] = admin.platform.registrations
    assert asked[TOOL]["https://canvas.instructure.com/lti/privacy_level"] == "public"
    [message] = asked[TOOL]["messages"]
    assert message["placements"] == ["course_navigation"]
    assert message["https://canvas.instructure.com/lti/course_navigation/default_enabled"] is False
    assert "Enable & Close" in words(page)
    found = registered(admin)
    assert found is not None
    assert found.name == "Northfield  College"
    assert found.family == "canvas"
    assert found.audience == admin.platform.url("/token")


def test_the_lms_registration_token_opens_both_of_its_doors_and_is_told_to_no_log(
    tool: Tool, admin: Administrator
) -> None:
    with structlog.testing.capture_logs() as logs:
        admin.registers(invite(tool), registration_token="S3CRET")
    sent = {path: headers.get("Authorization") for path, headers in admin.platform.asked}
    assert sent == {"/openid-configuration": "Bearer S3CRET", "/register": "Bearer S3CRET"}
    assert "S3CRET" not in str(logs)
    assert any(entry.get("code") == "registration_refused" for entry in logs)


def test_no_log_is_told_even_a_part_of_a_token_that_the_lms_repeats(tool: Tool, admin: Administrator) -> None:
    admin.platform.raw = Response("x" * (EXCERPT_LENGTH - 3) + "S3CRET", 403)
    with structlog.testing.capture_logs() as logs:
        admin.registers(invite(tool), registration_token="S3CRET")
    [refused] = [entry for entry in logs if entry.get("code") == "registration_refused"]
    assert "S3C" not in str(refused)


def test_no_log_is_told_a_token_that_the_lms_repeats_in_another_spelling(tool: Tool, admin: Administrator) -> None:
    said = json.dumps({"error": "no such token: S3C/RET"}).replace("/", "\\/")
    admin.platform.raw = Response(said, 401)
    with structlog.testing.capture_logs() as logs:
        admin.registers(invite(tool), registration_token="S3C/RET")
    [refused] = [entry for entry in logs if entry.get("code") == "registration_refused"]
    assert refused["detail"] == "GET 401 no such token: "


def test_the_first_deployment_of_an_lms_that_named_none_needs_no_approval_and_the_second_does(
    tool: Tool, admin: Administrator
) -> None:
    admin.platform.deployment_id = None
    admin.registers(invite(tool))
    browser = Browser(tool, admin.platform)
    assert browser.launch(deployment_id="first").text == "welcome"
    assert browser.launch(deployment_id="second").headers["X-Peerloop-Error"] == "deployment_pending"
    assert browser.launch(deployment_id="first").text == "welcome"
    browser.http.close()


def test_the_last_page_can_be_shown_by_the_lms_alone_and_tell_it_that_it_is_done(
    tool: Tool, admin: Administrator
) -> None:
    headers = admin.registers(invite(tool)).headers
    origin = "/".join(admin.platform.issuer.split("/")[:3])
    assert f"frame-ancestors 'self' {origin}" in headers["Content-Security-Policy"]
    assert "Cross-Origin-Opener-Policy" not in headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_opened_by_a_person_the_address_says_where_to_paste_it_and_stays_good(
    tool: Tool, admin: Administrator
) -> None:
    invitation = invite(tool)
    address = f"{tool.settings.base_url}/lti/register?invitation={invitation}"
    page = admin.opens(address)
    assert page.status_code == 200
    assert address in page.text
    assert "Add LTI Advantage" in words(page)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert admin.opens(f"{address}&openid_configuration=https://x", "HEAD").status_code == 200
    assert is_open(tool, invitation)
    assert admin.opens(f"{address}x").headers["X-Peerloop-Error"] == "registration_invitation"
    assert admin.opens(address.partition("?")[0]).status_code == 200


def test_an_invitation_is_printed_with_what_it_is_good_for(tool: Tool) -> None:
    said = run(tool, "invite", "--days", "3", "--note", "Northfield")
    assert f"{tool.settings.base_url}/lti/register?invitation=" in said.output
    assert "works once" in said.output
    wrong_hosts = (("--host", "north field"), ("--host", "https://[x"), ("--host", "h" * 256))
    for wrong in (("--days", "0"), ("--days", "91"), ("--note", "n" * 201), *wrong_hosts):
        assert run(tool, "invite", *wrong).exit_code != 0


def test_an_invitation_that_went_to_the_wrong_person_is_withdrawn(tool: Tool, admin: Administrator) -> None:
    secret = secret_in(json.loads(run(tool, "invite", "--note", "Northfield", "--json").output)["url"])
    number = json.loads(run(tool, "invitations", "--json").output)[-1]["id"]
    assert "Northfield" in run(tool, "invitations").output
    assert run(tool, "withdraw", str(number)).exit_code == 0
    assert str(number) not in run(tool, "invitations").output.split()
    assert run(tool, "withdraw", str(number)).exit_code == 1
    assert admin.registers(secret).headers["X-Peerloop-Error"] == "registration_invitation"


def test_what_the_lms_keeps_back_is_said_on_the_last_page(tool: Tool, admin: Administrator) -> None:
    admin.platform.answer = {"scope": " ".join(scope for scope in offer.SCOPES if "lti-ags" not in scope)}
    page = words(admin.registers(invite(tool)))
    assert "keeps back" in page
    assert grades.SCOPE_SCORE in page
    assert memberships.SCOPE not in page


def test_an_invitation_is_good_for_one_registration(tool: Tool, admin: Administrator, platforms: Platforms) -> None:
    invitation = invite(tool)
    admin.registers(invitation)
    other = Administrator(tool, platforms.of(RegisteringPlatform))
    refused = other.registers(invitation)
    assert (refused.status_code, refused.headers["X-Peerloop-Error"]) == (403, "registration_invitation")
    assert 'href="/lti/register"' in refused.text
    assert other.platform.asked == []


def test_what_is_left_to_do_is_still_to_be_found_when_the_last_page_is_closed(
    tool: Tool, admin: Administrator
) -> None:
    address = f"{tool.settings.base_url}/lti/register"
    assert f'href="{address}"' in admin.registers(invite(tool)).text
    guide = words(admin.opens(address))
    for step in ("choose “Activate”", "choose “Enable & Close”", "Add the first to a course"):
        assert step in guide


def test_the_address_of_peerloop_itself_leads_on(tool: Tool, admin: Administrator) -> None:
    page = admin.opens(f"{tool.settings.base_url}/")
    assert page.status_code == 404
    assert "from a course" in words(page)
    assert 'href="/lti/register"' in page.text


def test_of_two_who_use_an_invitation_at_once_one_waits(
    tool: Tool, admin: Administrator, platforms: Platforms
) -> None:
    invitation = invite(tool)
    other = Administrator(tool, platforms.of(RegisteringPlatform))
    admin.platform.hold = threading.Event()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(admin.registers, invitation)
        wait_until(lambda: bool(admin.platform.asked))
        assert "is registered" in words(other.registers(invitation))
        admin.platform.hold.set()
        assert "waits for approval" in words(slow.result())
    assert registered(other) is not None
    assert registered(admin) is None
    assert [pending.client_id for pending in waits(admin)] == [admin.platform.client_id]


def test_an_invitation_ends_after_some_days(tool: Tool, admin: Administrator) -> None:
    invitation = invite(tool, days=3)
    with tool.app.app_context(), transaction() as session:
        row = session.scalars(select(LtiInvitation).order_by(LtiInvitation.id.desc())).first()
        assert row is not None
        assert timedelta(days=2) < row.expires_at - clock.wall() <= timedelta(days=3)
        row.expires_at = clock.wall()
    assert admin.registers(invitation).headers["X-Peerloop-Error"] == "registration_invitation"
    assert registered(admin) is None


def test_a_registration_that_fails_leaves_the_invitation_for_another_try(tool: Tool, admin: Administrator) -> None:
    invitation = invite(tool)
    admin.platform.answer = {"client_id": GONE}
    assert admin.registers(invitation).headers["X-Peerloop-Error"] == "registration_unreadable"
    admin.platform.answer = {}
    assert admin.registers(invitation).status_code == 200
    assert not is_open(tool, invitation)


def test_only_a_hash_of_an_invitation_is_kept(tool: Tool) -> None:
    secret = invite(tool)
    content = b"".join(path.read_bytes() for path in Path(tool.settings.database_url[10:]).parent.glob("tool.db*"))
    assert secret.encode() not in content
    assert hashlib.sha256(secret.encode()).digest() in content


def test_a_registration_that_comes_again_is_told_so(tool: Tool, admin: Administrator) -> None:
    admin.registers(invite(tool))
    again = invite(tool)
    assert admin.registers(again).headers["X-Peerloop-Error"] == "registration_exists"
    assert is_open(tool, again)


def test_without_an_invitation_a_registration_waits_and_opens_nothing_until_it_is_approved(
    tool: Tool, admin: Administrator
) -> None:
    last_page = words(admin.registers())
    assert "waits for approval" in last_page
    assert "without an invitation" in last_page
    assert registered(admin) is None
    browser = Browser(tool, admin.platform)
    refused = browser.login()
    assert (refused.status_code, refused.headers["X-Peerloop-Error"]) == (403, "registration_waiting")
    [pending] = waits(admin)
    for told in (last_page, words(refused), run(tool, "waiting").output):
        assert pending.reference in told
    approved = run(tool, "approve", pending.reference.lower().replace("-", ""))
    assert approved.exit_code == 0, approved.output
    assert browser.launch().text == "welcome"
    assert waits(admin) == []
    browser.http.close()


def test_a_registration_that_was_dismissed_is_gone(tool: Tool, admin: Administrator) -> None:
    admin.registers()
    [pending] = waits(admin)
    assert admin.platform.client_id in run(tool, "waiting").output
    assert "1 registration waits" in run(tool, "list").output
    assert run(tool, "dismiss", pending.reference, "7F3K-2A").exit_code == 1
    assert len(waits(admin)) == 1
    assert run(tool, "dismiss", pending.reference).exit_code == 0
    admin.registers()  # what comes next has a reference of its own
    for command in ("approve", "dismiss"):
        result = run(tool, command, pending.reference)
        assert result.exit_code == 1
        assert "no registration waits" in result.output
    assert registered(admin) is None


def test_what_an_operator_decides_is_written_down(tool: Tool, admin: Administrator) -> None:
    with tool.app.app_context():
        before = db.session.scalar(select(func.max(AuditEntry.id))) or 0
    run(tool, "invite", "--note", "Northfield")
    run(tool, "withdraw", str(json.loads(run(tool, "invitations", "--json").output)[-1]["id"]))
    for decision in ("dismiss", "approve"):
        admin.registers()
        run(tool, decision, waits(admin)[0].reference)
    with tool.app.app_context():
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.id > before).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        "invitation.made",
        "invitation.withdrawn",
        "registration.dismissed",
        "registration.approved",
    ]
    assert entries[-1].after["client"] == admin.platform.client_id


def test_one_stranger_leaves_only_so_much_waiting(tool: Tool, admin: Administrator) -> None:
    for number in range(waiting.MOST_OF_A_HOST):
        admin.platform.client_id = f"stranger-{number}"
        assert admin.registers().status_code == 200
    refused = admin.registers()
    assert (refused.status_code, refused.headers["X-Peerloop-Error"]) == (403, "registration_full")
    assert len(admin.platform.registrations) == waiting.MOST_OF_A_HOST
    admin.platform.client_id = "invited"
    assert "is registered" in words(admin.registers(invite(tool)))


def test_what_nobody_looked_at_for_a_month_makes_room(tool: Tool, admin: Administrator) -> None:
    admin.registers()
    with tool.app.app_context(), transaction() as session:
        session.execute(update(LtiPendingRegistration).values(created_at=clock.wall() - waiting.LONGEST))
    [forgotten] = (pending.reference for pending in stored(tool))
    assert run(tool, "approve", forgotten).exit_code == 1
    admin.platform.client_id = "later"
    admin.registers()
    assert [pending.client_id for pending in waits(admin)] == ["later"]


def stored(tool: Tool) -> list[LtiPendingRegistration]:
    with tool.app.app_context():
        return list(db.session.scalars(select(LtiPendingRegistration)))


@pytest.mark.parametrize(("places", "count"), [(dynamic.STRANGERS_AT_ONCE, 2), (dynamic.INVITED_AT_ONCE, 4)])
def test_slow_registrations_do_not_hold_every_thread(
    tool: Tool, admin: Administrator, places: BoundedSemaphore, count: int
) -> None:
    invited = places is dynamic.INVITED_AT_ONCE
    held = [places.acquire(blocking=False) for _ in range(count)]
    try:
        assert all(held)
        refused = admin.registers(invite(tool) if invited else "")
        assert refused.headers["X-Peerloop-Error"] == "registration_full"
        assert admin.registers("" if invited else invite(tool)).status_code == 200
    finally:
        for _ in held:
            places.release()


def test_what_strangers_left_keeps_no_invited_lms_out(tool: Tool, admin: Administrator) -> None:
    for number in range(waiting.MOST_OF_A_HOST):
        admin.platform.client_id = f"stranger-{number}"
        admin.registers()
    admin.platform.about = {"product_family_code": "canvas"}
    admin.platform.changes = {"issuer": "https://canvas.instructure.com"}
    assert "waits for approval" in words(admin.registers(invite(tool)))


@pytest.mark.parametrize(
    ("given", "host"),
    [("https://münchen.example/login", "xn--mnchen-3ya.example"), ("LMS.Example.edu:8443/x", "lms.example.edu")],
)
def test_an_invitation_takes_an_address_for_its_host(tool: Tool, given: str, host: str) -> None:
    run(tool, "invite", "--host", given)
    assert host in run(tool, "invitations").output
