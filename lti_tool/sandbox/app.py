"""The sandbox as a WSGI application."""

from flask import Flask, Response, jsonify, render_template, request
from itsdangerous import URLSafeSerializer
from werkzeug.exceptions import HTTPException

from lti_tool.sandbox import (
    admin,
    control,
    copies,
    courses,
    deep_linking,
    gradebook,
    groups,
    launch,
    line_items,
    registration,
    reviews,
    roster,
    scores,
    storage,
    tokens,
)
from lti_tool.sandbox.faults import Faults
from lti_tool.sandbox.keys import PlatformKey, secret_of
from lti_tool.sandbox.platform import Platform, platform
from lti_tool.sandbox.seed import seed
from lti_tool.sandbox.session import csrf_token, signed_in
from lti_tool.sandbox.settings import Settings
from lti_tool.sandbox.store import Store
from lti_tool.sandbox.vocabulary import ROLE_NAMES

FOR_PROGRAMS = ("control", "tokens", "roster", "groups", "line_items", "scores")
BODY_LIMIT = 16_000_000  # bytes; ten thousand people added at once fit
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " frame-src http: https:; frame-ancestors 'self' {base_url}; base-uri 'none'"
)


def create_app(settings: Settings) -> Flask:
    """Open the data folder, filling an empty one with the demo's people, and serve it."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = secret_of(settings.data / "session.key")
    store = Store(settings.data / "sandbox.sqlite3")
    seed(store, settings.lms.kinds)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME="sandbox_session",
        SESSION_COOKIE_HTTPONLY=True,
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        **_cookie_rules(settings),
    )
    app.extensions["sandbox"] = Platform(
        settings=settings,
        store=store,
        key=PlatformKey(settings.data / "platform-key.pem"),
        pages=URLSafeSerializer(secret, salt="next-page"),
        faults=Faults(settings.lms.throttled),
        storage=settings.storage or settings.lms.storage,
    )
    pages = (courses, copies, gradebook, reviews, admin, registration, launch, deep_linking, storage)
    for blueprint in (*pages, tokens, roster, groups, line_items, scores):
        app.register_blueprint(blueprint.bp)
    if settings.control_token:
        app.register_blueprint(control.bp)
    app.register_error_handler(HTTPException, _explain)
    app.after_request(_protect)
    shared = {"csrf_token": csrf_token, "role_names": ROLE_NAMES, "lms": settings.lms}
    app.context_processor(lambda: {"me": signed_in(), **shared})
    app.context_processor(lambda: {"storage": platform().storage, "tool_origins": storage.tool_origins})
    app.add_template_global(storage.frame_address)
    app.add_template_global(reviews.is_reviewable)
    app.add_template_filter(_number, "number")
    return app


def _cookie_rules(settings: Settings) -> dict[str, object]:
    """The authorization request comes from the tool in a frame; between sites that needs SameSite=None."""
    secure = settings.base_url.startswith("https:")
    return {"SESSION_COOKIE_SAMESITE": "None" if secure else "Lax", "SESSION_COOKIE_SECURE": secure}


def _explain(error: HTTPException) -> tuple[Response | str, int]:
    code = error.code or 500
    if request.blueprint in FOR_PROGRAMS or request.path.startswith(("/api/", "/register")):
        return jsonify(error=error.description), code
    return render_template("sandbox/error.html", code=code, title=error.name, text=error.description), code


def _protect(response: Response) -> Response:
    policy = CONTENT_SECURITY_POLICY.format(base_url=platform().settings.base_url)
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    return response


def _number(value: float | None) -> str:
    """A grade as people write it: 7, 7.5, 6.67."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
