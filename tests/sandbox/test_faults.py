import time

import pytest
import requests

from tests.sandbox.minitool import RESULT, ROSTER, MiniTool, moment, under
from tests.support.sandbox import SandboxProcess


@pytest.fixture
def roster_url(sandbox: SandboxProcess) -> str:
    return f"{sandbox.base_url}/api/courses/ctx-feedback/memberships"


def test_a_status_is_shown_as_often_as_asked_and_may_say_when_to_come_back(
    sandbox: SandboxProcess, tool: MiniTool, roster_url: str
) -> None:
    tool.token(ROSTER)
    sandbox.control.fault("memberships", "status:429;retry-after=2", times=2)
    answers = [tool.call("GET", roster_url, ROSTER) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "2"


@pytest.mark.parametrize("code", [400, 401, 403, 500, 503])
def test_any_status_can_be_shown_by_the_token_endpoint_and_the_key_set(
    sandbox: SandboxProcess, tool: MiniTool, code: int
) -> None:
    sandbox.control.faults([{"service": name, "kind": f"status:{code}"} for name in ("token", "jwks")])
    assert tool.ask_token(tool.assertion()).status_code == code
    assert requests.get(f"{sandbox.base_url}/jwks", timeout=20).status_code == code


def test_a_fault_can_be_limited_to_some_people(sandbox: SandboxProcess, tool: MiniTool, learners: list[str]) -> None:
    item = tool.create_item()
    sandbox.control.fault("scores", "status:503", users=[learners[0]])
    assert tool.score(item, learners[0]).status_code == 503
    assert tool.score(item, learners[1]).status_code == 200


def test_a_connection_dropped_before_stores_nothing(
    sandbox: SandboxProcess, tool: MiniTool, learners: list[str]
) -> None:
    item = tool.create_item()
    sandbox.control.fault("scores", "drop-before", times=1)
    with pytest.raises(requests.exceptions.RequestException):
        tool.score(item, learners[0])
    assert tool.results(item) == []
    assert sandbox.control.scores()[-1]["answer"] == "drop-before"


def test_a_connection_dropped_after_has_stored_the_score(
    sandbox: SandboxProcess, tool: MiniTool, learners: list[str]
) -> None:
    item, when = tool.create_item(), moment()
    sandbox.control.fault("scores", "drop-after", times=1)
    with pytest.raises(requests.exceptions.RequestException):
        tool.score(item, learners[0], timestamp=when)
    assert len(tool.results(item)) == 1
    assert tool.score(item, learners[0], timestamp=when).status_code == 409


def test_json_can_be_broken(sandbox: SandboxProcess, tool: MiniTool, roster_url: str) -> None:
    sandbox.control.fault("memberships", "broken-json")
    answer = tool.call("GET", roster_url, ROSTER)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_pages_can_go_on_without_end(sandbox: SandboxProcess, tool: MiniTool, roster_url: str) -> None:
    sandbox.control.fault("memberships", "endless-pages")
    seen, url = set(), roster_url
    for _ in range(12):
        answer = tool.call("GET", url, ROSTER)
        assert answer.json()["members"]
        url = answer.links["next"]["url"]
        seen.add(url)
    assert len(seen) == 12


def test_the_same_person_can_come_twice(
    sandbox: SandboxProcess, tool: MiniTool, roster_url: str, learners: list[str]
) -> None:
    sandbox.control.fault("memberships", "repeat-person", users=[learners[5]])
    members = tool.call("GET", f"{roster_url}?limit=100", ROSTER).json()["members"]
    assert [member["user_id"] for member in members].count(learners[5]) == 2
    assert len(members) == 60


def test_a_next_link_can_lead_astray(sandbox: SandboxProcess, tool: MiniTool, roster_url: str) -> None:
    sandbox.control.fault("memberships", "foreign-next-link")
    link = tool.call("GET", roster_url, ROSTER).links["next"]["url"]
    assert link.startswith("https://elsewhere.example/")


def test_answers_can_be_slow_and_faulty_at_once(sandbox: SandboxProcess, tool: MiniTool, learners: list[str]) -> None:
    url = under(tool.create_item()["id"], "results")
    tool.token(RESULT)
    sandbox.control.faults([{"service": "results", "kind": "slow:0.3"}, {"service": "results", "kind": "status:503"}])
    started = time.monotonic()
    assert tool.call("GET", f"{url}&user_id={learners[0]}", RESULT).status_code == 503
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("fault", [{"service": "mail", "kind": "drop-before"}, {"service": "jwks", "kind": "odd"}])
def test_a_fault_that_does_not_exist_is_refused(sandbox: SandboxProcess, fault: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="400"):
        sandbox.control.faults([fault])


def test_the_control_api_wants_its_token(sandbox: SandboxProcess) -> None:
    for headers in ({}, {"X-Control-Token": "guessed"}):
        answer = requests.get(f"{sandbox.base_url}/control/state", headers=headers, timeout=20)
        assert answer.status_code == 403


def test_calls_are_counted_by_service(sandbox: SandboxProcess, tool: MiniTool, roster_url: str) -> None:
    before = sandbox.control.state()["calls"].get("memberships", 0)
    tool.call("GET", roster_url, ROSTER)
    assert sandbox.control.state()["calls"]["memberships"] == before + 1


def test_a_fault_may_be_shown_in_a_share_of_the_requests(
    sandbox: SandboxProcess, tool: MiniTool, roster_url: str
) -> None:
    tool.token(ROSTER)
    sandbox.control.faults([{"service": "memberships", "kind": "status:503", "share": 0.5}])
    answers = {tool.call("GET", roster_url, ROSTER).status_code for _ in range(60)}
    assert answers == {200, 503}


def test_a_page_for_people_may_come_in_place_of_an_answer(
    sandbox: SandboxProcess, tool: MiniTool, learners: list[str]
) -> None:
    item = tool.create_item()
    sandbox.control.fault("scores", "wrong-type", times=1)
    answer = tool.score(item, learners[0])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert len(tool.results(item)) == 1


def test_a_token_may_be_refused_before_its_time(sandbox: SandboxProcess, tool: MiniTool, learners: list[str]) -> None:
    item = tool.create_item()
    sandbox.control.fault("scores", "expired-token", times=1)
    assert [tool.score(item, learners[0]).status_code for _ in range(2)] == [401, 200]


def test_a_next_page_may_be_the_same_page_again(sandbox: SandboxProcess, tool: MiniTool, roster_url: str) -> None:
    sandbox.control.fault("memberships", "repeat-page", times=1)
    answer = tool.call("GET", f"{roster_url}?limit=2", ROSTER)
    assert f"<{roster_url}?limit=2>" in answer.headers["Link"]


def test_a_body_may_come_slowly_and_whole(sandbox: SandboxProcess, tool: MiniTool, roster_url: str) -> None:
    whole = tool.call("GET", roster_url, ROSTER).content
    sandbox.control.fault("memberships", "slow-body:0.4", times=1)
    began = time.monotonic()
    answer = tool.call("GET", roster_url, ROSTER)
    assert time.monotonic() - began > 0.3
    assert answer.content == whole


def test_a_person_may_set_many_grades_at_once(sandbox: SandboxProcess, tool: MiniTool, learners: list[str]) -> None:
    item = tool.create_item()
    number = int(item["id"].partition("?")[0].rpartition("/")[2])
    sandbox.control.grades([{"item": number, "sub": sub, "by": learners[0], "score": 7} for sub in learners[:3]])
    assert {result["resultScore"] for result in tool.results(item)} == {7}
