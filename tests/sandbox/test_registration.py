"""The sandbox takes registrations as the standard for dynamic registration describes them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.minitool import ITEM, ROSTER, TIMEOUT
from tests.support.sandbox import SandboxProcess

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"


def document(**changes: Any) -> dict[str, Any]:
    """A registration; a change to None leaves a member out."""
    values = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "initiate_login_uri": "https://tool.example/login",
        "redirect_uris": ["https://tool.example/launch"],
        "client_name": "A tool",
        "jwks_uri": "https://tool.example/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": ROSTER,
        TOOL: {
            "domain": "tool.example",
            "target_link_uri": "https://tool.example/launch",
            "custom_parameters": {"zone": "$Person.address.timezone"},
        },
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def begin(sandbox: SandboxProcess, address: str = "https://tool.example/register?invitation=i") -> dict[str, str]:
    """Paste an address as the administrator; answers the query that the tool is opened with."""
    robot = sandbox.robot()
    robot.get("/enter/admin")
    robot.get("/admin/tools")
    page = robot.submit(robot.form("/admin/register"), address=address)
    robot.close()
    [frame] = page.frames
    assert frame.startswith(address)
    return {name: value[0] for name, value in parse_qs(urlsplit(frame).query).items()}


def send(asked: dict[str, str], body: Any) -> requests.Response:
    configuration = requests.get(asked["openid_configuration"], timeout=TIMEOUT).json()
    headers = {"Authorization": f"Bearer {asked['registration_token']}"}
    return requests.post(configuration["registration_endpoint"], json=body, headers=headers, timeout=TIMEOUT)


def test_a_tool_registers_itself_and_gets_its_ids(own_sandbox: SandboxProcess) -> None:
    asked = begin(own_sandbox)
    assert asked["invitation"] == "i"
    answer = send(asked, document(scope=f"{ROSTER} {ITEM} https://example.org/everything"))
    assert answer.status_code == 200
    echo = answer.json()
    assert echo["client_id"]
    assert echo[TOOL]["deployment_id"]
    assert set(echo["scope"].split()) == {ROSTER, ITEM}
    robot = own_sandbox.robot()
    robot.get("/enter/admin")
    assert echo["client_id"] in robot.get("/admin/tools").text
    robot.close()


def test_what_the_platform_says_of_itself_is_what_it_does(sandbox: SandboxProcess) -> None:
    said = requests.get(f"{sandbox.base_url}/.well-known/openid-configuration", timeout=TIMEOUT).json()
    assert said["issuer"] == sandbox.base_url
    assert requests.get(said["jwks_uri"], timeout=TIMEOUT).json()["keys"]
    assert {ROSTER, ITEM} <= set(said["scopes_supported"])


def test_a_token_is_good_for_one_registration(own_sandbox: SandboxProcess) -> None:
    asked = begin(own_sandbox)
    assert send(asked, document()).status_code == 200
    again = send(asked, document())
    assert (again.status_code, again.json()["error"]) == (401, "token_already_used")
    assert send({**asked, "registration_token": "made up"}, document()).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": None},
        {"jwks_uri": " "},
        {"initiate_login_uri": None},
        {"response_types": ["code"]},
        {"redirect_uris": "https://tool.example/launch"},
        {"redirect_uris": []},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {TOOL: None},
        {TOOL: {"domain": "tool.example"}},
        {TOOL: {"domain": "tool.example", "target_link_uri": "https://tool.example", "custom_parameters": {"n": 1}}},
    ],
)
def test_a_registration_that_lacks_something_is_refused(sandbox: SandboxProcess, changes: dict[str, Any]) -> None:
    answer = send(begin(sandbox), document(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_only_the_administrator_registers_and_only_at_an_address(
    sandbox: SandboxProcess, staff: dict[str, str]
) -> None:
    robot = sandbox.robot(staff["instructor"])
    answer = robot.session.post(f"{sandbox.base_url}/admin/register", data={"address": "https://x"}, timeout=TIMEOUT)
    assert answer.status_code == 403
    robot.get("/enter/admin")
    robot.get("/admin/tools")
    assert robot.submit(robot.form("/admin/register"), address="javascript:alert(1)").status == 400
    robot.close()
