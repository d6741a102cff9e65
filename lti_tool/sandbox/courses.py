"""The pages of people: signing in, a course, its tool, its participants."""

import csv
import io
import sqlite3
import uuid
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from lti_tool.sandbox.links import custom_from_text, due_day, insert_link
from lti_tool.sandbox.platform import course_or_404, person_of, platform
from lti_tool.sandbox.seed import FEEDBACK, ROLE_ENTRIES
from lti_tool.sandbox.session import check_csrf, member_or_403, sign_in

bp = Blueprint("courses", __name__)
CSV_COLUMNS = ("user_id", "name", "email", "department", "site", "experience")


@bp.get("/")
def home() -> str:
    store = platform().store
    people = store.rows(
        "SELECT people.*, course_id, role, active FROM enrolments JOIN people USING (sub)"
        " ORDER BY CASE role WHEN 'instructor' THEN 0 WHEN 'ta' THEN 1 WHEN 'mentor' THEN 2 ELSE 3 END,"
        " test_user DESC, people.rowid"
    )
    return render_template(
        "sandbox/home.html",
        courses=store.rows("SELECT * FROM courses ORDER BY rowid"),
        people=people,
        admins=store.rows("SELECT * FROM people WHERE admin"),
    )


@bp.get("/enter/<role>")
def enter_as(role: str) -> AnyResponse:
    """Sign in as the demo's person of this role and open the tool inside the LMS."""
    sub = ROLE_ENTRIES.get(role) or abort(404)
    return _enter(sub, FEEDBACK)


@bp.get("/enter/person/<sub>")
def enter_person(sub: str) -> AnyResponse:
    return _enter(sub, request.args.get("course"))


def _enter(sub: str, course_id: str | None) -> AnyResponse:
    person = person_of(sub) or abort(404)
    sign_in(sub)
    if person["admin"]:
        return redirect(url_for("admin.tool_page", course=course_id))
    enrolled = platform().store.row("SELECT course_id FROM enrolments WHERE sub = ? ORDER BY rowid", sub)
    course_id = course_id or (enrolled["course_id"] if enrolled else FEEDBACK)
    return redirect(url_for("courses.tool_page", course_id=course_id, link=request.args.get("link")))


@bp.post("/sign-in")
def sign_in_as() -> AnyResponse:
    check_csrf()
    person = person_of(request.form.get("sub", "")) or abort(404)
    sign_in(person["sub"])
    if person["admin"]:
        return redirect(url_for("admin.tools"))
    course_id = course_or_404(request.form.get("course", FEEDBACK))["id"]
    return redirect(url_for("courses.course_page", course_id=course_id))


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    check_csrf()
    session.clear()
    return redirect(url_for("courses.home"))


def course_links(course_id: str) -> list[sqlite3.Row]:
    return platform().store.rows(
        "SELECT links.*, tools.name AS tool_name, COALESCE(url, tools.target_link_uri) AS target_link_uri"
        " FROM links JOIN tools ON tools.id = tool_id"
        " WHERE course_id = ? ORDER BY position, links.rowid",
        course_id,
    )


@bp.get("/courses/<course_id>")
def course_page(course_id: str) -> str:
    course = course_or_404(course_id)
    _, role = member_or_403(course_id)
    tools = platform().store.rows("SELECT * FROM tools ORDER BY id")
    links = course_links(course_id)
    return render_template(
        "sandbox/course.html",
        course=course,
        role=role,
        links=links,
        due={link["id"]: due_day(link["dates"]) for link in links},
        tools=tools,
        here="home",
    )


@bp.post("/courses/<course_id>/links")
def add_link(course_id: str) -> AnyResponse:
    member_or_403(course_id, "instructor", "admin")
    check_csrf()
    tool = platform().store.row("SELECT * FROM tools WHERE id = ?", request.form.get("tool")) or abort(404)
    title = request.form.get("title", "").strip() or abort(400, "Give the link a title.")
    custom = platform().lms.custom | custom_from_text(request.form.get("custom", ""))
    with platform().store.write() as db:
        insert_link(db, str(uuid.uuid4()), course_id, tool["id"], title, custom)
    return redirect(url_for("courses.course_page", course_id=course_id))


@bp.get("/courses/<course_id>/tool")
def tool_page(course_id: str) -> str:
    """The tool in a frame of the course."""
    course = course_or_404(course_id)
    _, role = member_or_403(course_id)
    links = course_links(course_id)
    wanted = request.args.get("link")
    link = next((one for one in links if wanted in (None, one["id"])), None)
    if link is None and wanted:
        abort(404)
    address = url_for("launch.start_from_course", link_id=link["id"]) if link else None
    return render_template(
        "sandbox/tool.html",
        course=course,
        role=role,
        link=link,
        address=address,
        here="tool",
        origin=origin_of(link["target_link_uri"]) if link else None,
    )


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _members(course_id: str) -> list[sqlite3.Row]:
    return platform().store.rows(
        "SELECT people.*, role FROM people JOIN enrolments USING (sub) WHERE course_id = ? AND active"
        " ORDER BY people.rowid",
        course_id,
    )


@bp.get("/courses/<course_id>/participants")
def participants(course_id: str) -> str:
    course = course_or_404(course_id)
    _, role = member_or_403(course_id)
    return render_template(
        "sandbox/participants.html",
        course=course,
        role=role,
        members=_members(course_id),
        here="participants",
    )


@bp.get("/courses/<course_id>/participants.csv")
def participants_csv(course_id: str) -> Response:
    """The attributes that the LMS knows but no LTI service carries."""
    course_or_404(course_id)
    member_or_403(course_id, "instructor", "admin")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for member in _members(course_id):
        if member["role"] == "learner" and not member["test_user"]:
            writer.writerow([member["sub"], *(member[name] for name in CSV_COLUMNS[1:])])
    headers = {"Content-Disposition": f'attachment; filename="participants-{course_id}.csv"'}
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
