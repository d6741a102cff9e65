"""The addresses of the wire, all below /lti. A refusal is raised as LaunchRefused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import structlog
from flask import Blueprint, Flask, Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from lti_tool.database import transaction
from lti_tool.lti import deployments, opening, register_page, registrations, states, wire
from lti_tool.lti.launch import Launch
from lti_tool.lti.login import PlatformLogin
from lti_tool.lti.messages import PlatformLookup, PlatformMessage
from lti_tool.lti.refusals import LaunchRefused

JWKS_SECONDS = 3600

OnLaunch = Callable[[Launch], ResponseReturnValue]
View = Callable[..., ResponseReturnValue]

log = structlog.get_logger(__name__)


def register(app: Flask, on_launch: OnLaunch) -> None:
    """Add the wire to `app`.

    `on_launch` records a launch and answers the browser. It is called inside the write transaction that also
    uses up the launch's state, so it opens none itself; what it raises undoes both.
    """
    wire.register(app)
    app.register_blueprint(create_blueprint(on_launch))


def create_blueprint(on_launch: OnLaunch) -> Blueprint:
    """The blueprint `lti`. All its views are for strangers: the message itself is the proof."""
    blueprint = Blueprint("lti", __name__, url_prefix="/lti", template_folder="templates")

    @logged
    def launch() -> ResponseReturnValue:
        return _launch(on_launch)

    register_lms = logged(register_page.register)
    keep_cookie, open_window = logged(opening.keep_cookie), logged(opening.open_window)
    public = (login, keep_cookie, open_window, launch, launch_opened, jwks)
    for view in (*public, register_lms, register_page.canvas_configuration):
        view.access = "public"  # type: ignore[attr-defined]  # read by the gate, which lies above this room
    blueprint.add_url_rule("/login", view_func=login, methods=["GET", "POST"])
    blueprint.add_url_rule("/login/<int:registration_id>", view_func=login, methods=["GET", "POST"])
    blueprint.add_url_rule("/login/cookie", view_func=keep_cookie, methods=["POST"])
    blueprint.add_url_rule("/login/window", view_func=open_window, methods=["GET"])
    blueprint.add_url_rule("/launch", view_func=launch, methods=["POST"])
    blueprint.add_url_rule("/launch", view_func=launch_opened, methods=["GET"])
    # Links name what they open behind it; the LMS still sends its form to the address itself.
    blueprint.add_url_rule("/launch/<path:opens>", view_func=launch_opened, methods=["GET"])
    blueprint.add_url_rule("/jwks", view_func=jwks, methods=["GET"])
    blueprint.add_url_rule("/register", view_func=register_lms, methods=["GET"])
    blueprint.add_url_rule("/config.json", view_func=register_page.canvas_configuration, methods=["GET"])
    return blueprint


def logged(view: View) -> View:
    """Write each refusal to the log with its reference, without a token or anything about a person.

    An address that is refused again and again is asked to wait (429); see `limits.py`.
    """

    @wraps(view)
    def wrapped(**arguments: object) -> ResponseReturnValue:
        try:
            return view(**arguments)
        except LaunchRefused as refusal:
            wait = wire.current().refusals.note(request.remote_addr)
            if wait:
                raise TooManyRequests(retry_after=wait) from None
            log.warning("launch refused", code=refusal.code, reference=refusal.reference, detail=refusal.detail)
            raise

    return wrapped


@logged
def login(registration_id: int | None = None) -> ResponseReturnValue:
    """Third-party-initiated login. https://www.imsglobal.org/spec/security/v1p0/#step-1-third-party-initiated-login"""
    registration = None
    if registration_id is not None:
        registration = registrations.get(registration_id)
        if registration is None:
            raise LaunchRefused("unknown_platform", f"registration {registration_id}")
    return opening.begin(PlatformLogin(PlatformLookup(registration), base_url=wire.current().base_url))


@logged
def launch_opened(opens: str = "") -> ResponseReturnValue:  # noqa: ARG001 - whatever it is, it is refused
    """Somebody opened or reloaded the address that only an LMS should send a form to."""
    raise LaunchRefused("launch_opened_directly")


def _launch(on_launch: OnLaunch) -> Response:
    here = wire.current()
    message = PlatformMessage(base_url=here.base_url, keys=here.platform_keys, http=here.client.session)
    if message.error:
        raise LaunchRefused("platform_error", _error_code(message.error))
    message.validate()
    if not message.is_bound:
        return opening.ask_storage(message)
    with transaction() as session:
        if not states.consume(session, message.state, message.nonce):
            raise LaunchRefused("launch_expired")
        registrations.learn_family(session, message.registration, message.launch.platform.family)
        deployments.learn_instance(session, message.launch, message.deployment)
        response = make_response(on_launch(message.launch))
    message.cookies.forget(message.state)
    message.cookies.write_to(response)
    return response


def _error_code(error: str) -> str:
    """An error code of OpenID Connect has only such characters; anything else is not for the log."""
    code = error[:64]
    return code if code.isascii() and code.replace("_", "").isalnum() else "unreadable error code"


def jwks() -> ResponseReturnValue:
    """The public halves of our keys. https://www.imsglobal.org/spec/security/v1p0/#h_key-set-url"""
    response = jsonify(keys=wire.current().keyring.public_keys())
    response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return response
