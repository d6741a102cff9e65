"""The administrator's pages: registering a tool by hand, and opening it from the site."""

import json
import secrets
import sqlite3
import uuid
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from lti_tool.sandbox.courses import course_links, origin_of
from lti_tool.sandbox.links import insert_link
from lti_tool.sandbox.platform import course_or_404, platform
from lti_tool.sandbox.seed import FEEDBACK
from lti_tool.sandbox.session import admin_or_403, check_csrf

bp = Blueprint("admin", __name__, url_prefix="/admin")
URL_FIELDS = {"login_url": "Login URL", "target_link_uri": "Target link URI", "jwks_url": "JWKS URL"}


def _tool_or_404(client_id: str) -> sqlite3.Row:
    return platform().store.row("SELECT * FROM tools WHERE client_id = ?", client_id) or abort(404)


def _details(tool: sqlite3.Row) -> dict[str, Any]:
    """What the administrator carries over into the tool."""
    settings = platform().settings
    return {
        "name": tool["name"],
        "issuer": settings.issuer,
        "client_id": tool["client_id"],
        "deployment_id": tool["deployment_id"],
        "auth_url": settings.auth_url,
        "token_url": settings.token_url,
        "jwks_url": settings.jwks_url(tool["client_id"]),
        "audience": settings.lms.shown_audience,
    }


@bp.get("/tools")
def tools() -> str:
    admin_or_403()
    registered = platform().store.rows("SELECT * FROM tools ORDER BY id")
    return render_template(
        "sandbox/tools.html", tools=[(tool, _details(tool)) for tool in registered], problems=[], form={}
    )


@bp.get("/tools/<client_id>.json")
def tool_json(client_id: str) -> Response:
    admin_or_403()
    tool = _tool_or_404(client_id)
    links = platform().store.rows("SELECT id, course_id, title FROM links WHERE tool_id = ?", tool["id"])
    return jsonify(**_details(tool), resource_links=[dict(link) for link in links])


@bp.post("/tools")
def register() -> AnyResponse | tuple[str, int]:
    """Register a tool and place its link in every course."""
    admin_or_403()
    check_csrf()
    form = {name: value.strip() for name, value in request.form.items()}
    problems = _problems(form)
    if problems:
        return render_template("sandbox/tools.html", tools=[], problems=problems, form=form), 400
    client_id, _ = insert_tool(
        name=form["name"],
        login_url=form["login_url"],
        redirect_uris=form["redirect_uris"].split(),
        target_link_uri=form["target_link_uri"],
        jwks_url=form["jwks_url"],
        custom=platform().lms.custom,
    )
    return redirect(url_for("admin.tools", _anchor=client_id))


def _problems(form: dict[str, str]) -> list[str]:
    problems = [] if form.get("name") else ["Name: give the tool a name."]
    redirects = form.get("redirect_uris", "").split()
    if not redirects:
        problems.append("Redirect URIs: give at least one, each on a line of its own.")
    urls = [(label, form.get(name, "")) for name, label in URL_FIELDS.items()]
    urls += [("Redirect URIs", url) for url in redirects]
    return problems + [f"{label}: “{url}” is not an http or https address." for label, url in urls if not is_url(url)]


def is_url(text: str) -> bool:
    """Whether this is an http or https address."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def insert_tool(
    *,
    name: str,
    login_url: str,
    redirect_uris: list[str],
    target_link_uri: str,
    jwks_url: str,
    custom: dict[str, str],
    scopes: str | None = None,
    privacy: str = "public",
) -> tuple[str, str]:
    """Keep a tool and place its link in every course; answers its client id and deployment id."""
    client_id, deployment_id = secrets.token_hex(8), secrets.token_hex(4)
    with platform().store.write() as db:
        tool_id = db.execute(
            "INSERT INTO tools"
            " (client_id, deployment_id, name, login_url,"
            " redirect_uris, target_link_uri, jwks_url, asked_scopes, privacy)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(client_id, deployment_id, name, login_url),
                *(json.dumps(redirect_uris), target_link_uri, jwks_url, scopes, privacy),
            ),
        ).lastrowid
        assert tool_id is not None  # noqa: S101  an INSERT always sets it
        for course in db.execute("SELECT id FROM courses").fetchall():
            insert_link(db, str(uuid.uuid4()), course["id"], tool_id, name, custom)
    return client_id, deployment_id


@bp.get("/tool")
def tool_page() -> str:
    """The tool in a frame of the site: ``?course=<id>``, or ``?course=none`` for no course."""
    admin_or_403()
    course_id = request.args.get("course", FEEDBACK)
    if course_id == "none":
        tool = platform().store.row("SELECT * FROM tools ORDER BY id")
        address = url_for("launch.start_from_site", tool_id=tool["id"]) if tool else None
        target = tool["target_link_uri"] if tool else None
    else:
        links = course_links(course_or_404(course_id)["id"])
        address = url_for("launch.start_from_course", link_id=links[0]["id"]) if links else None
        target = links[0]["target_link_uri"] if links else None
    return render_template(
        "sandbox/admin_tool.html",
        address=address,
        origin=origin_of(target) if target else None,
        chosen=course_id,
        courses=platform().store.rows("SELECT * FROM courses ORDER BY rowid"),
    )
