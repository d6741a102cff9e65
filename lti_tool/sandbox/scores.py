"""Scores and results.

Source: Assignment and Grade Services 2.0, sections 3.3 and 3.4 (https://www.imsglobal.org/spec/lti-ags/v2p0).
"""

import json
import sqlite3
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from lti_tool.sandbox.families.standard import Grade
from lti_tool.sandbox.line_items import item_url, own_item
from lti_tool.sandbox.platform import is_gradable, platform
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.routes import served_at
from lti_tool.sandbox.score import BEFORE_SUBMISSION, Score, parsed
from lti_tool.sandbox.services import (
    Page,
    asked_page,
    body_object,
    json_response,
    paged,
    require_accept,
    require_content,
    service,
)
from lti_tool.sandbox.times import now_text
from lti_tool.sandbox.vocabulary import MEDIA_RESULTS, SCOPE_RESULTS, SCOPE_SCORE

bp = Blueprint("scores", __name__)


@served_at(bp, "line_item", "/scores", methods=("POST",))
@service("scores", SCOPE_SCORE)
def post_score(course_id: str, item_id: int) -> Response:
    item = own_item(course_id, item_id)
    require_content(*platform().lms.score_types)
    score = parsed(body_object())
    if not is_gradable(course_id, score.user_id):
        raise ServiceError(
            platform().lms.ungradable, f"userId {score.user_id!r} is not a learner who can be graded in this course"
        )
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


def _record(item: sqlite3.Row, score: Score) -> None:
    """Store a score that is newer than the last one, as this LMS understands it."""
    lms, cell = platform().lms, (item["id"], score.user_id)
    with platform().store.write() as db:
        before = db.execute("SELECT * FROM grades WHERE item_id = ? AND sub = ?", cell).fetchone()
        if before and before["tool_timestamp"] is not None:
            lms.check_time(score.timestamp, before["tool_timestamp"])
        grade = lms.graded(score, item["score_maximum"], _grade(before) if before else Grade())
        db.execute(
            "INSERT OR REPLACE INTO grades"
            " (item_id, sub, score, comment, overridden_by, overridden_at, attempts,"
            " activity_progress, grading_progress, submission, scoring_sub, tool_timestamp, work_url)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(*cell, grade.score, grade.comment, grade.overridden_by, grade.overridden_at, grade.attempts),
                *(score.activity, score.grading, _kept_submission(score, before)),
                *(score.scoring_user, score.timestamp, lms.work_url(score) or (before and before["work_url"])),
            ),
        )


def _grade(row: sqlite3.Row) -> Grade:
    return Grade(row["score"], row["comment"], row["overridden_by"], row["overridden_at"], row["attempts"])


def _kept_submission(score: Score, before: sqlite3.Row | None) -> str | None:
    """The dates of the hand-in; they go when the progress goes back before it."""
    if score.submission is not None:
        return json.dumps(score.submission)
    if score.activity in BEFORE_SUBMISSION or before is None:
        return None
    kept: str | None = before["submission"]
    return kept


@served_at(bp, "line_item", "/results")
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


@served_at(bp, "line_item", "/results/<sub>")
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
    return platform().lms.result({name: value for name, value in members.items() if value is not None})
