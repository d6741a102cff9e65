"""Adding content from a tool: the request, and the answer with which links and line items are made.

Source: Deep Linking 2.0 (https://www.imsglobal.org/spec/lti-dl/v2p0). What an answer asks for is made, twice if it
is asked for twice: it is for the tool to know what there is.
"""

import json
import secrets
import sqlite3
import time
import uuid
from typing import Any
from urllib.parse import urlencode

import jwt
from flask import Blueprint, abort, render_template, request, url_for
from werkzeug.wrappers import Response

from lti_tool.sandbox.courses import origin_of
from lti_tool.sandbox.launch import start
from lti_tool.sandbox.line_items import checked_item, insert_item
from lti_tool.sandbox.links import insert_link
from lti_tool.sandbox.platform import course_or_404, platform
from lti_tool.sandbox.refusals import OAuthError, ServiceError
from lti_tool.sandbox.session import member_or_403
from lti_tool.sandbox.times import parse_moment
from lti_tool.sandbox.tokens import key_sets
from lti_tool.sandbox.vocabulary import CLAIM, DL_CLAIM

bp = Blueprint("deep_linking", __name__)
LEEWAY = 60  # seconds
SWITCHES = {"yes": True, "no": False}


@bp.get("/courses/<course_id>/content/<int:tool_id>")
def choose(course_id: str, tool_id: int) -> str:
    """The page on which an instructor chooses in the tool. ``?multiple=no&line_items=no|unsaid&auto_create=yes``"""
    course = course_or_404(course_id)
    _, role = member_or_403(course_id, "instructor", "ta", "admin")
    tool = _tool(tool_id)
    address = f"{url_for('deep_linking.begin', course_id=course_id, tool_id=tool_id)}?{urlencode(request.args)}"
    return render_template(
        "sandbox/content.html",
        course=course,
        role=role,
        tool=tool,
        address=address,
        origin=origin_of(tool["target_link_uri"]),
        here="home",
    )


def _tool(tool_id: int) -> sqlite3.Row:
    return platform().store.row("SELECT * FROM tools WHERE id = ?", tool_id) or abort(404)


@bp.get("/launch/content/<course_id>/<int:tool_id>")
def begin(course_id: str, tool_id: int) -> Response | str:
    """Send the request; what is asked for stands in the query as on the page above."""
    person, _ = member_or_403(course_id, "instructor", "ta", "admin")
    _tool(tool_id)
    request_id = secrets.token_urlsafe(16)
    with platform().store.write() as db:
        db.execute(
            "INSERT INTO deep_linking (id, course_id, tool_id, sub, settings) VALUES (?, ?, ?, ?, ?)",
            (request_id, course_id, tool_id, person["sub"], json.dumps(_settings(course_id, request_id))),
        )
    return start(person, tool_id, None, message={"type": "deep_linking", "id": request_id})


def _settings(course_id: str, request_id: str) -> dict[str, Any]:
    asked = request.args
    settings: dict[str, Any] = {
        "deep_link_return_url": platform().settings.base_url
        + url_for("deep_linking.take", course_id=course_id, request_id=request_id),
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": SWITCHES.get(asked.get("multiple", ""), True),
        "auto_create": SWITCHES.get(asked.get("auto_create", ""), False),
        "data": f'{request_id}:{secrets.token_urlsafe(8)}\n"ü"',
    }
    if asked.get("line_items") != "unsaid":
        settings["accept_lineitem"] = SWITCHES.get(asked.get("line_items", ""), True)
    return settings | {name: asked[name] for name in ("title", "text") if name in asked}


@bp.post("/courses/<course_id>/content/<request_id>")
def take(course_id: str, request_id: str) -> tuple[str, int]:
    """The answer. Either all of it is kept or nothing, and the page says why."""
    course = course_or_404(course_id)
    row = platform().store.row("SELECT * FROM deep_linking WHERE id = ? AND course_id = ?", request_id, course_id)
    if row is None:
        abort(404)
    try:
        made = _take(row, _tool(row["tool_id"]), request.form.get("JWT", ""))
    except (ServiceError, OAuthError) as refusal:
        reason = refusal.reason if isinstance(refusal, ServiceError) else refusal.description
        return render_template("sandbox/content_taken.html", course=course, made=[], problem=reason), 400
    return render_template("sandbox/content_taken.html", course=course, made=made, problem=None), 200


def _take(row: sqlite3.Row, tool: sqlite3.Row, token: str) -> list[str]:
    """Make what the answer asks for; the titles of the links."""
    claims = _verified(tool, token)
    settings = json.loads(row["settings"])
    _check_message(claims, tool, settings)
    items = [_checked_link(item, tool) for item in _items(claims, settings)]
    with platform().store.write() as db:
        if not db.execute(
            "UPDATE deep_linking SET answered = 1 WHERE id = ? AND NOT answered", (row["id"],)
        ).rowcount:
            raise ServiceError(400, "this request has been answered already")
        for item in items:
            _make(db, row, item, takes_line_items=settings.get("accept_lineitem") is not False)
    return [item["title"] for item in items]


def _verified(tool: sqlite3.Row, token: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key_sets.key(tool["jwks_url"], str(header.get("kid"))),
            algorithms=["RS256"],
            audience=platform().settings.issuer,
            issuer=tool["client_id"],
            leeway=LEEWAY,
            options={"require": ["iss", "aud", "exp", "iat", "nonce"]},
        )
    except jwt.PyJWTError as error:
        raise ServiceError(400, f"the answer is not signed as it must be: {error}") from error
    _use_up(tool, str(claims["nonce"]))
    return claims


def _use_up(tool: sqlite3.Row, nonce: str) -> None:
    try:
        with platform().store.write() as db:
            db.execute("INSERT INTO assertions VALUES (?, ?)", (tool["client_id"], f"answer:{nonce}"))
    except sqlite3.IntegrityError:
        raise ServiceError(400, "this answer came before") from None


def _check_message(claims: dict[str, Any], tool: sqlite3.Row, settings: dict[str, Any]) -> None:
    expected = {
        f"{CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{CLAIM}version": "1.3.0",
        f"{CLAIM}deployment_id": tool["deployment_id"],
        f"{DL_CLAIM}data": settings.get("data"),
    }
    for name, value in expected.items():
        if claims.get(name) != value or (value is None and name in claims):
            raise ServiceError(400, f"the claim {name} must be {value!r}, it is {claims.get(name)!r}")
    if claims["iat"] > time.time() + LEEWAY:
        raise ServiceError(400, "iat lies in the future")


def _items(claims: dict[str, Any], settings: dict[str, Any]) -> list[dict[str, Any]]:
    items = claims.get(f"{DL_CLAIM}content_items", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServiceError(400, "content_items must be a list of objects")
    if len(items) > 1 and not settings["accept_multiple"]:
        raise ServiceError(400, "one link was asked for, several came")
    return items


def _checked_link(item: dict[str, Any], tool: sqlite3.Row) -> dict[str, Any]:
    if item.get("type") != "ltiResourceLink":
        raise ServiceError(400, f"a content item of type {item.get('type')!r} was not asked for")
    url, custom = item.get("url", tool["target_link_uri"]), item.get("custom", {})
    if not isinstance(url, str) or origin_of(url) != origin_of(tool["target_link_uri"]):
        raise ServiceError(400, f"{url!r} is not an address of this tool")
    if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
        raise ServiceError(400, "custom must hold texts")
    for name in ("available", "submission"):
        for moment in item.get(name, {}).values():
            _check_moment(name, moment)
    if "lineItem" in item:
        item["lineItem"] = checked_item({"label": item.get("title"), **item["lineItem"]})
    return {"title": tool["name"], **item, "url": url, "custom": custom}


def _check_moment(name: str, moment: Any) -> None:
    try:
        parse_moment(moment)
    except ValueError as error:
        raise ServiceError(400, f"{name}: {error}") from error


def _make(db: sqlite3.Connection, row: sqlite3.Row, item: dict[str, Any], *, takes_line_items: bool) -> None:
    link_id = str(uuid.uuid4())
    dates = json.dumps({name: item[name] for name in ("available", "submission") if name in item})
    insert_link(db, link_id, row["course_id"], row["tool_id"], item["title"], item["custom"], item["url"], dates)
    if takes_line_items and "lineItem" in item:
        insert_item(db, row["course_id"], row["tool_id"], item["lineItem"], link_id)
