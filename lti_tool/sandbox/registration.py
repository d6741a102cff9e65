"""Dynamic registration: the administrator pastes a tool's address, and the tool registers itself.

Source: LTI Dynamic Registration 1.0 (https://www.imsglobal.org/spec/lti-dr/v1p0).
"""

import hashlib
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request

from lti_tool.sandbox.admin import insert_tool, is_url
from lti_tool.sandbox.claims import VERSION
from lti_tool.sandbox.courses import origin_of
from lti_tool.sandbox.platform import platform
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.services import body_object
from lti_tool.sandbox.session import admin_or_403, check_csrf
from lti_tool.sandbox.vocabulary import (
    MESSAGE_TYPES,
    PLATFORM_CONFIGURATION,
    TOOL_CONFIGURATION,
    VARIABLES,
)

bp = Blueprint("registration", __name__)
LIFETIME = 3600  # seconds of a registration token
REQUIRED = ("client_name", "jwks_uri", "initiate_login_uri")
REQUIRED_OF_TOOL = ("domain", "target_link_uri")


@bp.post("/admin/register")
def begin() -> str:
    """Open the tool's registration address in a frame, with a token that is good for one registration."""
    admin_or_403()
    check_csrf()
    if not platform().lms.takes_address:
        abort(404)
    address = request.form.get("address", "").strip()
    if not is_url(address):
        abort(400, "The registration address must begin with http:// or https://. Go back and paste it again.")
    token = secrets.token_urlsafe(32)
    with platform().store.write() as db:
        db.execute("INSERT INTO registration_tokens VALUES (?, ?, 0)", (_hash(token), time.time() + LIFETIME))
    here = f"{platform().settings.base_url}/.well-known/openid-configuration"
    asked = urlencode({"openid_configuration": here, "registration_token": token})
    return render_template(
        "sandbox/registering.html",
        address=f"{address}{'&' if urlsplit(address).query else '?'}{asked}",
        origin=origin_of(address),
    )


@bp.get("/.well-known/openid-configuration")
def configuration() -> Response:
    """What a tool must know of this platform."""
    settings, lms = platform().settings, platform().lms
    document = {
        "issuer": settings.issuer,
        "authorization_endpoint": settings.auth_url,
        "token_endpoint": settings.token_url,
        "jwks_uri": settings.jwks_url(""),
        "registration_endpoint": f"{settings.base_url}/register",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", *lms.scopes],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "name", "given_name", "family_name", "email", "locale"],
        PLATFORM_CONFIGURATION: {
            "product_family_code": lms.product,
            "version": VERSION,
            "messages_supported": [{"type": name} for name in MESSAGE_TYPES],
            "variables": list(VARIABLES),
        },
    }
    return jsonify(lms.configuration(document))


@bp.post("/register")
def register() -> Response:
    """Take a tool's registration: an echo of it, with the client id and the deployment id that it was given."""
    try:
        _use_up_token()
        document = body_object()
        _check(document)
    except ServiceError as refusal:
        return refusal.response()
    tool: dict[str, Any] = document[TOOL_CONFIGURATION]
    document["scope"] = " ".join(
        scope for scope in platform().lms.scopes if scope in document.get("scope", "").split()
    )
    client_id, deployment_id = insert_tool(
        name=document["client_name"],
        login_url=document["initiate_login_uri"],
        redirect_uris=document["redirect_uris"],
        target_link_uri=tool["target_link_uri"],
        jwks_url=document["jwks_uri"],
        custom=tool.get("custom_parameters", {}),
        scopes=document["scope"],
        privacy=platform().lms.privacy(tool),
    )
    told = {"deployment_id": deployment_id} if platform().lms.tells_deployment else {}
    echo = {**document, "client_id": client_id, TOOL_CONFIGURATION: {**tool, **told}}
    return Response(json.dumps(echo), mimetype="application/json")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _use_up_token() -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    with platform().store.write() as db:
        found = db.execute("SELECT * FROM registration_tokens WHERE hash = ?", (_hash(token),)).fetchone()
        if kind.lower() != "bearer" or found is None or found["expires_at"] < time.time():
            raise ServiceError(401, "send a valid registration token as Authorization: Bearer")
        if found["used"]:
            raise ServiceError(401, "token_already_used")
        db.execute("UPDATE registration_tokens SET used = 1 WHERE hash = ?", (_hash(token),))


def _check(document: dict[str, Any]) -> None:
    tool = document.get(TOOL_CONFIGURATION)
    if not isinstance(tool, dict):
        raise ServiceError(400, f"{TOOL_CONFIGURATION} is missing")
    missing = [name for name in REQUIRED if not _is_text(document.get(name))]
    missing += [name for name in REQUIRED_OF_TOOL if not _is_text(tool.get(name))]
    if missing:
        raise ServiceError(400, f"missing: {', '.join(missing)}")
    if "id_token" not in document.get("response_types", ()):
        raise ServiceError(400, "response_types must have id_token")
    redirects = document.get("redirect_uris")
    if (
        not isinstance(redirects, list)
        or not redirects
        or not all(_is_text(uri) and is_url(uri) for uri in redirects)
    ):
        raise ServiceError(400, "redirect_uris must be a list of addresses")
    if document.get("token_endpoint_auth_method") != "private_key_jwt":
        raise ServiceError(400, "token_endpoint_auth_method must be private_key_jwt")
    custom = tool.get("custom_parameters", {})
    if not isinstance(custom, dict) or not all(_is_text(value) for value in custom.values()):
        raise ServiceError(400, "custom_parameters must be an object of strings")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
