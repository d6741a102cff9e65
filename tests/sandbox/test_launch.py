import time
from collections.abc import Iterator

import jwt
import pytest
import requests

from lti_tool.demo.robot import Page, Robot, read_page
from tests.sandbox.minitool import TIMEOUT, MiniTool
from tests.support.sandbox import SandboxProcess

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


@pytest.fixture
def robot(sandbox: SandboxProcess) -> Iterator[Robot]:
    robot = Robot(sandbox.base_url)
    yield robot
    robot.close()


def ask(robot: Robot, tool: MiniTool, sub: str, **changes: str | None) -> Page:
    """Open the tool as a person, then send one more authorization request with changes; None removes."""
    robot.launch(f"/enter/person/{sub}")
    asked = {name: value for name, value in (tool.auth_request() | changes).items() if value is not None}
    return read_page(robot.session.post(tool.registration["auth_url"], data=asked, timeout=TIMEOUT))


def refusal(page: Page) -> str | None:
    """The error code that a page carries to the tool."""
    return page.form("/launch").value("error")


def test_a_learner_who_opens_the_course_page_arrives_in_the_tool_with_all_claims(
    sandbox: SandboxProcess, tool: MiniTool, robot: Robot, learners: list[str]
) -> None:
    page = robot.launch(f"/enter/person/{learners[0]}")
    claims = tool.claims()
    course = f"{sandbox.base_url}/api/courses/ctx-feedback"
    assert page.text == "Hello"
    assert tool.answer["state"] == tool.sent["state"]
    assert claims["nonce"] == tool.sent["nonce"]
    assert claims["sub"] == learners[0]
    assert claims["azp"] == tool.client_id
    assert abs(claims["iat"] - time.time()) < 30
    assert claims[f"{CLAIM}version"] == "1.3.0"
    assert claims[f"{CLAIM}message_type"] == "LtiResourceLinkRequest"
    assert claims[f"{CLAIM}deployment_id"] == tool.registration["deployment_id"]
    assert claims[f"{CLAIM}target_link_uri"] == tool.login["target_link_uri"] == f"{tool.url}/launch"
    assert claims[f"{CLAIM}resource_link"] == {"id": tool.links["ctx-feedback"], "title": "Peerloop"}
    assert claims[f"{CLAIM}context"]["title"] == "Giving feedback"
    assert claims[f"{CLAIM}roles"] == [f"{MEMBERSHIP}#Learner"]
    assert claims[f"{CLAIM}tool_platform"]["product_family_code"] == "peerloop-sandbox"
    assert claims[f"{CLAIM}launch_presentation"]["return_url"] == f"{sandbox.base_url}/courses/ctx-feedback"
    assert "/" in claims[f"{CLAIM}custom"]["tz"]
    assert claims[NRPS_CLAIM] == {
        "context_memberships_url": f"{course}/memberships",
        "service_versions": ["2.0"],
    }
    assert claims[AGS_CLAIM]["lineitems"] == tool.items_url()


def test_the_login_names_the_registration_and_its_deployment(
    sandbox: SandboxProcess, tool: MiniTool, robot: Robot, learners: list[str]
) -> None:
    robot.launch(f"/enter/person/{learners[0]}")
    assert tool.login["iss"] == sandbox.base_url
    assert tool.login["client_id"] == tool.client_id
    assert tool.login["lti_deployment_id"] == tool.registration["deployment_id"]


def test_a_launch_can_also_start_by_a_redirect_and_in_a_tab(
    tool: MiniTool, robot: Robot, learners: list[str]
) -> None:
    robot.get(f"/enter/person/{learners[0]}")
    robot.launch(f"/launch/{tool.links['ctx-feedback']}?method=get&target=window")
    assert tool.claims()[f"{CLAIM}launch_presentation"]["document_target"] == "window"


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        ("instructor", [f"{MEMBERSHIP}#Instructor"]),
        ("ta", [f"{MEMBERSHIP}/Instructor#TeachingAssistant", f"{MEMBERSHIP}#Instructor"]),
        ("mentor", [f"{MEMBERSHIP}#Mentor"]),
        ("test", [f"{MEMBERSHIP}#Learner", "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"]),
    ],
)
def test_each_kind_of_member_is_launched_with_full_role_addresses(
    tool: MiniTool, robot: Robot, staff: dict[str, str], kind: str, roles: list[str]
) -> None:
    robot.launch(f"/enter/person/{staff[kind]}")
    assert tool.claims()[f"{CLAIM}roles"] == roles


def test_the_administrator_is_launched_with_institution_roles_with_or_without_a_course(
    tool: MiniTool, robot: Robot
) -> None:
    robot.launch("/enter/admin")
    with_course = tool.claims()
    robot.launch("/admin/tool?course=none")
    without = tool.claims()
    assert all("#Administrator" in role for role in with_course[f"{CLAIM}roles"])
    assert with_course[f"{CLAIM}context"]["id"] == "ctx-feedback"
    assert f"{CLAIM}context" not in without
    assert NRPS_CLAIM not in without


@pytest.mark.parametrize("role", ["admin", "instructor", "facilitator", "learner"])
def test_one_address_for_each_role_opens_the_tool_inside_the_lms(tool: MiniTool, robot: Robot, role: str) -> None:
    assert tool.client_id
    assert robot.launch(f"/enter/{role}").text == "Hello"


def test_somebody_who_has_left_cannot_open_the_tool(tool: MiniTool, robot: Robot, staff: dict[str, str]) -> None:
    assert robot.get(f"/enter/person/{staff['left']}").status == 403
    assert robot.get(f"/launch/{tool.links['ctx-feedback']}").status == 403


def test_somebody_of_another_course_cannot_open_this_one(
    sandbox: SandboxProcess, tool: MiniTool, robot: Robot, learners: list[str]
) -> None:
    people = sandbox.control.state()["courses"]["ctx-coaching"]["people"]
    stranger = next(p["sub"] for p in people if p["sub"] not in learners)
    assert robot.get(f"/enter/person/{stranger}?course=ctx-feedback").status == 403
    assert robot.get(f"/launch/{tool.links['ctx-feedback']}").status == 403


@pytest.mark.parametrize("redirect_uri", ["/launch/", "/launch?x=1", "/Launch", "/nowhere"])
def test_a_redirect_address_that_differs_at_all_ends_in_a_page_of_the_lms(
    tool: MiniTool, robot: Robot, learners: list[str], redirect_uri: str
) -> None:
    page = ask(robot, tool, learners[0], redirect_uri=tool.url + redirect_uri)
    assert page.status == 400
    assert not any(tool.url in form.action for form in page.forms)


def test_an_unknown_client_ends_in_a_page_of_the_lms(tool: MiniTool, robot: Robot, learners: list[str]) -> None:
    assert ask(robot, tool, learners[0], client_id="nobody").status == 400


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        ("scope", "profile", "invalid_scope"),
        ("response_type", "code", "unsupported_response_type"),
        ("response_mode", "query", "invalid_request"),
        ("prompt", "login", "invalid_request"),
        ("state", None, "invalid_request"),
        ("nonce", None, "invalid_request"),
        ("login_hint", "somebody-else", "login_required"),
        ("lti_message_hint", None, "invalid_request"),
        ("lti_message_hint", "made-up", "invalid_request"),
    ],
)
def test_a_wrong_authorization_request_is_refused_to_the_tool_with_a_code(
    *, tool: MiniTool, robot: Robot, learners: list[str], parameter: str, value: str | None, code: str
) -> None:
    page = ask(robot, tool, learners[0], **{parameter: value})
    assert refusal(page) == code
    assert page.form().value("id_token") is None
    assert page.form().value("state") == (tool.sent["state"] if parameter != "state" else None)


def test_a_message_hint_of_another_person_opens_nothing(tool: MiniTool, robot: Robot, learners: list[str]) -> None:
    robot.launch(f"/enter/person/{learners[1]}")
    foreign = tool.login["lti_message_hint"]
    assert refusal(ask(robot, tool, learners[0], lti_message_hint=foreign)) == "invalid_request"


def test_without_a_session_the_tool_hears_that_a_login_is_required(
    tool: MiniTool, robot: Robot, learners: list[str]
) -> None:
    robot.launch(f"/enter/person/{learners[0]}")
    answer = requests.get(tool.registration["auth_url"], params=tool.auth_request(), timeout=TIMEOUT)
    assert refusal(read_page(answer)) == "login_required"


def test_the_key_file_signs_what_the_key_set_verifies(
    sandbox: SandboxProcess, tool: MiniTool, robot: Robot, learners: list[str]
) -> None:
    robot.launch(f"/enter/person/{learners[0]}")
    path = sandbox.data / "platform-key.pem"
    header = jwt.get_unverified_header(tool.answer["id_token"])
    assert header["alg"] == "RS256"
    assert path.stat().st_mode & 0o777 == 0o600
    keys = requests.get(f"{sandbox.base_url}/jwks", timeout=TIMEOUT).json()["keys"]
    assert [key["kid"] for key in keys] == [header["kid"]]
    assert all(set(key) == {"kty", "use", "alg", "kid", "n", "e"} for key in keys)


def test_a_link_with_exactly_one_line_item_names_it_at_launch(sandbox: SandboxProcess, staff: dict[str, str]) -> None:
    tool = MiniTool(sandbox, "Tool of one column")
    robot, link = sandbox.robot(staff["instructor"]), tool.links["ctx-feedback"]
    named, items = [], []
    for _ in range(3):
        robot.launch(f"/launch/{link}")
        named.append(tool.claims()[AGS_CLAIM].get("lineitem"))
        items.append(tool.create_item(resourceLinkId=link)["id"])
    assert named == [None, items[0], None]
    robot.close()
    tool.close()
