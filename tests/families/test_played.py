"""What each LMS does in its own way, seen by a tool that shares no code with Peerloop."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest
import requests

from lti_tool.sandbox.families.canvas import Canvas, Quota
from tests.families.conftest import PlayedLms
from tests.sandbox.minitool import (
    ITEM,
    ITEM_TYPE,
    ITEMS_TYPE,
    RESULT,
    ROSTER,
    ROSTER_TYPE,
    TIMEOUT,
    MiniTool,
    moment,
    under,
)

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
SUBMISSION = "https://canvas.instructure.com/lti/submission"
READ_ONLY = "https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"
COURSE = "ctx-feedback"

Played = Callable[[str], MiniTool]


@pytest.fixture(scope="module")
def played(played_lms: PlayedLms) -> Iterator[Played]:
    """A tool in the LMS of this family."""
    tools: dict[str, MiniTool] = {}

    def play(family: str) -> MiniTool:
        if family not in tools:
            audiences = {"blackboard": BLACKBOARD, "brightspace": BRIGHTSPACE}
            tool = MiniTool(played_lms(family), "Tool")
            tool.audience = audiences.get(family, tool.registration["token_url"])
            tools[family] = tool
        return tools[family]

    yield play
    for tool in tools.values():
        tool.close()


BLACKBOARD = "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken"
BRIGHTSPACE = "https://api.brightspace.com/auth/token"


def everybody(tool: MiniTool) -> list[dict[str, Any]]:
    """Who is in the course now."""
    known: list[dict[str, Any]] = tool.sandbox.control.state()["courses"][COURSE]["people"]
    return [person for person in known if person["active"]]


def people(tool: MiniTool, role: str) -> list[str]:
    return [p["sub"] for p in everybody(tool) if p["role"] == role and not p["test_user"]]


def launch(tool: MiniTool, subject: str) -> dict[str, Any]:
    """The claims with which a person arrives."""
    robot = tool.sandbox.robot()
    assert robot.launch(f"/enter/person/{subject}?course={COURSE}&link={tool.links[COURSE]}").text == "Hello"
    robot.close()
    return tool.claims()


@cache
def services(tool: MiniTool) -> dict[str, Any]:
    """The claims of an instructor, among them the addresses of services."""
    return launch(tool, people(tool, "instructor")[0])


def roster(tool: MiniTool, accept: str = ROSTER_TYPE, **query: object) -> requests.Response:
    url = services(tool)[NRPS_CLAIM]["context_memberships_url"]
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return tool.call("GET", f"{url}?{asked}", ROSTER, accept=accept)


def everyone_listed(tool: MiniTool) -> list[dict[str, Any]]:
    """The members of all pages."""
    answer = roster(tool)
    found = list(answer.json()["members"])
    while "next" in answer.links:
        answer = tool.call("GET", answer.links["next"]["url"], ROSTER, accept=ROSTER_TYPE)
        found += answer.json()["members"]
    return found


def items_url(tool: MiniTool) -> str:
    url: str = services(tool)[AGS_CLAIM]["lineitems"]
    return url


def make(tool: MiniTool, **members: Any) -> requests.Response:
    body = {"label": "Sessions", "scoreMaximum": 10, **members}
    return tool.call("POST", items_url(tool), ITEM, send=ITEM_TYPE, body=body)


def column(tool: MiniTool) -> dict[str, Any]:
    made = make(tool)
    assert made.status_code == 201, made.text
    item: dict[str, Any] = made.json()
    return item


def result(tool: MiniTool, item: dict[str, Any], subject: str) -> dict[str, Any]:
    answer = tool.call("GET", under(item["id"], "results"), RESULT)
    found: list[dict[str, Any]] = [row for row in answer.json() if row["userId"] == subject]
    return found[0] if found else {}


# -- Launches


@pytest.mark.parametrize(
    ("family", "roles"),
    [
        ("blackboard", [f"{MEMBERSHIP}/Instructor#TeachingAssistant"]),
        ("moodle", [f"{MEMBERSHIP}#Instructor"]),
        ("sakai", [f"{MEMBERSHIP}#Instructor#TeachingAssistant"]),
    ],
)
def test_a_teaching_assistant_is_called_as_the_lms_calls_one(played: Played, family: str, roles: list[str]) -> None:
    tool = played(family)
    assert launch(tool, people(tool, "ta")[0])[f"{CLAIM}roles"] == roles


def test_canvas_calls_a_teaching_assistant_an_instructor_first(played: Played) -> None:
    tool = played("canvas")
    roles = launch(tool, people(tool, "ta")[0])[f"{CLAIM}roles"]
    assert [role for role in roles if "membership" in role] == [
        f"{MEMBERSHIP}#Instructor",
        f"{MEMBERSHIP}/Instructor#TeachingAssistant",
    ]
    assert "http://purl.imsglobal.org/vocab/lis/v2/system/person#User" in roles


@pytest.mark.parametrize(
    ("family", "issuer", "product"),
    [
        ("blackboard", "https://blackboard.com", "BlackboardLearn"),
        ("canvas", "https://canvas.instructure.com", "canvas"),
        ("schoology", "https://schoology.schoology.com", "schoology"),
        ("moodle", None, "moodle"),
        ("sakai", None, "sakai"),
        ("brightspace", None, "desire2learn"),
    ],
)
def test_an_lms_names_itself(played: Played, family: str, issuer: str | None, product: str) -> None:
    tool = played(family)
    claims = launch(tool, people(tool, "learner")[0])
    assert claims["iss"] == tool.login["iss"] == (issuer or tool.sandbox.base_url)
    assert claims[f"{CLAIM}tool_platform"]["product_family_code"] == product


def test_blackboard_does_not_say_which_client_a_login_is_for(played: Played) -> None:
    tool = played("blackboard")
    launch(tool, people(tool, "learner")[0])
    assert not {"client_id", "lti_deployment_id"} & tool.login.keys()


def test_brightspace_dates_a_message_and_leaves_the_algorithm_out_of_its_keys(played: Played) -> None:
    tool = played("brightspace")
    assert abs(launch(tool, people(tool, "learner")[0])["nbf"] - time.time()) < 30
    keys = requests.get(tool.registration["jwks_url"], timeout=TIMEOUT).json()["keys"]
    assert all("alg" not in key for key in keys)


@pytest.mark.parametrize(
    ("family", "custom"),
    [
        ("canvas", "Africa/Cairo"),
        ("sakai", "Africa/Cairo"),
        ("moodle", "$Person.address.timezone"),
        ("brightspace", "$Person.address.timezone"),
        ("schoology", None),
    ],
)
def test_a_variable_is_replaced_only_where_the_lms_knows_it(played: Played, family: str, custom: str | None) -> None:
    tool = played(family)
    subject = next(p["sub"] for p in everybody(tool) if p["tz"] == "Africa/Cairo")
    assert launch(tool, subject)[f"{CLAIM}custom"].get("tz") == custom


def test_a_second_launch_on_moodle_makes_the_first_one_void(played: Played) -> None:
    tool = played("moodle")
    robot = tool.sandbox.robot(people(tool, "learner")[0])
    robot.launch(f"/launch/{tool.links[COURSE]}")
    first = tool.auth_request()
    robot.launch(f"/launch/{tool.links[COURSE]}")
    page = robot.session.post(tool.registration["auth_url"], data=first, timeout=TIMEOUT).text
    robot.close()
    assert "invalid_request" in page


def test_canvas_answers_a_message_hint_once(played: Played) -> None:
    tool = played("canvas")
    robot = tool.sandbox.robot(people(tool, "learner")[0])
    robot.launch(f"/launch/{tool.links[COURSE]}")
    page = robot.session.post(tool.registration["auth_url"], data=tool.auth_request(), timeout=TIMEOUT).text
    robot.close()
    assert "launch_no_longer_valid" in page


@pytest.mark.parametrize(
    ("asked", "registered", "holds"),
    [
        ("https://t.example/launch?a=1", "https://t.example/launch", True),
        ("https://t.example/launch?a=1&b=2", "https://t.example/launch?b=2", True),
        ("https://t.example/launch", "https://t.example/launch?b=2", False),
        ("https://t.example/launch/", "https://t.example/launch", False),
    ],
)
def test_canvas_compares_what_stands_before_the_query(asked: str, registered: str, holds: bool) -> None:
    assert Canvas().is_registered(asked, [registered]) is holds


# -- Tokens


@pytest.mark.parametrize(
    ("family", "audience", "status"),
    [
        ("canvas", "{token}", 200),
        ("canvas", ["https://elsewhere.example", "{token}"], 200),
        ("canvas", "{token}/", 400),
        ("moodle", "anything", 200),
        ("sakai", ["https://elsewhere.example", "{token}"], 200),
        ("sakai", "https://elsewhere.example", 401),
        ("schoology", "{token}", 200),
        ("blackboard", [BLACKBOARD], 200),
        ("blackboard", "{token}", 400),
        ("brightspace", BRIGHTSPACE, 200),
        ("brightspace", "{token}", 400),
        ("brightspace", [BRIGHTSPACE, "{token}"], 500),
    ],
)
def test_a_token_is_given_for_the_audience_of_the_lms(
    played: Played, family: str, audience: str | list[str], status: int
) -> None:
    tool = played(family)
    names = [audience] if isinstance(audience, str) else audience
    named = [name.format(token=tool.registration["token_url"]) for name in names]
    assertion = tool.assertion(aud=named[0] if isinstance(audience, str) else named)
    assert tool.ask_token(assertion).status_code == status


@pytest.mark.parametrize(("family", "status"), [("canvas", 400), ("sakai", 401), ("brightspace", 200)])
def test_an_assertion_is_good_once_except_on_brightspace(played: Played, family: str, status: int) -> None:
    tool = played(family)
    assertion = tool.assertion()
    assert tool.ask_token(assertion).status_code == 200
    assert tool.ask_token(assertion).status_code == status


def test_blackboard_takes_a_longer_hash_and_the_others_do_not(played: Played) -> None:
    assert played("blackboard").ask_token(played("blackboard").assertion(algorithm="RS512")).status_code == 200
    assert played("canvas").ask_token(played("canvas").assertion(algorithm="RS512")).status_code == 400


# -- Rosters


def test_moodle_gives_everybody_at_once_under_bare_roles(played: Played) -> None:
    tool = played("moodle")
    members = {member["user_id"]: member["roles"] for member in roster(tool).json()["members"]}
    assert len(members) == 57
    assert members[people(tool, "ta")[0]] == ["Learner"]
    assert members[people(tool, "instructor")[0]] == ["Instructor"]
    assert len(roster(tool, limit=10).json()["members"]) == 10


def test_moodle_answers_with_the_older_form_unless_it_is_told(played: Played) -> None:
    answer = roster(played("moodle"), accept="application/json")
    assert "members" not in answer.json()
    assert len(answer.json()["pageOf"]["membershipSubject"]["membership"]) == 57


@pytest.mark.parametrize(("family", "limit"), [("canvas", 50), ("schoology", 100)])
def test_a_page_is_no_longer_than_the_lms_permits(played: Played, family: str, limit: int) -> None:
    tool = played(family)
    answer, count = roster(tool, limit=200), len(everybody(tool))
    assert len(answer.json()["members"]) == min(limit, count)
    assert ("next" in answer.links) == (count > limit)


def test_brightspace_may_hide_whoever_has_not_come_yet(played: Played) -> None:
    tool = played("brightspace")
    learners = people(tool, "learner")
    assert len(roster(tool, limit=100).json()["members"]) > 50
    tool.sandbox.control.tool(tool.client_id, known_only=True)
    launch(tool, learners[7])
    known = {member["user_id"] for member in roster(tool, limit=100).json()["members"]}
    tool.sandbox.control.tool(tool.client_id, known_only=False)
    assert learners[7] in known
    assert learners[8] not in known


@pytest.mark.parametrize(
    ("privacy", "told"),
    [
        ("public", {"name", "given_name", "family_name", "email"}),
        ("name_only", {"name", "given_name", "family_name"}),
        ("email_only", {"email"}),
        ("anonymous", set()),
    ],
)
def test_an_lms_tells_about_people_what_it_was_set_to(played: Played, privacy: str, told: set[str]) -> None:
    tool = played("canvas")
    tool.sandbox.control.tool(tool.client_id, privacy=privacy)
    subject = next(p["sub"] for p in everybody(tool) if p["name"] == "Zoë Müller-Krüger")
    [member] = [one for one in everyone_listed(tool) if one["user_id"] == subject]
    claims = launch(tool, subject)
    tool.sandbox.control.tool(tool.client_id, privacy="public")
    everything = {"name", "given_name", "family_name", "email"}
    assert claims.keys() & everything == member.keys() & everything == told


# -- Columns


def test_a_column_on_blackboard_names_no_link_and_has_whole_points(played: Played) -> None:
    tool = played("blackboard")
    assert make(tool, resourceLinkId=tool.links[COURSE]).status_code == 400
    assert make(tool, scoreMaximum=7.5).status_code == 400
    item = column(tool)
    assert tool.call("PUT", item["id"], ITEM, send=ITEM_TYPE, body=item).status_code == 400
    without = {name: value for name, value in item.items() if name != "id"}
    assert tool.call("PUT", item["id"], ITEM, send=ITEM_TYPE, body=without).status_code == 200


def test_another_media_type_is_a_bad_request_on_moodle(played: Played) -> None:
    tool = played("moodle")
    body = {"label": "Sessions", "scoreMaximum": 10}
    assert tool.call("POST", items_url(tool), ITEM, send="application/json", body=body).status_code == 400


def test_moodle_writes_next_in_typographic_quotes_and_keeps_the_query(played: Played) -> None:
    tool = played("moodle")
    first, second = column(tool), column(tool)
    answer = tool.call("GET", f"{items_url(tool)}&limit=1", ITEM, accept=ITEMS_TYPE)
    assert answer.headers["Link"].encode("latin-1").decode().endswith("rel=“next”")
    assert "/lineitem?type_id=" in first["id"]
    assert tool.score(second, people(tool, "learner")[0]).status_code == 200


def test_sakai_lists_the_columns_of_others_and_lets_nobody_write_there(played: Played) -> None:
    tool = played("sakai")
    ours = column(tool)
    listed = tool.call("GET", items_url(tool), ITEM, accept=ITEMS_TYPE).json()
    [foreign] = [item for item in listed if item.get(READ_ONLY)]
    assert foreign["label"] == "Reading quiz"
    assert ours["id"] in [item["id"] for item in listed]
    assert tool.score(foreign, people(tool, "learner")[0]).status_code == 403
    assert tool.call("GET", under(foreign["id"], "results"), RESULT).status_code == 200


# -- Scores


def test_two_scores_within_a_second_are_one_too_many_on_moodle(played: Played) -> None:
    tool = played("moodle")
    item, subject = column(tool), people(tool, "learner")[0]
    assert tool.score(item, subject, timestamp="2026-03-01T12:00:00.100Z").status_code == 200
    assert tool.score(item, subject, timestamp="2026-03-01T12:00:00.900Z").status_code == 409
    assert tool.score(item, subject, timestamp="2026-03-01T12:00:01.000Z").status_code == 200


def test_an_older_score_is_a_bad_request_on_canvas_and_an_equal_one_is_not(played: Played) -> None:
    tool = played("canvas")
    item, subject = column(tool), people(tool, "learner")[0]
    kept = {SUBMISSION: {"new_submission": False}}
    assert tool.score(item, subject, timestamp="2026-03-01T12:00:00Z", **kept).status_code == 200
    assert tool.score(item, subject, timestamp="2026-03-01T12:00:00Z", **kept).status_code == 200
    older = tool.score(item, subject, timestamp="2026-03-01T11:59:59Z", **kept)
    assert (older.status_code, "before last updated timestamp" in older.text) == (400, True)


def test_a_report_of_progress_erases_a_grade_on_canvas_unless_it_is_to_be_preserved(played: Played) -> None:
    tool = played("canvas")
    item, subject = column(tool), people(tool, "learner")[1]
    progress = {"scoreGiven": ..., "gradingProgress": "Pending", "activityProgress": "InProgress"}
    tool.score(item, subject)
    tool.score(item, subject, **progress, **{SUBMISSION: {"preserve_score": True}})
    assert result(tool, item, subject)["resultScore"] == 8
    tool.score(item, subject, **progress)
    assert "resultScore" not in result(tool, item, subject)


def test_nobody_hands_in_tomorrow_on_canvas(played: Played) -> None:
    tool = played("canvas")
    answer = tool.score(column(tool), people(tool, "learner")[4], submission={"submittedAt": moment(120)})
    assert answer.status_code == 400


def test_every_score_on_canvas_is_an_attempt_and_comments_add_up(played: Played) -> None:
    tool = played("canvas")
    item, subject = column(tool), people(tool, "learner")[2]
    statuses = [tool.score(item, subject, comment=f"number {number}").status_code for number in range(4)]
    assert statuses == [200, 200, 200, 422]
    assert tool.score(item, subject, **{SUBMISSION: {"new_submission": False}}).status_code == 200
    items = tool.sandbox.control.state()["courses"][COURSE]["items"]
    stored = next(one["grades"][subject] for one in items if item["id"].endswith(f"/{one['id']}"))
    assert stored["comment"].splitlines() == ["number 0", "number 1", "number 2"]
    assert "comment" not in result(tool, item, subject)


@pytest.mark.parametrize(("asked", "left"), [({}, 8), ({SUBMISSION: {"prioritize_non_tool_grade": True}}, 3)])
def test_a_persons_grade_on_canvas_stays_only_if_the_tool_asks_for_it(
    played: Played, asked: dict[str, Any], left: float
) -> None:
    tool = played("canvas")
    item, subject = column(tool), people(tool, "learner")[3]
    number = item["id"].rpartition("/")[2]
    robot = tool.sandbox.robot(people(tool, "instructor")[0])
    page = robot.get(f"/courses/{COURSE}/gradebook?edit={number}.{subject}")
    robot.submit(page.form(f"/gradebook/{number}/"), score="3")
    robot.close()
    assert tool.score(item, subject, **asked).status_code == 200
    assert result(tool, item, subject)["resultScore"] == left


def test_a_zero_is_left_out_of_the_results_of_moodle(played: Played) -> None:
    tool = played("moodle")
    item, subject = column(tool), people(tool, "learner")[1]
    tool.score(item, subject, scoreGiven=0)
    row = result(tool, item, subject)
    assert "resultScore" not in row
    assert row["timestamp"]


def test_a_score_above_the_maximum_is_cut_on_brightspace(played: Played) -> None:
    tool = played("brightspace")
    item, subject = column(tool), people(tool, "learner")[0]
    assert tool.score(item, subject, scoreGiven=12).status_code == 200
    assert result(tool, item, subject)["resultScore"] == 10


@pytest.mark.parametrize(("family", "status"), [("canvas", 422), ("moodle", 400), ("brightspace", 422)])
def test_whoever_cannot_be_graded_is_refused_as_the_lms_does_it(played: Played, family: str, status: int) -> None:
    tool = played(family)
    assert tool.score(column(tool), people(tool, "ta")[0]).status_code == status


# -- Throttling


def test_canvas_tells_what_remains_and_refuses_many_calls_side_by_side_with_403(played: Played) -> None:
    tool = played("canvas")
    url, headers = items_url(tool), {"Authorization": f"Bearer {tool.token(ITEM)}"}
    tool.sandbox.control.fault("lineitems", "slow:0.5")

    def ask(_number: int) -> requests.Response:
        return requests.get(url, headers=headers, timeout=TIMEOUT)

    with ThreadPoolExecutor(16) as together:
        answers = list(together.map(ask, range(16)))
    tool.sandbox.control.clear_faults()
    alone = ask(0)
    assert {answer.status_code for answer in answers} == {200}
    assert float(alone.headers["X-Rate-Limit-Remaining"]) < Quota.SIZE


def test_a_quota_is_held_by_calls_that_last_and_comes_back_with_time() -> None:
    quota = Quota()
    assert [quota.begin("token") for _ in range(13)] == [True] * 12 + [False]
    assert quota.begin("another token")
    for _ in range(12):
        quota.end("token")
    assert quota.begin("token")


def test_a_tool_that_is_too_fast_hears_so_in_the_words_of_the_lms(played: Played) -> None:
    answers = {}
    for family in ("canvas", "moodle"):
        tool = played(family)
        item, subject = column(tool), people(tool, "learner")[5]
        tool.sandbox.control.fault("scores", "throttle", times=1)
        answers[family] = tool.score(item, subject)
    assert (answers["canvas"].status_code, answers["moodle"].status_code) == (403, 429)
    assert "Rate Limit Exceeded" in answers["canvas"].text
