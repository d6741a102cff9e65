"""Columns are found before they are made, scores go out exactly, results come back whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Request, Response

from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import Refused, Superseded, Unreadable
from lti_tool.lti.grades import (
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
    Activity,
    Grading,
    LineItem,
    Result,
    Score,
    find_or_create,
    line_items,
    post_score,
    read_results,
    under,
)
from lti_tool.lti.launch import GradeService
from tests.support.platform import Platform

WANTED = LineItem("Sessions attended", 8, "program-1:sessions", "sessions")
SCORE = Score(
    "u1",
    datetime(2026, 3, 1, 13, 5, 7, 123456, timezone(timedelta(hours=1))),
    Activity.IN_PROGRESS,
    Grading.FULLY_GRADED,
    given=5,
    maximum=8,
    comment="5 of 8 sessions",
)


@pytest.fixture
def service(platform: Platform) -> GradeService:
    return GradeService(platform.url("/items?type_id=7"), None, frozenset({SCOPE_LINE_ITEM}))


def item(platform: Platform, number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": platform.url(f"/items/{number}?type_id=7"),
        "label": "Sessions attended",
        "scoreMaximum": 8,
        "resourceId": "program-1:sessions",
        "tag": "sessions",
        **more,
    }


def listing(*pages: Any) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        number = int(request.args.get("p", "0"))
        response = Response(json.dumps(pages[number]))
        if number + 1 < len(pages):
            response.headers["Link"] = f'<{request.base_url}?p={number + 1}>; rel="next"'
        return response

    return answer


def test_a_column_that_exists_is_found_by_its_keys_and_not_made_again(
    platform: Platform, connection: Connection, service: GradeService
) -> None:
    others = [item(platform, 2, tag="other"), item(platform, 3, resourceId="other"), {"id": 7}, None]
    platform.answers["/items"] = listing(others, [item(platform, 9, label="Renamed by a teacher", scoreMaximum=80)])
    found = find_or_create(connection, service, WANTED)
    assert found.id == platform.url("/items/9?type_id=7")
    assert (found.label, found.score_maximum) == ("Renamed by a teacher", 80)
    assert {request[0] for request in platform.requests} == {"GET"}
    first = platform.requests[0]
    assert first[1].endswith("/items?type_id=7&resource_id=program-1%3Asessions&tag=sessions")
    assert first[2]["Accept"] == "application/vnd.ims.lis.v2.lineitemcontainer+json"


def test_a_column_that_does_not_exist_is_made_and_kept_as_the_lms_stored_it(
    platform: Platform, connection: Connection, service: GradeService
) -> None:
    def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response("[]")
        return Response(json.dumps(item(platform, 5, label="Sessions attended (tool)", resourceId=None)), 201)

    platform.answers["/items"] = answer
    made = find_or_create(connection, service, WANTED)
    assert made.id == platform.url("/items/5?type_id=7")
    assert made.label == "Sessions attended (tool)"
    assert (made.resource_id, made.tag) == ("program-1:sessions", "sessions")
    method, path, headers, body = platform.requests[-1]
    assert method == "POST"
    assert path.endswith("/items?type_id=7")
    assert headers["Content-Type"] == "application/vnd.ims.lis.v2.lineitem+json"
    assert json.loads(body) == {
        "label": "Sessions attended",
        "scoreMaximum": 8,
        "resourceId": "program-1:sessions",
        "tag": "sessions",
        "submissionReview": {"reviewableStatus": ["InProgress", "Submitted", "Completed"]},
    }


def test_a_tool_that_may_only_read_columns_says_so(platform: Platform, connection: Connection) -> None:
    platform.answers["/items"] = listing([])
    reading = GradeService(platform.url("/items"), None, frozenset({SCOPE_LINE_ITEM_READ}))
    with pytest.raises(Refused, match="create columns"):
        find_or_create(connection, reading, WANTED)
    assert platform.token_requests[0]["scope"] == SCOPE_LINE_ITEM_READ
    with pytest.raises(Refused, match="no columns"):
        find_or_create(connection, GradeService(None, None, frozenset()), WANTED)


def test_a_column_on_another_server_is_not_trusted(
    platform: Platform, connection: Connection, service: GradeService
) -> None:
    platform.answers["/items"] = listing([item(platform, id="https://evil.example/items/1")])
    assert list(line_items(connection, service)) == []


@pytest.mark.parametrize("body", ["<html>", "{}", "[]", "null"])
def test_an_answer_that_is_no_column_is_an_error(
    platform: Platform, connection: Connection, service: GradeService, body: str
) -> None:
    platform.answers["/items"] = lambda request: Response("[]" if request.method == "GET" else body)
    with pytest.raises(Unreadable):
        find_or_create(connection, service, WANTED)


@pytest.mark.parametrize(("status", "body"), [(200, '{"resultUrl": "x"}'), (204, ""), (201, "<html>ok")])
def test_a_score_is_sent_exactly_and_any_success_is_one(
    platform: Platform, connection: Connection, status: int, body: str
) -> None:
    platform.answers["/items/1/scores"] = lambda _request: Response(body, status)
    post_score(connection, platform.url("/items/1?type_id=7"), SCORE)
    method, path, headers, sent = platform.requests[-1]
    assert method == "POST"
    assert path.endswith("/items/1/scores?type_id=7")
    assert headers["Content-Type"] == "application/vnd.ims.lis.v1.score+json"
    assert json.loads(sent) == {
        "userId": "u1",
        "scoreGiven": 5,
        "scoreMaximum": 8,
        "activityProgress": "InProgress",
        "gradingProgress": "FullyGraded",
        "timestamp": "2026-03-01T12:05:07.123Z",
        "comment": "5 of 8 sessions",
    }


def test_a_score_without_a_value_clears_what_was_sent(platform: Platform, connection: Connection) -> None:
    platform.answers["/items/1/scores"] = lambda _request: Response("", 200)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    post_score(connection, platform.url("/items/1"), Score("u1", now, Activity.INITIALIZED, Grading.NOT_READY))
    assert json.loads(platform.requests[-1][3]) == {
        "userId": "u1",
        "activityProgress": "Initialized",
        "gradingProgress": "NotReady",
        "timestamp": "2026-03-01T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("status", "body"), [(409, ""), (400, "Provided timestamp of 1 before last updated timestamp of 2")]
)
def test_a_score_older_than_the_one_in_the_lms_is_told_apart_from_a_refusal(
    platform: Platform, connection: Connection, status: int, body: str
) -> None:
    platform.answers["/items/1/scores"] = lambda _request: Response(body, status)
    with pytest.raises(Superseded):
        post_score(connection, platform.url("/items/1"), SCORE)


def test_a_person_who_cannot_be_graded_is_a_final_refusal_with_its_reason(
    platform: Platform, connection: Connection
) -> None:
    platform.answers["/items/1/scores"] = lambda _request: Response("user is not a student", 422)
    with pytest.raises(Refused) as error:
        post_score(connection, platform.url("/items/1"), SCORE)
    assert (error.value.status, error.value.excerpt) == (422, "user is not a student")


def test_sixteen_threads_send_scores_at_once(platform: Platform, connection: Connection) -> None:
    platform.answers["/items/1/scores"] = lambda _request: Response("", 200)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _n: post_score(connection, platform.url("/items/1"), SCORE), range(100)))
    assert len(platform.requests) == 100
    assert len(platform.token_requests) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": datetime(2026, 3, 1)},  # noqa: DTZ001 - the case
        {"given": -1.0},
        {"given": float("nan")},
        {"maximum": None},
        {"maximum": 0},
    ],
)
def test_a_score_that_the_standard_forbids_cannot_be_made(changes: dict[str, Any]) -> None:
    values = {"timestamp": SCORE.timestamp, "given": 5.0, "maximum": 8.0, **changes}
    with pytest.raises(ValueError, match="score"):
        Score("u1", activity=Activity.COMPLETED, grading=Grading.FULLY_GRADED, **values)


def test_results_are_read_over_all_pages(platform: Platform, connection: Connection) -> None:
    platform.answers["/items/1/results"] = listing(
        [
            {
                "id": "r1",
                "userId": "u1",
                "resultScore": 0.5,
                "resultMaximum": 8,
                "comment": "late",
                "scoringUserId": "t",
            },
            {"id": "r2", "userId": "u2", "resultScore": 1},
        ],
        [{"userId": "u3"}, {"userId": 7}, "odd", {"userId": "u4", "resultScore": "5"}],
    )
    results = list(read_results(connection, platform.url("/items/1?type_id=7")))
    assert results == [
        Result("u1", 0.5, 8.0, "late", "t"),
        Result("u2", 1.0, 1.0),
        Result("u3", None, 1.0),
    ]
    assert platform.requests[0][1].endswith("/items/1/results?type_id=7")
    assert platform.requests[0][2]["Accept"] == "application/vnd.ims.lis.v2.resultcontainer+json"


def test_the_result_of_one_person_is_asked_for_by_id(platform: Platform, connection: Connection) -> None:
    platform.answers["/items/1/results"] = listing([])
    assert list(read_results(connection, platform.url("/items/1?type_id=7"), user_id="a b&c")) == []
    assert platform.requests[0][1].endswith("/items/1/results?type_id=7&user_id=a+b%26c")


def test_results_that_are_no_list_are_an_error_and_not_an_empty_column(
    platform: Platform, connection: Connection
) -> None:
    platform.answers["/items/1/results"] = lambda _request: Response('{"results": []}')
    with pytest.raises(Unreadable, match="page 1"):
        list(read_results(connection, platform.url("/items/1")))


@pytest.mark.parametrize(
    ("url", "scores"),
    [
        (
            "https://m.example/lineitems/10/lineitem?type_id=7",
            "https://m.example/lineitems/10/lineitem/scores?type_id=7",
        ),
        ("https://m.example/items/1/", "https://m.example/items/1/scores"),
        ("https://m.example/items/1", "https://m.example/items/1/scores"),
    ],
)
def test_the_suffix_goes_into_the_path_and_the_query_stays(url: str, scores: str) -> None:
    assert under(url, "scores") == scores
