"""What each LMS does in its own way, and that the people who use it see nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from flask import Request, Response

from lti_tool.gradebook.states import next_timestamp
from lti_tool.lti import registrations
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import Refused, Superseded, Throttled, Ungradable
from lti_tool.lti.families import FAMILIES, family, named_by
from lti_tool.lti.grades import (
    SCOPE_LINE_ITEM,
    Activity,
    Grading,
    LineItem,
    Score,
    find_or_create,
    post_score,
    read_results,
)
from lti_tool.lti.launch import GradeService, Role
from lti_tool.lti.memberships import read_pages
from tests.doc_tables import rules_of
from tests.support.platform import Browser, Platform, Tool

SUBMISSION = "https://canvas.instructure.com/lti/submission"
READ_ONLY = "https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
ALL = sorted(FAMILIES)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROGRESS = Score("u1", NOW, Activity.IN_PROGRESS, Grading.PENDING, comment="5 of 8 done", takes_back=False)
GIVEN = Score("u1", NOW, Activity.IN_PROGRESS, Grading.FULLY_GRADED, given=50, maximum=100, comment="4 of 8 sessions")
FINAL = replace(GIVEN, activity=Activity.COMPLETED, comment="8 of 8 sessions")
TAKEN_BACK = Score("u1", NOW, Activity.INITIALIZED, Grading.NOT_READY)

Connect = Callable[..., Connection]


@pytest.fixture
def connect(tool: Tool, platform: Platform) -> Connect:
    """Connects the tool to the platform as one of this family."""
    return lambda name, **changes: tool.connect(tool.register(platform, family=name, **changes))


def answering(status: int, body: str = "", **headers: str) -> Callable[[Request], Response]:
    return lambda _request: Response(body, status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def sent(platform: Platform, connection: Connection, score: Score) -> dict[str, Any]:
    """What the platform received."""
    platform.answers["/items/1/scores"] = answering(200)
    post_score(connection, platform.url("/items/1"), score)
    body: dict[str, Any] = json.loads(platform.requests[-1][3])
    return body


def refused(platform: Platform, connection: Connection, answer: Callable[[Request], Response]) -> Any:
    """How a score fails that the platform answers so."""
    platform.answers["/items/1/scores"] = answer
    with pytest.raises(Exception) as error:  # noqa: PT011 - its type is what the tests are about
        post_score(connection, platform.url("/items/1"), GIVEN)
    return error.value


def made(platform: Platform, connection: Connection, wanted: LineItem, listed: list[Any]) -> list[Any]:
    """The columns that the tool makes in a gradebook that lists these."""
    bodies = []

    def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response(json.dumps(listed))
        bodies.append(json.loads(request.get_data()))
        return Response(json.dumps({**bodies[-1], "id": platform.url("/items/9")}), 201)

    platform.answers["/items"] = answer
    find_or_create(connection, GradeService(platform.url("/items"), None, frozenset({SCOPE_LINE_ITEM})), wanted)
    return bodies


# -- Which family it is


def test_the_first_launch_tells_which_lms_it_is(tool: Tool, browser: Browser) -> None:
    assert browser.launch(tool_platform={"guid": "g", "product_family_code": "Canvas"}).ok
    with tool.app.app_context():
        assert registered_family(browser) == "canvas"


def test_what_an_operator_said_about_the_lms_stands(tool: Tool, platform: Platform) -> None:
    tool.register(platform, family="sakai")
    browser = Browser(tool, platform)
    assert browser.launch(tool_platform={"guid": "g", "product_family_code": "moodle"}).ok
    with tool.app.app_context():
        assert registered_family(browser) == "sakai"


@pytest.mark.parametrize("code", ["something-new", "", None])
def test_an_lms_that_nobody_knows_is_treated_as_the_standard_says(code: str | None) -> None:
    assert named_by(code) is None
    assert family("something-new").name == "standard"


def test_a_known_lms_costs_a_launch_no_query(tool: Tool, platform: Platform) -> None:
    registration = tool.register(platform, family="moodle")
    registrations.learn_family(None, registration, "moodle")  # type: ignore[arg-type]  # would fail if it were used
    registrations.learn_family(None, replace(registration, family="standard"), "new")  # type: ignore[arg-type]


def registered_family(browser: Browser) -> str:
    [found] = registrations.of_issuer(browser.platform.issuer, browser.platform.client_id)
    return found.family


# -- Tokens


@pytest.mark.parametrize(
    ("name", "audience"),
    [
        ("standard", None),
        ("moodle", None),
        ("canvas", None),
        ("brightspace", "https://api.brightspace.com/auth/token"),
        ("blackboard", "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken"),
    ],
)
def test_a_token_is_asked_for_in_the_name_that_the_lms_expects(
    platform: Platform, connect: Connect, name: str, audience: str | None
) -> None:
    sent(platform, connect(name), GIVEN)
    claims = jwt.decode(platform.token_requests[0]["client_assertion"], options={"verify_signature": False})
    assert claims["aud"] == audience or (audience is None and claims["aud"] == platform.url("/token"))


def test_canvas_gets_no_slash_at_the_end_of_an_audience() -> None:
    assert (
        family("canvas").audience("https://c.example/login/oauth2/token/") == "https://c.example/login/oauth2/token"
    )


def test_an_audience_that_was_typed_in_stands(connect: Connect) -> None:
    assert (
        connect("brightspace", audience="https://eu.example/token").registration.audience
        == "https://eu.example/token"
    )


# -- Throttling


@pytest.mark.parametrize("name", ALL)
def test_every_lms_may_ask_us_to_slow_down_with_429(platform: Platform, connect: Connect, name: str) -> None:
    assert isinstance(refused(platform, connect(name), answering(429)), Throttled)


@pytest.mark.parametrize(
    "answer",
    [
        answering(403, "403 Forbidden (Rate Limit Exceeded)"),
        answering(403, "no", X_Rate_Limit_Remaining="0.0"),
    ],
)
def test_canvas_asks_us_to_slow_down_with_403(
    platform: Platform, connect: Connect, answer: Callable[[Request], Response]
) -> None:
    assert isinstance(refused(platform, connect("canvas"), answer), Throttled)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("canvas", answering(403, "insufficient scopes", X_Rate_Limit_Remaining="599.5")),
        ("canvas", answering(403, "insufficient scopes", X_Rate_Limit_Remaining="much")),
        ("moodle", answering(403, "Rate Limit Exceeded")),
    ],
)
def test_another_403_is_a_refusal(
    platform: Platform, connect: Connect, name: str, answer: Callable[[Request], Response]
) -> None:
    error = refused(platform, connect(name), answer)
    assert type(error) is Refused


def test_canvas_is_asked_one_thing_at_a_time() -> None:
    assert {name: rules.concurrency for name, rules in FAMILIES.items()} == dict.fromkeys(ALL, 4) | {"canvas": 1}


# -- Scores


def test_a_second_score_within_a_second_is_read_back_on_moodle(platform: Platform, connect: Connect) -> None:
    assert isinstance(refused(platform, connect("moodle"), answering(409)), Superseded)


def test_two_scores_never_fall_into_the_same_second() -> None:
    first = NOW.replace(microsecond=100_000)
    second = next_timestamp(first.replace(microsecond=900_000), first)
    assert int(second.timestamp()) > int(first.timestamp())


def test_an_older_score_is_read_back_on_canvas(platform: Platform, connect: Connect) -> None:
    said = "Provided timestamp of 2026-03-01 before last updated timestamp of 2026-03-02"
    assert isinstance(refused(platform, connect("canvas"), answering(400, said)), Superseded)


@pytest.mark.parametrize(("name", "status"), [("brightspace", 422), ("canvas", 422), ("moodle", 400)])
def test_a_person_whom_the_lms_does_not_grade_is_named_as_such(
    platform: Platform, connect: Connect, name: str, status: int
) -> None:
    error = refused(platform, connect(name), answering(status, "not a student"))
    assert isinstance(error, Ungradable)
    assert (error.status, error.excerpt) == (status, "not a student")


def test_a_progress_report_erases_no_grade_on_canvas(platform: Platform, connect: Connect) -> None:
    body = sent(platform, connect("canvas"), PROGRESS)
    assert "scoreGiven" not in body
    assert body[SUBMISSION]["preserve_score"] is True


@pytest.mark.parametrize("score", [TAKEN_BACK, replace(PROGRESS, takes_back=True), GIVEN])
def test_a_score_that_is_taken_back_or_changed_is_not_preserved_on_canvas(
    platform: Platform, connect: Connect, score: Score
) -> None:
    assert sent(platform, connect("canvas"), score)[SUBMISSION]["preserve_score"] is False


@pytest.mark.parametrize("score", [PROGRESS, GIVEN, FINAL, TAKEN_BACK])
def test_no_later_score_uses_up_an_attempt_on_canvas(platform: Platform, connect: Connect, score: Score) -> None:
    assert sent(platform, connect("canvas"), score)[SUBMISSION]["new_submission"] is False


def test_the_first_score_brings_canvas_a_link_to_the_work(platform: Platform, connect: Connect) -> None:
    first = replace(GIVEN, review_url="https://tool.test/lti/launch/review/7")
    submission = sent(platform, connect("canvas"), first)[SUBMISSION]
    assert submission["new_submission"] is True
    assert submission["submission_type"] == "basic_lti_launch"
    assert submission["submission_data"] == "https://tool.test/lti/launch/review/7"


@pytest.mark.parametrize("name", [name for name in ALL if name != "canvas"])
def test_no_other_lms_is_told_where_the_work_is(platform: Platform, connect: Connect, name: str) -> None:
    connection, first = connect(name), replace(GIVEN, review_url="https://tool.test/lti/launch/review/7")
    assert sent(platform, connection, first) == sent(platform, connection, GIVEN)


def test_a_teachers_grade_is_replaced_on_canvas_only_if_an_instructor_chose_so(
    platform: Platform, connect: Connect
) -> None:
    connection = connect("canvas")
    assert sent(platform, connection, GIVEN)[SUBMISSION]["prioritize_non_tool_grade"] is True
    chosen = sent(platform, connection, replace(GIVEN, overrules=True))
    assert chosen[SUBMISSION]["prioritize_non_tool_grade"] is False


def test_a_learner_on_canvas_gets_one_comment_and_not_one_a_week(platform: Platform, connect: Connect) -> None:
    connection = connect("canvas")
    assert "comment" not in sent(platform, connection, PROGRESS)
    assert "comment" not in sent(platform, connection, GIVEN)
    assert sent(platform, connection, FINAL)["comment"] == "8 of 8 sessions"


@pytest.mark.parametrize("name", [name for name in ALL if name != "canvas"])
def test_everywhere_else_a_score_is_what_the_standard_says(platform: Platform, connect: Connect, name: str) -> None:
    assert sent(platform, connect(name), GIVEN) == {
        "userId": "u1",
        "scoreGiven": 50,
        "scoreMaximum": 100,
        "activityProgress": "InProgress",
        "gradingProgress": "FullyGraded",
        "timestamp": "2026-03-01T12:00:00.000Z",
        "comment": "4 of 8 sessions",
    }


def test_a_zero_that_moodle_leaves_out_is_not_taken_for_an_erased_grade(platform: Platform, connect: Connect) -> None:
    platform.answers["/items/1/results"] = answering(200, '[{"id": "r", "userId": "u1", "resultMaximum": 100}]')
    [result] = read_results(connect("moodle"), platform.url("/items/1?type_id=7"))
    assert result.score is None


# -- Columns


WANTED = LineItem("Sessions", 7.5, "program-1", "sessions", resource_link_id="link-1")


def test_a_column_on_blackboard_names_no_link_and_has_whole_points(platform: Platform, connect: Connect) -> None:
    [body] = made(platform, connect("blackboard"), WANTED, [])
    assert body == {"label": "Sessions", "scoreMaximum": 8, "resourceId": "program-1", "tag": "sessions"}
    assert type(body["scoreMaximum"]) is int
    [body] = made(platform, connect("standard", client_id="another"), WANTED, [])
    assert (body["resourceLinkId"], body["scoreMaximum"]) == ("link-1", 7.5)


def test_a_column_of_somebody_else_is_never_graded_on_sakai(platform: Platform, connect: Connect) -> None:
    theirs = {"id": platform.url("/items/3"), "label": "Quiz", "scoreMaximum": 10, READ_ONLY: True}
    listed = [theirs | {"resourceId": "program-1", "tag": "sessions"}]
    assert len(made(platform, connect("sakai"), WANTED, listed)) == 1
    ours = [listed[0] | {READ_ONLY: False}]
    assert made(platform, connect("sakai", client_id="another"), WANTED, ours) == []


def test_what_stands_in_the_query_of_a_column_on_moodle_is_kept(platform: Platform, connect: Connect) -> None:
    platform.answers["/items/1/scores"] = answering(200)
    post_score(connect("moodle"), platform.url("/items/1?type_id=7"), GIVEN)
    assert platform.requests[-1][1].endswith("/items/1/scores?type_id=7")


# -- Rosters


def roster(platform: Platform, roles: list[str], link: str = "") -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        number = request.args.get("from", "0")
        response = Response(json.dumps({"members": [{"user_id": f"u{number}", "roles": roles}]}))
        if link and number == "0":
            response.headers["Link"] = link.format(url=platform.url("/members?from=1")).encode().decode("latin-1")
        return response

    return answer


def test_the_next_page_is_found_behind_the_curly_quotes_of_moodle(platform: Platform, connect: Connect) -> None:
    platform.answers["/members"] = roster(platform, ["Learner"], "<{url}>; rel=“next”")
    pages = list(read_pages(connect("moodle"), platform.url("/members")))
    assert [member.identity.subject for page in pages for member in page.members] == ["u0", "u1"]


def test_moodle_is_asked_for_the_roster_of_today_and_not_the_older_one(platform: Platform, connect: Connect) -> None:
    platform.answers["/members"] = roster(platform, ["Learner"])
    list(read_pages(connect("moodle"), platform.url("/members")))
    assert platform.requests[-1][2]["Accept"] == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("canvas", [f"{MEMBERSHIP}#Instructor", f"{MEMBERSHIP}/Instructor#TeachingAssistant"]),
        ("canvas", [f"{MEMBERSHIP}#Instructor", f"{MEMBERSHIP}/instructor#TeachingAssistant"]),
        ("sakai", [f"{MEMBERSHIP}#Instructor#TeachingAssistant"]),
    ],
)
def test_a_teaching_assistant_is_one_however_the_lms_writes_it(
    platform: Platform, connect: Connect, name: str, roles: list[str]
) -> None:
    platform.answers["/members"] = roster(platform, roles)
    [page] = read_pages(connect(name), platform.url("/members"))
    assert page.members[0].standing.role is Role.TEACHING_ASSISTANT


def test_an_administrator_of_brightspace_learns_why_people_are_missing(tool: Tool) -> None:
    with tool.app.test_request_context():
        advice = {name: rules.roster_advice for name, rules in FAMILIES.items()}
    assert "Classlist including users not known to this deployment" in (advice.pop("brightspace") or "")
    assert set(advice.values()) == {None}


def test_every_rule_names_its_source() -> None:
    for rules in FAMILIES.values():
        for rule in rules_of(type(rules)):
            assert rule.text, rule.name
            assert rule.source, rule.name
