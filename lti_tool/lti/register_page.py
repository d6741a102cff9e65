"""The pages that an LMS's administrator sees: how to register, and what is left to do when it is done."""

from __future__ import annotations

from flask import Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from lti_tool.lti import dynamic, offer, wire
from lti_tool.lti.dynamic import Asked
from lti_tool.lti.families import guides
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.tables import URL_LENGTH

SECRET_LENGTH = 8192
CONFIGURATION_SECONDS = 3600


def register() -> ResponseReturnValue:
    """Dynamic registration: the LMS opens this address in a frame or a tab. Shows how to, when a person opens it.

    What registers is the GET itself, as the standard has it; a HEAD, which link scanners send, does nothing.
    """
    if request.method == "HEAD":
        return ""
    invitation = _parameter("invitation", SECRET_LENGTH)
    configuration_url = _parameter("openid_configuration", URL_LENGTH)
    if configuration_url:
        return _registered(Asked(configuration_url, _token(), invitation))
    if invitation:
        dynamic.require_open(invitation)
    return _how_to(invitation)


def canvas_configuration() -> ResponseReturnValue:
    """The tool as Canvas takes it from an address, when a developer key is made."""
    response = jsonify(offer.canvas_configuration(wire.current().base_url))
    response.headers["Cache-Control"] = f"public, max-age={CONFIGURATION_SECONDS}"
    return response


def _parameter(name: str, length: int) -> str:
    value = request.args.get(name, "")
    if len(value) > length or not value.isprintable() or " " in value:
        raise LaunchRefused("registration_incomplete", name)
    return value


def _token() -> str:
    """The token goes back in a header, which has ASCII alone (RFC 6750, 2.1)."""
    token = _parameter("registration_token", SECRET_LENGTH)
    if not token.isascii():
        raise LaunchRefused("registration_incomplete", "registration_token")
    return token


def _registered(asked: Asked) -> Response:
    here = wire.current()
    done = dynamic.register(here, asked)
    g.frame_origins = done.document.origins
    values = offer.values(here.base_url)
    steps = guides.of(done.document.family).steps_once_registered(values)
    page = render_template(
        "lti/registered.html",
        done=done,
        steps=steps,
        guide=offer.registration_address(here.base_url),
        invited=bool(asked.invitation),
        tool_host=values["domain"],
    )
    return _private(page)


def _how_to(invitation: str) -> Response:
    base_url = wire.current().base_url
    page = render_template(
        "lti/how_to_register.html",
        address=offer.registration_address(base_url, invitation),
        invited=bool(invitation),
        guides=guides.in_order(),
        values=offer.values(base_url),
    )
    return _private(page)


def _private(page: str) -> Response:
    """The address of this page holds secrets."""
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
