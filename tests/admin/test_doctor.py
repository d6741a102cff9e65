"""`peerloop doctor` says of every LMS what the administrators' pages say, and fails if anything is wrong."""

from __future__ import annotations

import json
from typing import Any

from click.testing import Result
from flask import Response

from lti_tool.admin import checking
from lti_tool.admin.checking import Target
from lti_tool.cli import doctor
from lti_tool.database import db, transaction
from lti_tool.lti import memberships, waiting
from lti_tool.lti.checkup import Point
from lti_tool.lti.launch import Role, Standing
from lti_tool.lti.tables import LtiDeployment, LtiRegistration
from tests.admin.gradebook import Gradebook, service_of
from tests.admin.test_inviting import waits
from tests.roster.lms import Lms, class_of


def run(lms: Lms, *arguments: str) -> Result:
    result = lms.app.test_cli_runner().invoke(doctor, arguments)
    db.session.rollback()
    return result


def reported(lms: Lms, *arguments: str) -> tuple[int, dict[str, Any]]:
    result = run(lms, "--json", *arguments)
    report: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, report


def arrives(lms: Lms) -> Target:
    lms.people = class_of(3)
    service = service_of(lms.platform)
    recorded = lms.arrives(grades=service)
    lms.arrives("preview", Role.LEARNER, standing=Standing(Role.LEARNER, is_test=True), grades=service)
    return Target(lms.registration.id, recorded.tenant_id)


def test_all_is_well(lms: Lms, gradebook: Gradebook) -> None:
    target = arrives(lms)
    result = run(lms)
    assert result.exit_code == 0, result.output
    assert "✓ database" in result.stdout
    assert "Test LMS (Northfield College), in the course “Peer learning”" in result.stdout
    assert "✓ Token for scores: Given." in result.stdout
    assert "✗" not in result.stdout
    assert gradebook.columns == {}
    assert checking.standing(db.session(), target).last is not None


def test_what_is_wrong_is_told_with_its_place_and_the_command_fails(lms: Lms, gradebook: Gradebook) -> None:
    assert gradebook
    arrives(lms)
    lms.platform.granted = memberships.SCOPE
    result = run(lms)
    assert result.exit_code == 1
    assert "✗ Token for scores: The LMS gives no token for this" in result.stdout
    assert "Where in the LMS:" in result.stdout
    assert result.stderr.strip() == "Error: 3 things need a look"


def test_the_same_as_json_for_scripts(lms: Lms, gradebook: Gradebook) -> None:
    arrives(lms)
    gradebook.faults["results"] = lambda: Response("[]")
    code, report = reported(lms)
    assert code == 1
    assert report["peerloop"] == {"failing": []}
    [platform] = report["platforms"]
    assert platform["deployments"] == [{"deployment_id": "deployment-1", "status": "active"}]
    assert [finding["point"] for finding in platform["findings"]] == list(Point)
    assert {finding["outcome"] for finding in platform["findings"]} == {"good", "bad"}


def test_an_lms_is_asked_for_by_its_number_and_may_be_left_as_it_is(lms: Lms, gradebook: Gradebook) -> None:
    arrives(lms)
    with transaction() as session:
        values = {"auth_url": "x", "token_url": "x", "jwks_url": "x", "audience": "x"}
        session.add(LtiRegistration(name="Other", issuer="https://other.test", client_id="c", **values))
    code, report = reported(lms, "--platform", str(lms.registration.id), "--read-only")
    assert code == 0
    assert [platform["name"] for platform in report["platforms"]] == ["Test LMS"]
    assert gradebook.most_columns == 0
    missing = run(lms, "--platform", "999")
    assert missing.exit_code == 1
    assert "there is no LMS number 999" in missing.stderr


def test_a_registration_that_nobody_used_yet_is_checked_too(lms: Lms) -> None:
    code, report = reported(lms)
    assert code == 0
    [platform] = report["platforms"]
    assert platform["tenant"] is None
    assert platform["findings"][0]["outcome"] == "good"


def test_what_waits_for_a_decision_is_told_with_its_command(lms: Lms) -> None:
    reference = waits()
    assert "new LMSs that wait for approval: 1 (see `peerloop platform waiting`)" in run(lms).stdout
    assert run(lms).exit_code == 0  # anybody can leave one there
    with transaction() as session:
        waiting.take(session, reference)
        session.add(
            LtiDeployment(
                registration_id=lms.registration.id, deployment_id="new-one", status="pending", reference="7F3K-2A"
            )
        )
    result = run(lms)
    assert "wait for approval" not in result.stdout
    assert "peerloop deployment approve 7F3K-2A" in result.stdout
    assert result.exit_code == 1
