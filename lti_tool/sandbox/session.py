"""Who is signed in to the sandbox's own pages, and protection of its forms."""

import hmac
import secrets
import sqlite3

from flask import abort, request, session

from lti_tool.sandbox.platform import enrolment_of, person_of


def sign_in(sub: str) -> None:
    session.clear()
    session["sub"] = sub
    session["csrf"] = secrets.token_urlsafe(24)


def signed_in() -> sqlite3.Row | None:
    sub = session.get("sub")
    return person_of(sub) if sub else None


def csrf_token() -> str:
    token: str = session.setdefault("csrf", secrets.token_urlsafe(24))
    return token


def check_csrf() -> None:
    """Refuse a form that was not rendered for this session."""
    if not hmac.compare_digest(request.form.get("csrf_token", ""), session.get("csrf", secrets.token_hex())):
        abort(400, "This form is out of date. Open the page again and send it once more.")


def person_or_401() -> sqlite3.Row:
    return signed_in() or abort(401, "Nobody is signed in. Choose a person on the first page.")


def admin_or_403() -> sqlite3.Row:
    person = person_or_401()
    return person if person["admin"] else abort(403, "This page is for the institution's administrator.")


def role_in(course_id: str, person: sqlite3.Row) -> str | None:
    """The person's role in the course, "admin" for the administrator, None for somebody without access."""
    enrolment = enrolment_of(course_id, person["sub"])
    if enrolment is not None:
        return str(enrolment["role"])
    return "admin" if person["admin"] else None


def member_or_403(course_id: str, *roles: str) -> tuple[sqlite3.Row, str]:
    """The signed-in person and their role, which must be one of these (of any kind when none is given)."""
    person = person_or_401()
    role = role_in(course_id, person)
    if role is None:
        abort(403, "You are not a member of this course.")
    if roles and role not in roles:
        abort(403, "Your role in this course does not open this page.")
    return person, role
