from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from tests.sandbox.minitool import ROSTER, ROSTER_TYPE, MiniTool
from tests.support.sandbox import SandboxProcess

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
GROUP = "https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"
GROUP_TYPE = "application/vnd.ims.lti-gs.v1.context"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


def read(tool: MiniTool, query: str = "", course: str = "ctx-feedback") -> list[requests.Response]:
    """Every page, following next links exactly as given."""
    url = f"{tool.sandbox.base_url}/api/courses/{course}/memberships{query}"
    pages = []
    while url:
        answer = tool.call("GET", url, ROSTER, accept=ROSTER_TYPE)
        assert answer.status_code == 200, answer.text
        pages.append(answer)
        url = answer.links.get("next", {}).get("url", "")
    return pages


def users(pages: list[requests.Response]) -> list[str]:
    return [member["user_id"] for page in pages for member in page.json()["members"]]


def test_the_roster_comes_in_three_pages_with_everybody_active_once(tool: MiniTool, staff: dict[str, str]) -> None:
    pages = read(tool)
    found = users(pages)
    assert [len(page.json()["members"]) for page in pages] == [25, 25, 9]
    assert len(found) == len(set(found)) == 59
    assert staff["left"] not in found
    assert pages[0].json()["context"] == {
        "id": "ctx-feedback",
        "label": "FEEDBACK-26",
        "title": "Giving feedback",
    }
    assert pages[0].headers["Content-Type"].startswith(ROSTER_TYPE)


def test_the_roster_has_every_kind_of_member_and_names_of_many_scripts(tool: MiniTool) -> None:
    members = [member for page in read(tool) for member in page.json()["members"]]
    kinds = ["".join(role.rpartition("#")[2] for role in member["roles"]) for member in members]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Learner": 54,
        "Instructor": 2,
        "TeachingAssistantInstructor": 1,
        "Mentor": 1,
        "LearnerTestUser": 1,
    }
    names = {member["name"] for member in members}
    assert {
        "王小明",
        "محمد الأحمد",
        "अनन्या शर्मा",
        "Наталія Шевченко",
        "Nguyễn Thị Minh Khai",
        "Suharti",
    } <= names
    assert any("'" in name for name in names)
    assert any(len(name) > 60 for name in names)
    assert any("email" not in member for member in members)
    assert any("family_name" not in member for member in members)


def test_a_page_size_can_be_asked_for_up_to_a_hundred(tool: MiniTool) -> None:
    assert [len(page.json()["members"]) for page in read(tool, "?limit=30")] == [30, 29]
    assert [len(page.json()["members"]) for page in read(tool, "?limit=5000")] == [59]
    bad = tool.call("GET", f"{tool.sandbox.base_url}/api/courses/ctx-feedback/memberships?limit=0", ROSTER)
    assert bad.status_code == 400


def test_a_next_link_whose_letters_changed_case_is_refused(tool: MiniTool) -> None:
    link = read(tool)[0].links["next"]["url"]
    assert parse_qs(urlsplit(link).query)["page"][0] != parse_qs(urlsplit(link.lower()).query)["page"][0]
    assert tool.call("GET", link.lower(), ROSTER).status_code == 400


@pytest.mark.parametrize("role", ["Instructor", quote(f"{MEMBERSHIP}#Instructor", safe="")])
def test_the_roster_can_be_filtered_by_role(tool: MiniTool, staff: dict[str, str], role: str) -> None:
    found = users(read(tool, f"?role={role}"))
    assert len(found) == 3
    assert {staff["instructor"], staff["ta"]} < set(found)


def test_a_filter_lasts_over_all_the_pages(tool: MiniTool) -> None:
    pages = read(tool, "?role=Learner&limit=20")
    assert [len(page.json()["members"]) for page in pages] == [20, 20, 15]
    assert len(set(users(pages))) == 55


def test_the_roster_of_a_link_carries_each_members_own_parameters(tool: MiniTool) -> None:
    pages = read(tool, f"?rlid={tool.links['ctx-feedback']}")
    members = [member for page in pages for member in page.json()["members"]]
    zones = {member["message"][0][f"{CLAIM}custom"]["tz"] for member in members}
    assert len(members) == 59
    assert {"Asia/Shanghai", "Africa/Cairo"} < zones


def test_a_link_of_another_tool_or_course_gives_no_roster(tool: MiniTool, other_tool: MiniTool) -> None:
    base = f"{tool.sandbox.base_url}/api/courses/ctx-feedback/memberships"
    for link in (other_tool.links["ctx-feedback"], tool.links["ctx-coaching"], "made-up"):
        assert tool.call("GET", f"{base}?rlid={link}", ROSTER).status_code == 404


def test_the_second_course_has_ten_people_of_whom_one_is_also_in_the_first(tool: MiniTool) -> None:
    coaching = set(users(read(tool, course="ctx-coaching")))
    assert len(coaching) == 10
    assert len(coaching & set(users(read(tool)))) == 1


def test_a_course_that_does_not_exist_has_no_roster(tool: MiniTool) -> None:
    assert tool.call("GET", f"{tool.sandbox.base_url}/api/courses/none/memberships", ROSTER).status_code == 404


def test_the_roster_is_only_given_to_those_who_accept_its_media_type(tool: MiniTool) -> None:
    url = f"{tool.sandbox.base_url}/api/courses/ctx-feedback/memberships"
    assert tool.call("GET", url, ROSTER, accept="text/html").status_code == 406


def test_people_can_join_leave_return_and_change(own_sandbox: SandboxProcess) -> None:
    tool = MiniTool(own_sandbox, "Peerloop")
    control, course = own_sandbox.control, "ctx-coaching"
    (new,) = control.people({"action": "add", "course": course, "name": "<b>Bo</b> & Co", "email": "bo@x.example"})
    roster = {m["user_id"]: m for page in read(tool, course=course) for m in page.json()["members"]}
    assert roster[new]["name"] == "<b>Bo</b> & Co"
    control.people({"action": "leave", "course": course, "sub": new})
    assert new not in users(read(tool, course=course))
    control.people(
        {"action": "return", "course": course, "sub": new},
        {"action": "rename", "sub": new, "name": "Bo Berg"},
        {"action": "role", "course": course, "sub": new, "role": "ta"},
    )
    roster = {m["user_id"]: m for page in read(tool, course=course) for m in page.json()["members"]}
    assert roster[new]["family_name"] == "Berg"
    assert f"{MEMBERSHIP}/Instructor#TeachingAssistant" in roster[new]["roles"]
    tool.close()


def test_groups_come_in_pages_with_their_sets_and_members_name_theirs(tool: MiniTool) -> None:
    base = f"{tool.sandbox.base_url}/api/courses/ctx-feedback"
    first = tool.call("GET", f"{base}/groups?limit=4", GROUP, accept=f"{GROUP_TYPE}groupcontainer+json")
    second = tool.call("GET", first.links["next"]["url"], GROUP, accept=f"{GROUP_TYPE}groupcontainer+json")
    listed = [*first.json()["groups"], *second.json()["groups"]]
    assert [group["name"] for group in listed] == [*(f"Lab {n}" for n in range(1, 6)), "Reading circle"]
    assert [group.get("set_id") for group in listed] == ["set-lab"] * 5 + [None]
    sets = tool.call("GET", f"{base}/groupsets", GROUP, accept=f"{GROUP_TYPE}groupsetcontainer+json").json()["sets"]
    assert sets == [{"id": "set-lab", "name": "Lab"}]
    members = [member for page in read(tool, "?groups=true") for member in page.json()["members"]]
    inside = [enrolment["group_id"] for member in members for enrolment in member["group_enrollments"]]
    assert [inside.count(str(group["id"])) for group in listed] == [11, 11, 10, 10, 10, 6]
    assert all("group_enrollments" not in member for page in read(tool) for member in page.json()["members"])
    assert tool.call("GET", f"{base}/groups", ROSTER).status_code == 403
