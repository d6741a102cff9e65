"""Scores and results.

Source: Assignment and Grade Services 2.0, sections 3.3 and 3.4 (https://www.imsglobal.org/spec/lti-ags/v2p0).
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from lti_tool.sandbox.figures import as_number, rescaled
from lti_tool.sandbox.line_items import item_url, own_item
from lti_tool.sandbox.platform import is_gradable, platform
from lti_tool.sandbox.services import (
    Page,
    ServiceError,
    asked_page,
    body_object,
    json_response,
    paged,
    require_accept,
    require_content,
    service,
)
from lti_tool.sandbox.times import microseconds, now_text, parse_moment
from lti_tool.sandbox.vocabulary import MEDIA_RESULTS, MEDIA_SCORE, SCOPE_RESULTS, SCOPE_SCORE

bp = Blueprint("scores", __name__)
ACTIVITY_PROGRESS = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
GRADING_PROGRESS = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
BEFORE_SUBMISSION = ("Initialized", "Started", "InProgress")


@dataclass(frozen=True)
class Score:
    """A score whose members all keep their rules."""

    user_id: str
    given: float | None
    """None clears."""
    maximum: float
    activity: str
    grading: str
    timestamp: int
    """Microseconds since 1970."""
    comment: str | None
    scoring_user: str | None
    submission: dict[str, str] | None


@bp.post("/api/courses/<course_id>/lineitems/<int:item_id>/scores")
@service("scores", SCOPE_SCORE)
def post_score(course_id: str, item_id: int) -> Response:
    item = own_item(course_id, item_id)
    require_content(MEDIA_SCORE)
    score = _parsed(body_object())
    if not is_gradable(course_id, score.user_id):
        raise ServiceError(422, f"userId {score.user_id!r} is not a learner who can be graded in this course")
    _record(item, score)
    return jsonify(resultUrl=item_url(item, f"/results/{score.user_id}"))


@bp.after_request
def log_score(response: Response) -> Response:
    """Keep every score that arrived and what it was answered, as a proof for tests; faults included."""
    if request.endpoint != "scores.post_score":
        return response
    arguments = request.view_args or {}
    body = request.get_json(silent=True, force=True)
    user = body.get("userId") if isinstance(body, dict) else None
    answer = g.get("fault") or response.get_data(as_text=True)
    with platform().store.write() as db:
        db.execute(
            "INSERT INTO score_log (at, item_id, sub, payload, status, answer) VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(now_text(), arguments["item_id"], user if isinstance(user, str) else None),
                *(request.get_data(as_text=True), response.status_code, answer),
            ),
        )
    return response


def _parsed(body: dict[str, Any]) -> Score:
    given, maximum = _given_of_maximum(body)
    return Score(
        user_id=_text(body, "userId", required=True) or "",
        given=given,
        maximum=maximum,
        activity=_one_of(body, "activityProgress", ACTIVITY_PROGRESS),
        grading=_one_of(body, "gradingProgress", GRADING_PROGRESS),
        timestamp=_moment(body, "timestamp"),
        comment=_text(body, "comment"),
        scoring_user=_scoring_user(body),
        submission=_submission(body),
    )


def _text(body: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or (required and not value):
        raise ServiceError(400, f"{name} must be a text")
    return value


def _one_of(body: dict[str, Any], name: str, values: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in values:
        raise ServiceError(400, f"{name} must be one of {', '.join(values)}")
    return str(value)


def _moment(body: dict[str, Any], name: str) -> int:
    try:
        return microseconds(parse_moment(body.get(name)))
    except ValueError as error:
        raise ServiceError(400, f"{name}: {error}") from error


def _given_of_maximum(body: dict[str, Any]) -> tuple[float | None, float]:
    if body.get("scoreGiven") is None:
        return None, 1
    given, maximum = _number(body, "scoreGiven"), _number(body, "scoreMaximum")
    if given < 0 or maximum <= 0:
        raise ServiceError(400, "scoreGiven must be 0 or more, and scoreMaximum above 0")
    return given, maximum


def _number(body: dict[str, Any], name: str) -> float:
    number = as_number(body.get(name))
    if number is None:
        raise ServiceError(400, f"{name} must be a number, and scoreGiven needs a scoreMaximum")
    return number


def _scoring_user(body: dict[str, Any]) -> str | None:
    if "scoringUserId" not in body:
        return None
    return _text(body, "scoringUserId", required=True)


def _submission(body: dict[str, Any]) -> dict[str, str] | None:
    submission = body.get("submission")
    if submission is None:
        return None
    if not isinstance(submission, dict):
        raise ServiceError(400, "submission must be an object")
    moments = [_moment(submission, name) for name in ("startedAt", "submittedAt") if name in submission]
    if len(moments) == 2 and moments[0] > moments[1]:
        raise ServiceError(400, "submittedAt lies before startedAt")
    return {name: submission[name] for name in ("startedAt", "submittedAt") if name in submission}


def _record(item: sqlite3.Row, score: Score) -> None:
    """Store a score that is newer than the last one; only FullyGraded shows a value."""
    value = None
    if score.given is not None and score.grading == "FullyGraded":
        value = rescaled(score.given, score.maximum, item["score_maximum"])
    with platform().store.write() as db:
        before = db.execute(
            "SELECT tool_timestamp, submission FROM grades WHERE item_id = ? AND sub = ?",
            (item["id"], score.user_id),
        ).fetchone()
        if before and before["tool_timestamp"] is not None and score.timestamp <= before["tool_timestamp"]:
            raise ServiceError(409, "a score with this or a later timestamp is stored already for this person")
        db.execute(
            "INSERT OR REPLACE INTO grades"
            " (item_id, sub, score, comment, activity_progress, grading_progress, submission,"
            " scoring_sub, tool_timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(item["id"], score.user_id, value, score.comment, score.activity, score.grading),
                *(_kept_submission(score, before), score.scoring_user, score.timestamp),
            ),
        )


def _kept_submission(score: Score, before: sqlite3.Row | None) -> str | None:
    """The dates of the hand-in; they go when the progress goes back before it."""
    if score.submission is not None:
        return json.dumps(score.submission)
    if score.activity in BEFORE_SUBMISSION or before is None:
        return None
    kept: str | None = before["submission"]
    return kept


@bp.get("/api/courses/<course_id>/lineitems/<int:item_id>/results")
@service("results", SCOPE_RESULTS)
def list_results(course_id: str, item_id: int) -> Response:
    """What the gradebook shows now, changes by people included; whoever has nothing there is left out."""
    item = own_item(course_id, item_id)
    require_accept(MEDIA_RESULTS)
    page = asked_page("", ("user_id",))
    rows, headers = paged(_grades_after(item, page), page, lambda row: str(row["sub"]))
    response = json_response([_result(item, row) for row in rows], MEDIA_RESULTS)
    response.headers.update(headers)
    return response


@bp.get("/api/courses/<course_id>/lineitems/<int:item_id>/results/<sub>")
@service("results", SCOPE_RESULTS)
def read_result(course_id: str, item_id: int, sub: str) -> Response:
    item = own_item(course_id, item_id)
    rows = _grades_after(item, Page("", None, {"user_id": sub}))
    if not rows:
        raise ServiceError(404, "this person has no result here")
    return json_response(_result(item, rows[0]), "application/json")


def _grades_after(item: sqlite3.Row, page: Page) -> list[sqlite3.Row]:
    return platform().store.rows(
        "SELECT * FROM grades WHERE item_id = ? AND sub > ? AND (? IS NULL OR sub = ?)"
        " AND (score IS NOT NULL OR comment IS NOT NULL) ORDER BY sub",
        *(item["id"], page.after, page.filters.get("user_id"), page.filters.get("user_id")),
    )


def _result(item: sqlite3.Row, grade: sqlite3.Row) -> dict[str, Any]:
    members = {
        "id": item_url(item, f"/results/{grade['sub']}"),
        "scoreOf": item_url(item),
        "userId": grade["sub"],
        "resultScore": grade["score"],
        "resultMaximum": item["score_maximum"],
        "comment": grade["comment"],
        "scoringUserId": grade["overridden_by"] or grade["scoring_sub"],
    }
    return {name: value for name, value in members.items() if value is not None}
