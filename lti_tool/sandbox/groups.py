"""Course Groups Service 1.0 (https://www.imsglobal.org/spec/lti-gs/v1p0), on an LMS that has it.

Groups have numbers here and sets have names of their own: the standard leaves both open.
"""

import sqlite3
from typing import Any

from flask import Blueprint, Response, request, url_for

from lti_tool.sandbox.platform import platform
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.routes import served_at
from lti_tool.sandbox.services import asked_page, json_response, paged, require_accept, service
from lti_tool.sandbox.vocabulary import MEDIA_GROUP_SETS, MEDIA_GROUPS, SCOPE_GROUPS

bp = Blueprint("groups", __name__)


@served_at(bp, "groups")
@service("groups", SCOPE_GROUPS)
def groups(course_id: str) -> Response:
    """The groups of a course in pages; with `user_id` those that one person is in."""
    _require(course_id)
    require_accept(MEDIA_GROUPS)
    page = asked_page(0, ("user_id",), platform().lms.roster_page)
    rows = platform().store.rows(
        "SELECT * FROM course_groups WHERE course_id = ? AND id > ?"
        " AND (? IS NULL OR id IN (SELECT group_id FROM group_members WHERE sub = ?)) ORDER BY id",
        *(course_id, page.after, page.filters.get("user_id"), page.filters.get("user_id")),
    )
    shown, headers = paged(rows, page, lambda row: int(row["id"]))
    response = json_response({"id": _here(), "groups": [_group(row) for row in shown]}, MEDIA_GROUPS)
    response.headers.update(headers)
    return response


@served_at(bp, "group_sets")
@service("groups", SCOPE_GROUPS)
def group_sets(course_id: str) -> Response:
    """The sets of groups of a course in pages."""
    _require(course_id)
    require_accept(MEDIA_GROUP_SETS)
    page = asked_page("", (), platform().lms.roster_page)
    rows = platform().store.rows(
        "SELECT * FROM group_sets WHERE course_id = ? AND id > ? ORDER BY id", course_id, page.after
    )
    shown, headers = paged(rows, page, lambda row: str(row["id"]))
    sets = [{"id": row["id"], "name": row["name"]} for row in shown]
    response = json_response({"id": _here(), "sets": sets}, MEDIA_GROUP_SETS)
    response.headers.update(headers)
    return response


def group_claim(course_id: str) -> dict[str, Any]:
    """Where the groups of a course are, as a launch tells it."""
    base = platform().settings.base_url
    return {
        "context_groups_url": base + url_for("groups.groups", course_id=course_id),
        "context_group_sets_url": base + url_for("groups.group_sets", course_id=course_id),
        "scope": [SCOPE_GROUPS],
        "service_versions": ["1.0"],
    }


def enrolments_of(course_id: str) -> dict[str, list[dict[str, str]]]:
    """The member `group_enrollments` of the roster, by person."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in platform().store.rows(
        "SELECT sub, group_id FROM group_members JOIN course_groups ON course_groups.id = group_id"
        " WHERE course_id = ? ORDER BY group_id",
        course_id,
    ):
        found.setdefault(row["sub"], []).append({"group_id": str(row["group_id"])})
    return found


def _require(course_id: str) -> None:
    if platform().store.row("SELECT 1 FROM courses WHERE id = ?", course_id) is None:
        raise ServiceError(404, "there is no such course")


def _here() -> str:
    return platform().settings.base_url + request.path


def _group(row: sqlite3.Row) -> dict[str, Any]:
    in_set = {"set_id": row["set_id"]} if row["set_id"] else {}
    return {"id": row["id"], "name": row["name"], **in_set}
