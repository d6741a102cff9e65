"""Names and Role Provisioning Services 2.0 (https://www.imsglobal.org/spec/lti-nrps/v2p0)."""

import sqlite3
from typing import Any

from flask import Blueprint, Response, request

from lti_tool.sandbox.claims import identity_claims, resolve_custom
from lti_tool.sandbox.groups import enrolments_of
from lti_tool.sandbox.platform import platform
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.routes import served_at
from lti_tool.sandbox.services import (
    Page,
    accepts,
    asked_page,
    caller,
    json_response,
    paged,
    service,
)
from lti_tool.sandbox.vocabulary import CLAIM, MEDIA_ROSTER, MEMBERSHIP, SCOPE_ROSTER

bp = Blueprint("roster", __name__)


@served_at(bp, "memberships")
@service("memberships", SCOPE_ROSTER)
def memberships(course_id: str) -> Response:
    """The active members of a course in pages; people who have left are absent."""
    lms, store = platform().lms, platform().store
    course = store.row("SELECT * FROM courses WHERE id = ?", course_id)
    if course is None:
        raise ServiceError(404, "there is no such course")
    page = asked_page("", ("role", "rlid", "groups"), lms.roster_page)
    link = _asked_link(course_id, page)
    told = enrolments_of(course_id) if lms.addresses.groups and page.filters.get("groups") == "true" else None
    rows, headers = paged(_members_after(course_id, page), page, lambda row: str(row["sub"]))
    container = {
        "id": platform().settings.base_url + request.path,
        "context": {"id": course_id, "label": course["label"], "title": course["title"]},
        "members": [_member(row, course, link, told) for row in rows],
    }
    response = json_response(*lms.roster(container, accepted=accepts(MEDIA_ROSTER)))
    response.headers.update(headers)
    return response


def _asked_link(course_id: str, page: Page) -> sqlite3.Row | None:
    if "rlid" not in page.filters:
        return None
    link = platform().store.row(
        "SELECT * FROM links WHERE id = ? AND course_id = ? AND tool_id = ?",
        *(page.filters["rlid"], course_id, caller()["id"]),
    )
    if link is None:
        raise ServiceError(404, "rlid is not a resource link of this tool in this course")
    return link


def _members_after(course_id: str, page: Page) -> list[sqlite3.Row]:
    """The members after the page's key: one more than a page holds, unless a role has to be filtered."""
    wanted = page.filters.get("role")
    count = -1 if wanted or page.limit is None else page.limit + 1
    rows = platform().store.rows(
        "SELECT people.*, role FROM people JOIN enrolments USING (sub)"
        " WHERE course_id = ? AND active AND enrolments.sub > ?"
        " AND (NOT ? OR sub IN (SELECT sub FROM arrivals WHERE tool_id = ?)) ORDER BY enrolments.sub LIMIT ?",
        *(course_id, page.after, caller()["known_only"], caller()["id"], count),
    )
    return [row for row in rows if wanted is None or _has_role(row, wanted)]


def _roles(row: sqlite3.Row) -> list[str]:
    return platform().lms.roles(row["role"], test_user=bool(row["test_user"]))


def _has_role(row: sqlite3.Row, wanted: str) -> bool:
    """Context roles may be given by their short name (section 2.4.1)."""
    return wanted in _roles(row) or f"{MEMBERSHIP}#{wanted}" in _roles(row)


def _member(
    row: sqlite3.Row, course: sqlite3.Row, link: sqlite3.Row | None, groups: dict[str, list[dict[str, str]]] | None
) -> dict[str, Any]:
    member = {
        "status": "Active",
        "user_id": row["sub"],
        "roles": _roles(row),
        **identity_claims(row, caller()["privacy"]),
    }
    if link is not None:
        member["message"] = [
            {
                f"{CLAIM}message_type": "LtiResourceLinkRequest",
                f"{CLAIM}custom": resolve_custom(platform().lms, row, course, link),
                "locale": row["locale"],
            }
        ]
    if groups is not None:
        member["group_enrollments"] = groups.get(row["sub"], [])
    return platform().lms.member(member)
