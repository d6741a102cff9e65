"""Login and launch: the platform's half of OpenID Connect.

Source: 1EdTech Security Framework 1.0, section 5.1 (https://www.imsglobal.org/spec/security/v1p0).
"""

import json
import secrets
import sqlite3
import time
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from lti_tool.sandbox.claims import course_claims, message_claims, security_claims
from lti_tool.sandbox.line_items import item_url
from lti_tool.sandbox.messages import AuthorizationError, other_message, roles_of
from lti_tool.sandbox.platform import course_or_404, platform
from lti_tool.sandbox.routes import served_at
from lti_tool.sandbox.session import admin_or_403, person_or_401, role_in, signed_in
from lti_tool.sandbox.vocabulary import AGS_CLAIM, CLAIM

bp = Blueprint("launch", __name__)
HINT_LIFETIME = 600  # seconds


@bp.get("/launch/<link_id>")
def start_from_course(link_id: str) -> Response | str:
    """Third-party initiated login from a link in a course."""
    person = person_or_401()
    link = platform().store.row("SELECT * FROM links WHERE id = ?", link_id) or abort(404)
    if role_in(link["course_id"], person) is None:
        abort(403, "You are not a member of this course.")
    return start(person, link["tool_id"], link_id, target_link_uri=link["url"])


@bp.get("/launch/site/<int:tool_id>")
def start_from_site(tool_id: int) -> Response | str:
    """The same from the administrator's page, outside any course."""
    return start(admin_or_403(), tool_id, None)


def start(
    person: sqlite3.Row,
    tool_id: int,
    link_id: str | None,
    *,
    target_link_uri: str | None = None,
    message: dict[str, str] | None = None,
) -> Response | str:
    """Begin a login. ``message`` says what the launch is, where it is not the opening of a link."""
    here, tool = platform(), _tool_by_id(tool_id)
    target = "window" if request.args.get("target") == "window" else "iframe"
    hint, now = secrets.token_urlsafe(24), time.time()
    with here.store.write() as db:
        db.execute("DELETE FROM hints WHERE expires_at < ?", (now,))
        if here.lms.one_launch_at_a_time:
            db.execute("DELETE FROM hints WHERE sub = ?", (person["sub"],))
        db.execute(
            "INSERT INTO hints VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(hint, person["sub"], tool_id, link_id, target, now + HINT_LIFETIME),
                json.dumps(message) if message else None,
            ),
        )
    fields = {
        "iss": here.settings.issuer,
        "login_hint": person["sub"],
        "target_link_uri": target_link_uri or tool["target_link_uri"],
        "lti_message_hint": hint,
        "client_id": tool["client_id"],
        "lti_deployment_id": tool["deployment_id"],
    }
    fields = here.lms.login(fields)
    if here.storage.target:
        fields["lti_storage_target"] = here.storage.target
    if request.args.get("method") == "get":
        return redirect(_with_query(tool["login_url"], fields))
    return render_template("sandbox/post.html", action=tool["login_url"], fields=fields)


def _with_query(url: str, fields: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _tool_by_id(tool_id: int) -> sqlite3.Row:
    return platform().store.row("SELECT * FROM tools WHERE id = ?", tool_id) or abort(404)


@served_at(bp, "auth", methods=("GET", "POST"))
def authorize() -> str:
    """The authorization endpoint. What cannot be trusted to reach the tool ends in a page of our own."""
    asked = request.values
    tool = platform().store.row("SELECT * FROM tools WHERE client_id = ?", asked.get("client_id"))
    if tool is None:
        abort(400, "The tool sent a client_id that is not registered here.")
    if not platform().lms.is_registered(asked.get("redirect_uri", ""), json.loads(tool["redirect_uris"])):
        abort(400, "The tool asked for an answer at a redirect_uri that is not registered for it.")
    try:
        fields = {"id_token": _id_token(tool, asked)}
    except AuthorizationError as refusal:
        fields = {"error": refusal.code, "error_description": refusal.description}
    if asked.get("state"):
        fields["state"] = asked["state"]
    return render_template("sandbox/post.html", action=asked["redirect_uri"], fields=fields)


def _id_token(tool: sqlite3.Row, asked: MultiDict[str, str]) -> str:
    _check_request(asked)
    person = signed_in()
    if person is None:
        raise AuthorizationError("login_required", "nobody is signed in to the platform")
    if asked.get("login_hint") != person["sub"]:
        raise AuthorizationError("login_required", "login_hint names somebody who is not signed in")
    hint = platform().store.row(
        "SELECT * FROM hints WHERE hint = ? AND sub = ? AND tool_id = ? AND expires_at > ?",
        *(asked.get("lti_message_hint"), person["sub"], tool["id"], time.time()),
    )
    lms = platform().lms
    if hint is None:
        code = lms.spent_hint or "invalid_request"
        raise AuthorizationError(code, "lti_message_hint is missing, spent, expired or not this person's")
    signed = _signed_launch(tool, person, hint, asked["nonce"])
    with platform().store.write() as db:
        if lms.spent_hint:
            db.execute("DELETE FROM hints WHERE hint = ?", (hint["hint"],))
        db.execute("INSERT OR IGNORE INTO arrivals VALUES (?, ?)", (tool["id"], person["sub"]))
    return signed


def _check_request(asked: MultiDict[str, str]) -> None:
    if "openid" not in asked.get("scope", "").split():
        raise AuthorizationError("invalid_scope", "scope must be openid")
    if asked.get("response_type") != "id_token":
        raise AuthorizationError("unsupported_response_type", "response_type must be id_token")
    if asked.get("response_mode") != "form_post":
        raise AuthorizationError("invalid_request", "response_mode must be form_post")
    if asked.get("prompt") != "none":
        raise AuthorizationError("invalid_request", "prompt must be none")
    for parameter in ("state", "nonce"):
        if not asked.get(parameter):
            raise AuthorizationError("invalid_request", f"{parameter} is missing")


def _signed_launch(tool: sqlite3.Row, person: sqlite3.Row, hint: sqlite3.Row, nonce: str) -> str:
    here, target = platform(), hint["document_target"]
    claims = security_claims(here.settings, tool, person, nonce, int(time.time()))
    if hint["message"] is not None:
        claims |= other_message(tool, person, target, json.loads(hint["message"]))
        return here.key.sign(here.lms.claims(claims))
    if hint["link_id"] is None:
        claims |= message_claims(here.settings, tool, person, here.lms.admin_roles, target, "/admin/tools")
        claims[f"{CLAIM}resource_link"] = {"id": f"site-{tool['id']}", "title": tool["name"]}
        return here.key.sign(here.lms.claims(claims))
    link = here.store.row("SELECT * FROM links WHERE id = ?", hint["link_id"]) or abort(404)
    course = course_or_404(link["course_id"])
    role = role_in(course["id"], person)
    if role is None:
        raise AuthorizationError("access_denied", "this person is no longer a member of the course")
    claims |= message_claims(here.settings, tool, person, roles_of(role, person), target, f"/courses/{course['id']}")
    claims |= course_claims(here.settings, tool, person, course, link)
    if link["url"]:
        claims[f"{CLAIM}target_link_uri"] = link["url"]
    items = here.store.rows("SELECT * FROM line_items WHERE link_id = ? LIMIT 2", link["id"])
    if len(items) == 1:
        claims[AGS_CLAIM]["lineitem"] = item_url(items[0])
    return here.key.sign(here.lms.claims(claims))
