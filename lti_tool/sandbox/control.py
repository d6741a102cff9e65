"""The control API for tests. It exists only when the process was started with a control token."""

import hmac
import json
import sqlite3
import uuid
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from lti_tool.sandbox.claims import PRIVACY
from lti_tool.sandbox.gradebook import override
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.platform import offer_storage, platform
from lti_tool.sandbox.vocabulary import ROLE_NAMES

bp = Blueprint("control", __name__, url_prefix="/control")


@bp.before_request
def check_token() -> None:
    expected = platform().settings.control_token or ""
    if not hmac.compare_digest(request.headers.get("X-Control-Token", ""), expected):
        abort(403, "X-Control-Token is missing or wrong")


@bp.errorhandler(ValueError)
@bp.errorhandler(KeyError)
@bp.errorhandler(sqlite3.IntegrityError)
def explain(error: Exception) -> tuple[Response, int]:
    return jsonify(error=f"{type(error).__name__}: {error}"), 400


@bp.post("/faults")
def set_faults() -> Response:
    """Replace the standing faults by a JSON list; see ``faults.Fault`` for their members."""
    platform().faults.replace(request.get_json())
    return jsonify(platform().faults.describe())


@bp.delete("/faults")
def clear_faults() -> Response:
    platform().faults.replace([])
    return jsonify([])


@bp.put("/storage")
def set_storage() -> Response:
    """``{"storage": <one of offers.Storage>}``"""
    offer_storage(Storage(request.get_json()["storage"]))
    return jsonify(storage=platform().storage)


@bp.get("/scores")
def scores() -> Response:
    """Every score that arrived, oldest first."""
    rows = platform().store.rows("SELECT * FROM score_log ORDER BY id")
    return jsonify([{**dict(row), "payload": _json_or_text(row["payload"])} for row in rows])


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@bp.post("/grades")
def set_grades() -> Response:
    """Let a person set grades by hand: ``[{"item", "sub", "by", "score", "comment"?}]``, all at once."""
    asked = request.get_json()
    with platform().store.write() as db:
        for one in asked:
            override(db, (one["item"], one["sub"]), one["by"], one["score"], one.get("comment"))
    return jsonify(len(asked))


@bp.post("/people")
def change_people() -> Response:
    """Apply one change or a list of changes; answers the subs of the people concerned, in order.

    ``{"action": "add", "course", "name", "role"?, "sub"?, "email"?, "tz"?}``
    ``{"action": "leave" | "return", "course", "sub"}``
    ``{"action": "role", "course", "sub", "role"}``
    ``{"action": "rename", "sub", "name"}``
    """
    asked = request.get_json()
    changes = asked if isinstance(asked, list) else [asked]
    with platform().store.write() as db:
        return jsonify([_ACTIONS[change["action"]](db, change) for change in changes])


def _add(db: sqlite3.Connection, change: dict[str, Any]) -> str:
    sub, name, role = change.get("sub") or str(uuid.uuid4()), change["name"], change.get("role", "learner")
    given, _, family = name.partition(" ")
    db.execute(
        "INSERT INTO people (sub, name, given_name, family_name, email, locale, tz)"
        " VALUES (?, ?, ?, ?, ?, 'en-GB', ?)",
        (sub, name, given, family, change.get("email"), change.get("tz", "Europe/London")),
    )
    db.execute("INSERT INTO enrolments VALUES (?, ?, ?, 1)", (change["course"], sub, role))
    return str(sub)


def _set_active(db: sqlite3.Connection, change: dict[str, Any]) -> str:
    return _update(
        db,
        change,
        "UPDATE enrolments SET active = ? WHERE course_id = ? AND sub = ?",
        (change["action"] == "return", change["course"], change["sub"]),
    )


def _set_role(db: sqlite3.Connection, change: dict[str, Any]) -> str:
    if change["role"] not in ROLE_NAMES:
        raise ValueError(f"unknown role; known: {', '.join(ROLE_NAMES)}")
    return _update(
        db,
        change,
        "UPDATE enrolments SET role = ? WHERE course_id = ? AND sub = ?",
        (change["role"], change["course"], change["sub"]),
    )


def _rename(db: sqlite3.Connection, change: dict[str, Any]) -> str:
    given, _, family = change["name"].partition(" ")
    return _update(
        db,
        change,
        "UPDATE people SET name = ?, given_name = ?, family_name = ? WHERE sub = ?",
        (change["name"], given, family, change["sub"]),
    )


def _update(db: sqlite3.Connection, change: dict[str, Any], sql: str, values: tuple[object, ...]) -> str:
    if not db.execute(sql, values).rowcount:
        raise ValueError(f"nobody like that: {change}")
    return str(change["sub"])


_ACTIONS = {"add": _add, "leave": _set_active, "return": _set_active, "role": _set_role, "rename": _rename}


@bp.post("/tools")
def change_tool() -> Response:
    """What an administrator may set for a tool: ``{"client_id", "privacy"?, "known_only"?}``.

    ``privacy`` is a key of ``claims.PRIVACY``. ``known_only``: the roster lists only who has opened the tool.
    """
    asked = request.get_json()
    if asked.get("privacy", "public") not in PRIVACY:
        raise ValueError(f"unknown privacy; known: {', '.join(PRIVACY)}")
    with platform().store.write() as db:
        for name in ("privacy", "known_only"):
            if name in asked:
                query = f"UPDATE tools SET {name} = ? WHERE client_id = ?"  # noqa: S608  a name from above
                db.execute(query, (asked[name], asked["client_id"]))
    return jsonify(asked)


@bp.get("/state")
def state() -> Response:
    """Everything a test may want to compare with what the tool believes."""
    return jsonify(
        courses={
            str(course["id"]): {
                **dict(course),
                "people": _people(course["id"]),
                "items": _items(course["id"]),
            }
            for course in platform().store.rows("SELECT * FROM courses ORDER BY id")
        },
        tools=[dict(row) for row in platform().store.rows("SELECT * FROM tools ORDER BY id")],
        links=[dict(row) for row in platform().store.rows("SELECT * FROM links ORDER BY course_id, position")],
        overrides=[dict(row) for row in platform().store.rows("SELECT * FROM overrides ORDER BY id")],
        faults=platform().faults.describe(),
        calls=dict(platform().faults.calls),
    )


def _people(course_id: str) -> list[dict[str, Any]]:
    rows = platform().store.rows(
        "SELECT sub, name, email, tz, test_user, role, active FROM people JOIN enrolments USING (sub)"
        " WHERE course_id = ? ORDER BY sub",
        course_id,
    )
    return [{**dict(row), "active": bool(row["active"]), "test_user": bool(row["test_user"])} for row in rows]


def _items(course_id: str) -> list[dict[str, Any]]:
    items = platform().store.rows("SELECT * FROM line_items WHERE course_id = ? ORDER BY id", course_id)
    return [
        {
            **dict(item),
            "grades": {
                grade["sub"]: dict(grade)
                for grade in platform().store.rows("SELECT * FROM grades WHERE item_id = ?", item["id"])
            },
        }
        for item in items
    ]
