"""The gradebook that people see, and the grades that they set by hand."""

import math
import sqlite3

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lti_tool.sandbox.platform import course_or_404, gradable_learners, is_gradable, person_of, platform
from lti_tool.sandbox.session import check_csrf, member_or_403
from lti_tool.sandbox.times import now_text

bp = Blueprint("gradebook", __name__)


def _columns(course_id: str) -> list[sqlite3.Row]:
    return platform().store.rows(
        "SELECT line_items.*, tools.name AS tool_name FROM line_items LEFT JOIN tools ON tools.id = tool_id"
        " WHERE course_id = ? ORDER BY line_items.id",
        course_id,
    )


@bp.get("/courses/<course_id>/gradebook")
def grid(course_id: str) -> str:
    """Learners × columns; ``?edit=<item>.<sub>`` opens one cell for typing."""
    course = course_or_404(course_id)
    _, role = member_or_403(course_id, "instructor", "ta", "admin")
    grades = platform().store.rows(
        "SELECT grades.*, people.name AS by_name FROM grades JOIN line_items ON line_items.id = item_id"
        " LEFT JOIN people ON people.sub = overridden_by WHERE course_id = ?",
        course_id,
    )
    return render_template(
        "sandbox/gradebook.html",
        course=course,
        role=role,
        columns=_columns(course_id),
        here="gradebook",
        learners=gradable_learners(course_id),
        cells={(grade["item_id"], grade["sub"]): grade for grade in grades},
        edited=request.args.get("edit") if role == "instructor" else None,
    )


@bp.get("/courses/<course_id>/grades")
def own_grades(course_id: str) -> str:
    """A learner's own grades, and nobody else's."""
    course = course_or_404(course_id)
    person, role = member_or_403(course_id, "learner")
    grades = platform().store.rows(
        "SELECT grades.*, people.name AS by_name FROM grades LEFT JOIN people ON people.sub = overridden_by"
        " WHERE grades.sub = ?",
        person["sub"],
    )
    return render_template(
        "sandbox/grades.html",
        course=course,
        role=role,
        columns=_columns(course_id),
        here="grades",
        cells={grade["item_id"]: grade for grade in grades},
    )


@bp.post("/courses/<course_id>/gradebook/<int:item_id>/<sub>")
def set_grade(course_id: str, item_id: int, sub: str) -> Response:
    """A grade by a person: it replaces what a tool sent, and who and when is kept."""
    course_or_404(course_id)
    person, _ = member_or_403(course_id, "instructor")
    check_csrf()
    item = platform().store.row("SELECT * FROM line_items WHERE id = ? AND course_id = ?", item_id, course_id)
    if item is None or person_of(sub) is None:
        abort(404)
    if not is_gradable(course_id, sub):
        abort(400, "This person is not a learner who can be graded in this course.")
    score = _typed_score(request.form.get("score", ""))
    comment = request.form.get("comment", "").strip() or None
    with platform().store.write() as db:
        override(db, (item_id, sub), person["sub"], score, comment)
    return redirect(url_for("gradebook.grid", course_id=course_id, _anchor=f"c{item_id}.{sub}"))


def _typed_score(text: str) -> float | None:
    """An empty field is no grade; a comma may stand for the point."""
    if not text.strip():
        return None
    try:
        score = float(text.strip().replace(",", "."))
    except ValueError:
        score = math.nan
    if not 0 <= score < math.inf:
        abort(400, f"“{text}” is not a grade. Type a number of 0 or more, or leave the field empty.")
    return score


def override(
    db: sqlite3.Connection, cell: tuple[int, str], by_sub: str, score: float | None, comment: str | None
) -> None:
    """Set a grade by hand, and keep who did it and what was there; nothing where it says the same already."""
    before = db.execute("SELECT * FROM grades WHERE item_id = ? AND sub = ?", cell).fetchone()
    score_before, comment_before = (before["score"], before["comment"]) if before else (None, None)
    if (score_before, comment_before) == (score, comment):
        return
    at = now_text()
    db.execute("INSERT OR IGNORE INTO grades (item_id, sub) VALUES (?, ?)", cell)
    db.execute(
        "UPDATE grades SET score = ?, comment = ?, overridden_by = ?, overridden_at = ?"
        " WHERE item_id = ? AND sub = ?",
        (score, comment, by_sub, at, *cell),
    )
    db.execute(
        "INSERT INTO overrides"
        " (item_id, sub, by_sub, at, score_before, score_after, comment_before, comment_after)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*cell, by_sub, at, score_before, score, comment_before, comment),
    )
