"""A new place in an LMS waits until somebody accepts it, and is given nothing before."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from click.testing import Result
from sqlalchemy import func, select, update

from lti_tool import clock
from lti_tool.audit import AuditEntry
from lti_tool.database import Base, db, transaction
from lti_tool.lti import deployments
from lti_tool.lti.tables import LtiDeployment
from lti_tool.roster.deployment_commands import deployment
from tests.support.platform import GONE, Browser, Platform, Tool
from tests.support.product import LEFT_BY_A_LAUNCH, Product

REFERENCE = re.compile(r"<strong>([2-9A-Z]{4}-[2-9A-Z]{2})</strong>")
SCHOOL = {"guid": "guid-1", "name": "Northfield College"}


@pytest.fixture
def tool(product: Product) -> Tool:
    """In this file launches lead into the whole product."""
    return product


def run(tool: Tool, *arguments: str) -> Result:
    return tool.app.test_cli_runner().invoke(deployment, arguments)


def code(response: requests.Response) -> str | None:
    return response.headers.get("X-Peerloop-Error")


def reference(response: requests.Response) -> str:
    """The reference that a page shows whose placement waits."""
    assert (response.status_code, code(response)) == (403, "deployment_pending")
    found = REFERENCE.search(response.text)
    assert found
    return found[1]


def waiting(tool: Tool, platform: Platform) -> list[dict[str, Any]]:
    """What the command lists of one platform."""
    listed = json.loads(run(tool, "list", "--json").output)
    return [entry for entry in listed if entry["registration"]["issuer"] == platform.issuer]


def rows_of(tool: Tool) -> dict[str, int]:
    """How many rows there are of what a launch leaves when it is let in."""
    with tool.app.app_context():
        tables = [Base.metadata.tables[name] for name in LEFT_BY_A_LAUNCH]
        return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_everybody_who_comes_from_a_new_place_is_told_the_same_reference(browser: Browser) -> None:
    told = {reference(browser.launch(deployment_id="new", sub=who)) for who in ("ana", "bo")}
    assert len(told) == 1
    [entry] = waiting(browser.tool, browser.platform)
    assert (entry["reference"], entry["deployment_id"]) == (told.pop(), "new")


def test_who_approves_sees_whose_place_it_is(browser: Browser) -> None:
    told = reference(browser.launch(deployment_id="new", tool_platform=SCHOOL))
    [entry] = waiting(browser.tool, browser.platform)
    assert (entry["institution"], entry["guid"], entry["joins"]) == ("Northfield College", "guid-1", None)
    listed = run(browser.tool, "list").output
    assert f"{told}  since" in listed
    assert "deployment new of Northfield College" in listed


def test_who_approves_sees_whose_people_a_new_place_would_see(browser: Browser) -> None:
    assert browser.launch(tool_platform=SCHOOL).status_code == 200
    assert reference(browser.launch(deployment_id="new", tool_platform=SCHOOL))
    [entry] = waiting(browser.tool, browser.platform)
    assert entry["joins"] == "Northfield College"
    assert "will share people and courses with Northfield College" in run(browser.tool, "list").output


def test_a_place_that_is_approved_by_its_reference_is_let_in(browser: Browser) -> None:
    told = reference(browser.launch(deployment_id="new"))
    approved = run(browser.tool, "approve", told.lower().replace("-", ""))
    assert (approved.exit_code, approved.output[:23]) == (0, "Accepted deployment new")
    assert browser.launch(deployment_id="new").status_code == 200
    assert waiting(browser.tool, browser.platform) == []
    with browser.tool.app.app_context():
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        assert (entry.action, entry.after["deployment"]) == ("deployment.approved", "new")


def test_a_place_that_waits_is_given_nothing(browser: Browser) -> None:
    before = rows_of(browser.tool)
    response = browser.launch(
        deployment_id="new",
        roles=["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"],
        tool_platform=SCHOOL,
        **{
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": browser.platform.url("/members"),
                "service_versions": ["2.0"],
            }
        },
    )
    assert reference(response)
    assert "Set-Cookie" not in response.headers
    assert rows_of(browser.tool) == before
    with browser.tool.app.app_context():
        kept = db.session.scalars(select(LtiDeployment).where(LtiDeployment.status == "pending")).all()[-1]
        assert (kept.deployment_id, kept.institution) == ("new", "Northfield College")
    assert browser.platform.requests == []
    assert browser.platform.token_requests == []


def test_a_deployment_of_one_registration_is_a_stranger_to_another(browser: Browser) -> None:
    browser.tool.register(browser.platform, client_id="another", deployments=())
    browser.login(client_id="another")
    response = browser.post(id_token=browser.token(aud="another"), state=browser.auth["state"])
    assert reference(response)
    assert browser.launch().status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"sub": GONE}, {"version": "1.1"}, {"resource_link": GONE}, {"roles": GONE}, {"message_type": "Other"}]
)
def test_a_message_with_a_fault_leaves_nothing_waiting(browser: Browser, wrong: dict[str, object]) -> None:
    assert browser.launch(deployment_id="new", **wrong).status_code == 400
    assert waiting(browser.tool, browser.platform) == []


def test_strangers_cannot_leave_more_waiting_than_somebody_can_look_at(browser: Browser) -> None:
    for number in range(deployments.MOST_WAITING):
        assert reference(browser.launch(deployment_id=f"stranger-{number}"))
    refused = browser.launch(deployment_id="one-too-many")
    assert (refused.status_code, code(refused)) == (403, "too_many_waiting")
    assert len(waiting(browser.tool, browser.platform)) == deployments.MOST_WAITING
    assert browser.launch().status_code == 200


def test_one_lms_whose_strangers_fill_the_list_takes_no_room_from_another(
    browser: Browser, platforms: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "MOST_WAITING", 1)
    reference(browser.launch(deployment_id="first"))
    assert code(browser.launch(deployment_id="second")) == "too_many_waiting"
    other: Platform = platforms.new()  # type: ignore[attr-defined]  # the fixture of the run
    browser.tool.register(other)
    neighbour = Browser(browser.tool, other)
    assert reference(neighbour.launch(deployment_id="first"))
    neighbour.http.close()


def test_what_nobody_approves_in_a_month_makes_room(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployments, "MOST_WAITING", 1)
    reference(browser.launch(deployment_id="first"))
    with browser.tool.app.app_context(), transaction() as session:
        old = clock.wall() - deployments.LONGEST_WAIT
        session.execute(update(LtiDeployment).where(LtiDeployment.deployment_id == "first").values(created_at=old))
    reference(browser.launch(deployment_id="second"))
    assert [entry["deployment_id"] for entry in waiting(browser.tool, browser.platform)] == ["second"]


def test_a_place_that_is_dismissed_waits_anew_when_it_is_opened_again(browser: Browser) -> None:
    first = reference(browser.launch(deployment_id="new"))
    assert run(browser.tool, "dismiss", first).exit_code == 0
    assert waiting(browser.tool, browser.platform) == []
    assert reference(browser.launch(deployment_id="new")) != first


@pytest.mark.parametrize("command", ["approve", "dismiss"])
def test_a_reference_under_which_nothing_waits_is_one_clear_line(tool: Tool, command: str) -> None:
    result = run(tool, command, "AAAA-22")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "peerloop deployment list" in result.output


def test_an_empty_list_says_so(quiet_tool: Tool) -> None:
    assert run(quiet_tool, "list").output == "No deployment waits for approval.\n"


def test_first_launches_at_the_same_moment_wait_under_one_reference(tool: Tool, platform: Platform) -> None:
    tool.register(platform)
    browsers = [Browser(tool, platform) for _number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        told = set(pool.map(lambda browser: reference(browser.launch(deployment_id="new")), browsers))
    for browser in browsers:
        browser.http.close()
    assert len(told) == 1
