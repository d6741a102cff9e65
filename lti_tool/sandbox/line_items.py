"""Line items.

Source: Assignment and Grade Services 2.0, section 3.2 (https://www.imsglobal.org/spec/lti-ags/v2p0).
"""

import json
import sqlite3
from typing import Any

from flask import Blueprint, Response, request, url_for

from lti_tool.sandbox.figures import as_number
from lti_tool.sandbox.platform import platform
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.routes import served_at
from lti_tool.sandbox.services import (
    Page,
    asked_page,
    body_object,
    caller,
    json_response,
    paged,
    require_accept,
    require_content,
    service,
)
from lti_tool.sandbox.times import parse_moment
from lti_tool.sandbox.vocabulary import MEDIA_ITEM, MEDIA_ITEMS, SCOPE_ITEMS, SCOPE_ITEMS_READ

bp = Blueprint("line_items", __name__)
STORED_IN_COLUMNS = ("id", "label", "scoreMaximum", "resourceId", "tag", "resourceLinkId")
OTHERS = ("startDateTime", "endDateTime", "gradesReleased", "submissionReview")


def item_url(item: sqlite3.Row, ending: str = "") -> str:
    """The address of a line item, or of its scores or results. The query string belongs to it."""
    path = url_for("line_items.read_item", course_id=item["course_id"], item_id=item["id"])
    return platform().settings.base_url + path + ending + item_query(item["tool_id"])


def item_query(tool_id: int | None) -> str:
    """What addresses of line items end in, on the LMSs that have it."""
    return f"?type_id={tool_id}" if platform().lms.item_query else ""


def represent(item: sqlite3.Row) -> dict[str, Any]:
    members = {
        "id": item_url(item),
        "label": item["label"],
        "scoreMaximum": item["score_maximum"],
        "resourceId": item["resource_id"],
        "tag": item["tag"],
        "resourceLinkId": item["link_id"],
    }
    extras: dict[str, Any] = json.loads(item["document"])
    if item["tool_id"] is None:
        extras |= platform().lms.foreign_column or {}
    return {name: value for name, value in members.items() if value is not None} | extras


def check_query() -> None:
    """The query string of our addresses must come back; it stays for scores and results."""
    if platform().lms.item_query and request.args.get("type_id") != str(caller()["id"]):
        raise ServiceError(404, "this address lost its query string, or belongs to another tool")


def own_item(course_id: str, item_id: int) -> sqlite3.Row:
    """A line item of the calling tool; others do not exist for it, except where it may read the instructors' own."""
    check_query()
    item = platform().store.row(
        "SELECT * FROM line_items WHERE id = ? AND course_id = ? AND (tool_id = ? OR (? AND tool_id IS NULL))",
        *(item_id, course_id, caller()["id"], platform().lms.foreign_column is not None),
    )
    if item is None:
        raise ServiceError(404, "there is no such line item of this tool")
    if item["tool_id"] is None and request.method != "GET":
        raise ServiceError(403, "this line item is read-only")
    return item


@served_at(bp, "line_items")
@service("lineitems", SCOPE_ITEMS, SCOPE_ITEMS_READ)
def list_items(course_id: str) -> Response:
    check_query()
    require_accept(MEDIA_ITEMS)
    page = asked_page(0, (*platform().lms.link_filters, "resource_id", "tag"))
    items, headers = paged(_items_after(course_id, page), page, lambda item: int(item["id"]))
    response = json_response([represent(item) for item in items], MEDIA_ITEMS)
    response.headers.update(headers)
    return response


def _items_after(course_id: str, page: Page) -> list[sqlite3.Row]:
    lms, filters = platform().lms, page.filters
    link_id = next((filters[name] for name in lms.link_filters if name in filters), None)
    return platform().store.rows(
        "SELECT * FROM line_items WHERE course_id = ? AND (tool_id = ? OR (? AND tool_id IS NULL)) AND id > ?"
        " AND (? IS NULL OR link_id = ?) AND (? IS NULL OR resource_id = ?) AND (? IS NULL OR tag = ?)"
        " ORDER BY id",
        *(course_id, caller()["id"], lms.foreign_column is not None, page.after),
        *(value for value in (link_id, filters.get("resource_id"), filters.get("tag")) for _ in range(2)),
    )


@served_at(bp, "line_items", methods=("POST",))
@service("lineitems", SCOPE_ITEMS)
def create_item(course_id: str) -> Response:
    check_query()
    require_content(MEDIA_ITEM)
    body = checked_item(body_object())
    platform().lms.check_new_item(body)
    if platform().store.row("SELECT 1 FROM courses WHERE id = ?", course_id) is None:
        raise ServiceError(404, "there is no such course")
    _check_link(course_id, body.get("resourceLinkId"))
    with platform().store.write() as db:
        item_id = insert_item(db, course_id, caller()["id"], body, body.get("resourceLinkId"))
    item = own_item(course_id, item_id)
    response = json_response(represent(item), MEDIA_ITEM, 201)
    response.headers["Location"] = item_url(item)
    return response


def insert_item(
    db: sqlite3.Connection, course_id: str, tool_id: int, body: dict[str, Any], link_id: str | None
) -> int:
    """Store a checked line item; its id."""
    item_id = db.execute(
        "INSERT INTO line_items"
        " (course_id, tool_id, label, score_maximum, resource_id, tag, link_id, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(course_id, tool_id, body["label"], body["scoreMaximum"], body.get("resourceId")),
            *(body.get("tag"), link_id, _document(body)),
        ),
    ).lastrowid
    assert item_id is not None  # noqa: S101  an INSERT always sets it
    return item_id


def _check_link(course_id: str, link_id: str | None) -> None:
    if link_id is not None and not platform().store.row(
        "SELECT 1 FROM links WHERE id = ? AND course_id = ? AND tool_id = ?",
        link_id,
        course_id,
        caller()["id"],
    ):
        raise ServiceError(404, "resourceLinkId is not a link of this tool in this course")


@served_at(bp, "line_item")
@service("lineitems", SCOPE_ITEMS, SCOPE_ITEMS_READ)
def read_item(course_id: str, item_id: int) -> Response:
    require_accept(MEDIA_ITEM)
    return json_response(represent(own_item(course_id, item_id)), MEDIA_ITEM)


@served_at(bp, "line_item", methods=("PUT",))
@service("lineitems", SCOPE_ITEMS)
def replace_item(course_id: str, item_id: int) -> Response:
    """Replace the whole definition; another maximum rescales the stored grades."""
    require_content(MEDIA_ITEM)
    item = own_item(course_id, item_id)
    body = checked_item(body_object())
    platform().lms.check_changed_item(body)
    if body.get("id", item_url(item)) != item_url(item) or body.get("resourceLinkId") != item["link_id"]:
        raise ServiceError(400, "id and resourceLinkId cannot be changed")
    with platform().store.write() as db:
        db.execute(
            "UPDATE line_items SET label = ?, score_maximum = ?, resource_id = ?, tag = ?, document = ? WHERE id = ?",
            (
                *(body["label"], body["scoreMaximum"], body.get("resourceId"), body.get("tag")),
                *(_document(body), item_id),
            ),
        )
        db.execute(
            "UPDATE grades SET score = score * ?2 / ?3 WHERE item_id = ?1 AND ?2 != ?3",
            (item_id, float(body["scoreMaximum"]), item["score_maximum"]),
        )
    return json_response(represent(own_item(course_id, item_id)), MEDIA_ITEM)


@served_at(bp, "line_item", methods=("DELETE",))
@service("lineitems", SCOPE_ITEMS)
def delete_item(course_id: str, item_id: int) -> Response:
    item = own_item(course_id, item_id)
    with platform().store.write() as db:
        db.execute("DELETE FROM line_items WHERE id = ?", (item["id"],))
    return Response(status=204)


def _document(body: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in body.items() if name not in STORED_IN_COLUMNS})


def checked_item(body: dict[str, Any]) -> dict[str, Any]:
    """The line item if every member keeps its rule; members that are null count as absent."""
    body = {name: value for name, value in body.items() if value is not None}
    if not isinstance(body.get("label"), str) or not body["label"].strip():
        raise ServiceError(400, "label must be a text that is not blank")
    if (as_number(body.get("scoreMaximum")) or 0) <= 0:
        raise ServiceError(400, "scoreMaximum must be a number above 0")
    for name in ("id", "resourceId", "tag", "resourceLinkId"):
        if not isinstance(body.get(name, ""), str):
            raise ServiceError(400, f"{name} must be a text")
    if not isinstance(body.get("gradesReleased", True), bool):
        raise ServiceError(400, "gradesReleased must be true or false")
    _check_period(body)
    for name in body:
        if name not in STORED_IN_COLUMNS + OTHERS and "://" not in name:
            raise ServiceError(400, f"{name} is not a member of a line item; name an extension by a full URL")
    return body


def _check_period(body: dict[str, Any]) -> None:
    try:
        moments = [parse_moment(body[name]) for name in ("startDateTime", "endDateTime") if name in body]
    except ValueError as error:
        raise ServiceError(400, str(error)) from error
    if len(moments) == 2 and moments[0] > moments[1]:
        raise ServiceError(400, "endDateTime lies before startDateTime")
