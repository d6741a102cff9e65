"""Opening a cell of the gradebook: the tool shows the work behind a grade.

Source: Submission Review 1.0 (https://www.imsglobal.org/spec/lti-sr/v1p0); where an LMS knows no such message, the
link that came with the score.
"""

import json
import sqlite3
from typing import Any

from flask import Blueprint, abort, render_template, url_for
from werkzeug.wrappers import Response

from lti_tool.sandbox.courses import origin_of
from lti_tool.sandbox.launch import start
from lti_tool.sandbox.messages import work_url
from lti_tool.sandbox.platform import person_of, platform
from lti_tool.sandbox.session import member_or_403

bp = Blueprint("reviews", __name__)
STAFF = ("instructor", "ta", "admin")


def is_reviewable(item: sqlite3.Row, grade: sqlite3.Row | None) -> bool:
    """Whether the tool shows the work behind this grade, by what it said of the line item or sent with the score."""
    if not platform().lms.reviews:
        return grade is not None and grade["work_url"] is not None
    review: dict[str, Any] = json.loads(item["document"]).get("submissionReview", {})
    return grade is not None and grade["activity_progress"] in review.get("reviewableStatus", [])


@bp.get("/review/<int:item_id>/<sub>")
def page(item_id: int, sub: str) -> str:
    """The work in a frame of the course."""
    item, learner = _item(item_id), person_of(sub) or abort(404)
    course = platform().store.row("SELECT * FROM courses WHERE id = ?", item["course_id"])
    _, role = _allowed(item, sub)
    tool = platform().store.row("SELECT * FROM tools WHERE id = ?", item["tool_id"]) or abort(404)
    return render_template(
        "sandbox/review.html",
        course=course,
        role=role,
        column=item,
        learner=learner,
        address=url_for("reviews.begin", item_id=item_id, sub=sub),
        origin=origin_of(tool["target_link_uri"]),
        here="grades" if role == "learner" else "gradebook",
    )


@bp.get("/launch/review/<int:item_id>/<sub>")
def begin(item_id: int, sub: str) -> Response | str:
    item = _item(item_id)
    person, _ = _allowed(item, sub)
    link = platform().store.row("SELECT * FROM links WHERE id = ?", item["link_id"])
    message = {"type": "review", "item": str(item_id), "sub": sub}
    target = (link["url"] if link else None) if platform().lms.reviews else work_url(item_id, sub)
    return start(person, item["tool_id"], None, target_link_uri=target, message=message)


def _item(item_id: int) -> sqlite3.Row:
    item = platform().store.row("SELECT * FROM line_items WHERE id = ?", item_id)
    return item if item is not None and item["tool_id"] is not None else abort(404)


def _allowed(item: sqlite3.Row, sub: str) -> tuple[sqlite3.Row, str]:
    """Staff see everybody's, a learner their own."""
    person, role = member_or_403(item["course_id"], "learner", *STAFF)
    if role == "learner" and person["sub"] != sub:
        abort(403, "This is somebody else's work.")
    return person, role
