"""The gate before every page: who may enter, whether the form is genuine, and the one transaction.

Every view says in one line who may enter it (`@allow(Access.STAFF)`); a view that says nothing is never
served. A request that changes something runs in one write transaction, committed when its answer is a
success and rolled back otherwise.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from flask import Flask, Response, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.routing import IntegerConverter, Map

from lti_tool.database import db, write_intent
from lti_tool.lti.launch import STAFF, Role
from lti_tool.web import operators, visits
from lti_tool.web.proofs import form_token
from lti_tool.web.visits import Visit

P = ParamSpec("P")
R = TypeVar("R")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

LARGEST_ID = 2**31 - 1  # an id is a 32-bit INTEGER in PostgreSQL
ID_DIGITS = len(str(LARGEST_ID))

Facilitates = Callable[[Visit, int], bool]


class Access(StrEnum):
    """Who may enter a page."""

    PUBLIC = "public"  # everybody; the page itself must not need to know who
    VISITOR = "visitor"  # whoever was launched
    LEARNER = "learner"  # learners (test users too), for what is theirs
    FACILITATOR = "facilitator"  # staff, and whoever facilitates the cohort or session in the address
    STAFF = "staff"  # instructors and teaching assistants
    INSTRUCTOR = "instructor"
    ADMIN = "admin"  # administrators of the institution
    OPERATOR = "operator"  # whoever runs Peerloop, by a link from the terminal; no launch gives this


def allow(access: Access) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say who may enter a view. (`lti/` lies below this room and says `view.access = "public"` itself.)"""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.access = access  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark


def current_visit() -> Visit:
    """The visit of this request. Only on pages that are not public."""
    visit: Visit = g.visit
    return visit


def may_enter(access: Access, visit: Visit, view_args: dict[str, Any]) -> bool:
    """Whether the person of `visit` may enter a page with this rule."""
    staff = visit.role in STAFF
    match access:
        case Access.PUBLIC | Access.VISITOR:
            return True
        case Access.LEARNER:
            return visit.role is Role.LEARNER
        case Access.STAFF:
            return staff
        case Access.INSTRUCTOR:
            return visit.role is Role.INSTRUCTOR
        case Access.ADMIN:
            return visit.is_admin
        case Access.FACILITATOR:
            return staff or _facilitates(visit, view_args)
        case Access.OPERATOR:
            return False


def _facilitates(visit: Visit, view_args: dict[str, Any]) -> bool:
    checks: dict[str, Facilitates] = current_app.extensions["facilitates"]
    return any(checks[name](visit, value) for name, value in view_args.items() if name in checks)


def facilitated_by(app: Flask, argument: str, check: Facilitates) -> None:
    """Let a room say who facilitates the thing that `argument` of an address names (`cohort_id`, say)."""
    app.extensions["facilitates"][argument] = check


class IdConverter(IntegerConverter):
    """`<int:…>` in an address: a number that no row can have leads nowhere (404) instead of to the database."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ID)


def row_id(text: str) -> int:
    """The id that a form names. Raises ValueError for what no row can have."""
    if not (text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS and int(text) <= LARGEST_ID):
        raise ValueError(f"{text[:80]!r} is no id")
    return int(text)


def register(app: Flask) -> None:
    """Put the gate before every page of `app`. Must come before any address with an id."""
    app.url_map.converters["int"] = IdConverter
    app.extensions["facilitates"] = {}
    app.url_value_preprocessor(_take_token)
    app.url_defaults(_give_token)
    app.before_request(_enter)
    app.after_request(_settle)
    app.teardown_request(_leave)
    app.jinja_env.globals.update(csrf_field=_csrf_field)


def _take_token(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.visit_token = values.pop("visit", None) if values else None


def _give_token(endpoint: str, values: dict[str, Any]) -> None:
    token = g.get("visit_token")
    if token and "visit" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "visit"):
        values["visit"] = token


def _enter() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # no such address: Flask answers 404
    access = access_of(current_app, request.endpoint)
    g.writes = request.method not in SAFE_METHODS and access is not Access.PUBLIC
    if access is Access.PUBLIC:
        return None
    if g.writes:
        _read_upload()
        g.intent = write_intent()
        g.intent.__enter__()
    if access is Access.OPERATOR:
        g.operator = operators.find()
        g.csrf_token = form_token(g.operator.cookie)
    else:
        _enter_visit(access)
    if g.writes and not _form_is_genuine():
        abort(400, _("This form did not come from this visit. Go back, reload the page and send it again."))
    return None


def _read_upload() -> None:
    """A large form is read from whoever has a visit, and before the transaction begins: a slow line would hold up all
    others that write.
    """
    largest = getattr(current_app.view_functions[request.endpoint or ""], "largest", None)
    if largest is None:
        return
    if visits.find(g.visit_token or "") is None:
        abort(401)
    db.session.rollback()
    request.max_content_length = largest
    request.files.keys()


def _enter_visit(access: Access) -> None:
    visit = visits.find(g.visit_token or "")
    if visit is None:
        abort(401)
    g.visit = visit
    if not may_enter(access, visit, request.view_args or {}):
        abort(403)
    g.csrf_token = form_token(visit.token)


def access_of(app: Flask, endpoint: str) -> Access:
    """The rule of an endpoint. Raises LookupError when its view declares none."""
    access = getattr(app.view_functions[endpoint], "access", None)
    if access is None:
        raise LookupError(f"{endpoint} does not say who may enter it: add @allow(…)")
    return Access(access)


def _form_is_genuine() -> bool:
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    return hmac.compare_digest(sent.encode(), g.csrf_token.encode())


def _settle(response: Response) -> Response:
    if g.get("writes"):
        if response.status_code < 400:
            db.session.commit()
        else:
            db.session.rollback()
    if g.get("visit") is not None:
        visits.touch()
    return response


def _leave(_error: BaseException | None) -> None:
    db.session.rollback()
    intent = g.pop("intent", None)
    if intent is not None:
        intent.__exit__(None, None, None)


def _csrf_field() -> Markup:
    if g.get("csrf_token") is None:
        return Markup("")
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(g.csrf_token)
