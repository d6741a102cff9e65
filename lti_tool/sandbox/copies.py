"""Copying a course: its links and line items go along with what the tool wrote into them; people and grades do not.

Source: Assignment and Grade Services 2.0, section 3.2.15 (https://www.imsglobal.org/spec/lti-ags/v2p0).
"""

import json
import secrets
import sqlite3
import uuid

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from lti_tool.sandbox.links import insert_link
from lti_tool.sandbox.origins import note_copy
from lti_tool.sandbox.platform import course_or_404, platform
from lti_tool.sandbox.session import check_csrf, member_or_403

bp = Blueprint("copies", __name__)


@bp.post("/courses/<course_id>/copy")
def copy(course_id: str) -> Response:
    """Copy a course; whoever does so teaches the copy."""
    course = course_or_404(course_id)
    person, _ = member_or_403(course_id, "instructor")
    check_csrf()
    title = request.form.get("title", "").strip() or f"{course['title']} (copy)"
    copy_id = f"ctx-{secrets.token_hex(6)}"
    with platform().store.write() as db:
        db.execute("INSERT INTO courses VALUES (?, ?, ?)", (copy_id, course["label"], title))
        db.execute("INSERT INTO enrolments VALUES (?, ?, 'instructor', 1)", (copy_id, person["sub"]))
        note_copy(db, copy_id, course_id)
        _copy_items(db, course_id, copy_id, _copy_links(db, course_id, copy_id))
    return redirect(url_for("courses.course_page", course_id=copy_id))


def _copy_links(db: sqlite3.Connection, course_id: str, copy_id: str) -> dict[str, str]:
    """The new links' ids by the old ones: a resource link's id changes on copy."""
    new_ids = {}
    for link in db.execute("SELECT * FROM links WHERE course_id = ? ORDER BY position", (course_id,)).fetchall():
        new_ids[link["id"]] = new_id = str(uuid.uuid4())
        custom = json.loads(link["custom"])
        insert_link(db, new_id, copy_id, link["tool_id"], link["title"], custom, link["url"], link["dates"])
        note_copy(db, new_id, link["id"])
    return new_ids


def _copy_items(db: sqlite3.Connection, course_id: str, copy_id: str, links: dict[str, str]) -> None:
    for item in db.execute("SELECT * FROM line_items WHERE course_id = ? ORDER BY id", (course_id,)).fetchall():
        db.execute(
            "INSERT INTO line_items"
            " (course_id, tool_id, label, score_maximum, resource_id, tag, link_id, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(copy_id, item["tool_id"], item["label"], item["score_maximum"], item["resource_id"]),
                *(item["tag"], links.get(item["link_id"]), item["document"]),
            ),
        )
