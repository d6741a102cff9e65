"""Launches on pylti1p3's classes. Each override says what it corrects.

https://www.imsglobal.org/spec/security/v1p0/#authentication-response-validation
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from typing import Any, NoReturn, Self

import requests
from flask import g, request
from jwt import InvalidTokenError
from jwt.api_jws import PyJWS
from jwt.utils import base64url_decode
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.request import Request
from pylti1p3.tool_config.abstract import ToolConfAbstract
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from lti_tool import clock
from lti_tool.database import db
from lti_tool.lti import addresses, deployments, registrations, waiting
from lti_tool.lti.claims import LTI, Claims, is_identity, read_launch
from lti_tool.lti.deployments import Deployment
from lti_tool.lti.launch import DEEP_LINKING, RESOURCE_LINK, SUBMISSION_REVIEW, Launch
from lti_tool.lti.platform_keys import PlatformKeys
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.registrations import Registration
from lti_tool.lti.states import LoginStates, StateCookies
from lti_tool.lti.tables import URL_LENGTH

LEEWAY_SECONDS = 60
OLDEST_SECONDS = 600
MAX_TOKEN = 256 * 1024
MESSAGE_TYPES = frozenset({RESOURCE_LINK, DEEP_LINKING, SUBMISSION_REVIEW})

_jws = PyJWS(algorithms=["RS256"])


class WebRequest(Request):
    """Corrects the library's Flask request: no web session, and a form that is too large is a refusal."""

    @cached_property
    def _values(self) -> MultiDict[str, str]:
        try:
            return request.args if request.method == "GET" else request.form
        except RequestEntityTooLarge:
            raise LaunchRefused("token_too_large") from None

    def get_param(self, key: str) -> str:
        return self._values.get(key, "")

    def is_secure(self) -> bool:
        return request.is_secure


class PlatformLookup(ToolConfAbstract[WebRequest]):
    """Registrations and deployments from the database; a launch is bound to the registration of its login."""

    def __init__(self, registration: Registration | None = None) -> None:
        self.registration = registration

    @property
    def registration(self) -> Registration | None:
        """The registration that was looked up, or that this lookup is bound to."""
        return self._registration

    @registration.setter
    def registration(self, found: Registration | None) -> None:
        self._registration = found
        if found is not None:
            g.lti_registration_id = found.id  # whom a refusal concerns

    def check_iss_has_one_client(self, iss: str) -> bool:  # noqa: ARG002 - the library's signature
        """Never: several clients of one issuer are the normal case (Canvas, Blackboard)."""
        return False

    def find_registration_by_params(self, iss: str, client_id: str | None, *_args: Any, **_more: Any) -> Registration:
        if self.registration is not None:
            if iss != self.registration.issuer or client_id not in (None, "", self.registration.client_id):
                raise LaunchRefused("unknown_platform", f"registration {self.registration.id}")
            return self.registration
        found = registrations.of_issuer(iss, client_id)
        if not found:
            waits = waiting.reference_of(db.session(), iss, client_id) if client_id else None
            code = "unknown_platform" if waits is None else "registration_waiting"
            raise LaunchRefused(code, f"issuer {iss!r}, client {client_id!r}", reference=waits)
        if len(found) > 1:
            raise LaunchRefused("ambiguous_platform", f"issuer {iss!r}")
        self.registration = found[0]
        return self.registration

    def find_registration_by_issuer(self, iss: str, *_args: Any, **_more: Any) -> Registration:
        return self.find_registration_by_params(iss, None)

    def found(self) -> Registration:
        """The registration that was looked up, or that this lookup is bound to."""
        if self.registration is None:
            raise LaunchRefused("unknown_platform")
        return self.registration

    def find_deployment(self, iss: str, deployment_id: str) -> NoReturn:
        raise NotImplementedError("a deployment is admitted when all else of a message is right")

    def find_deployment_by_params(self, iss: str, deployment_id: str, *_args: Any, **_more: Any) -> NoReturn:
        self.find_deployment(iss, deployment_id)


class PlatformMessage(MessageLaunch[WebRequest, PlatformLookup, LoginStates, StateCookies]):
    """Corrects the library's launch: strict in every point, for one browser, good once."""

    def __init__(self, *, base_url: str, keys: PlatformKeys, http: requests.Session) -> None:
        super().__init__(
            WebRequest(),
            PlatformLookup(),
            LoginStates(),
            StateCookies(secure=base_url.startswith("https:")),
            requests_session=http,
        )
        self._base_url = base_url
        self._keys = keys
        self.launch: Launch
        self.deployment: Deployment
        self.is_bound = False
        """Whether the state came back from this browser. If not, the platform's storage may still have it."""
        self._is_bound_by_storage = False

    @property
    def claims(self) -> Claims:
        return Claims(self._jwt.get("body", {}))

    @property
    def state(self) -> str:
        return self._get_request_param("state")

    @property
    def id_token(self) -> str:
        return self._get_request_param("id_token")

    @property
    def storage_target(self) -> str:
        """The frame in which the platform offered to keep the state; empty if it offered none."""
        login = self._session_service.login
        return login.storage_target if login else ""

    @property
    def _known_deployment(self) -> Deployment | None:
        login = self._session_service.login
        return login.deployment if login else None

    @property
    def nonce(self) -> str:
        return self.claims.identifier("nonce")

    @property
    def cookies(self) -> StateCookies:
        return self._cookie_service

    @property
    def registration(self) -> Registration:
        return self._tool_config.found()

    @property
    def error(self) -> str:
        """The error code that the platform sent instead of a message; empty if it sent none."""
        return self._get_request_param("error")

    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)

    def _get_id_token_hash(self) -> str:
        """Corrects: nothing here accepts a token by a hash of it."""
        return ""

    def validate_state(self) -> Self:
        """Corrects: the state must be one that we issued, to this browser, not long ago.

        A browser that keeps no cookie of ours may have it in the platform's storage; see `opening.py`.
        The message is read first, since the deployment that it names is looked up together with its state.
        """
        state = self.state
        if not state or not self.id_token:
            raise LaunchRefused("launch_incomplete", "id_token" if state else "state")
        self._read_token()
        login = self._session_service.find(state, self._unchecked_deployment())
        if login is None:
            raise LaunchRefused("launch_expired")
        try:
            super().validate_state()
            self.is_bound = True
        except LtiException:
            stored = self._get_request_param("stored_state")
            self.is_bound = self._is_bound_by_storage = stored == state and self._comes_from_our_page()
            if not login.storage_target or (stored and not self.is_bound):
                raise LaunchRefused("state_cookie_missing", ticket=state) from None
        self._tool_config.registration = login.registration
        return self

    def _stored_browser(self) -> str | None:
        return self._get_request_param("stored_browser") if self._is_bound_by_storage else None

    def _comes_from_our_page(self) -> bool:
        """Only our page's word counts for what is in the storage: any other site's form could say the same."""
        return request.headers.get("Origin") == addresses.origin(self._base_url)

    def _unchecked_deployment(self) -> str:
        """What the message says before its signature is checked: good for looking up, not for letting in."""
        value = self._jwt["body"].get(LTI + "deployment_id")
        return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""

    def validate_jwt_format(self) -> Self:
        """Corrects: it was read before; see `validate_state`."""
        return self

    def _read_token(self) -> None:
        """Bounded, and header and body must be objects that a database could hold."""
        token = self.id_token
        if len(token) > MAX_TOKEN:
            raise LaunchRefused("token_too_large", f"{len(token)} characters")
        parts = token.split(".")
        if len(parts) != 3 or not token.isascii():
            raise LaunchRefused("token_malformed")
        try:
            header, body = (json.loads(base64url_decode(part)) for part in parts[:2])
        except (ValueError, RecursionError):
            raise LaunchRefused("token_malformed") from None
        if not isinstance(header, dict) or not isinstance(body, dict):
            raise LaunchRefused("token_malformed")
        self._jwt["header"], self._jwt["body"] = header, body  # type: ignore[typeddict-item]

    def validate_nonce(self) -> Self:
        """Corrects: the nonce must belong to this very login."""
        if not self._session_service.check_nonce(self.nonce):
            raise LaunchRefused("nonce_mismatch")
        return self

    def get_iss(self) -> str:
        return self.claims.identifier("iss")

    def get_client_id(self) -> str:
        """Corrects: every audience counts, not the first alone, and azp too."""
        registration = self.registration
        aud = self._jwt["body"].get("aud")
        audiences = [aud] if isinstance(aud, str) else aud
        if not isinstance(audiences, list) or not all(isinstance(item, str) for item in audiences):
            raise LaunchRefused("claim_missing" if aud is None else "claim_invalid", "aud")
        if set(audiences) != {registration.client_id}:
            raise LaunchRefused("wrong_audience", "aud")
        azp = self._jwt["body"].get("azp")
        if azp is not None and azp != registration.client_id:
            raise LaunchRefused("wrong_audience", "azp")
        return registration.client_id

    def validate_registration(self) -> Self:
        """Corrects: the message must come from the platform to which the login was sent."""
        if self.get_iss() != self.registration.issuer:
            raise LaunchRefused("wrong_issuer")
        super().validate_registration()
        return self

    def validate_jwt_signature(self) -> Self:
        """Corrects: the algorithm is ours to choose; the key comes from the registered set alone."""
        header = self._jwt["header"]
        if header.get("alg") != "RS256":
            raise LaunchRefused("token_algorithm")
        kid = header.get("kid")
        if not kid or not isinstance(kid, str):
            raise LaunchRefused("token_without_kid")
        key = self._keys.find(self.registration.jwks_url, kid)
        try:
            _jws.decode(self.id_token, key, algorithms=["RS256"])
        except InvalidTokenError:
            raise LaunchRefused("bad_signature") from None
        self._validate_times()
        return self

    def _validate_times(self) -> None:
        now = clock.wall().timestamp()
        expires, issued, begins = (self.claims.seconds(key) for key in ("exp", "iat", "nbf"))
        if expires is None or issued is None:
            raise LaunchRefused("claim_missing", "exp" if expires is None else "iat")
        if expires <= now - LEEWAY_SECONDS:
            raise LaunchRefused("token_expired")
        if max(issued, begins or 0.0) > now + LEEWAY_SECONDS:
            raise LaunchRefused("token_from_future")
        if issued < now - OLDEST_SECONDS - LEEWAY_SECONDS:
            raise LaunchRefused("token_too_old")

    def _get_deployment_id(self) -> str:
        value = self.claims.identifier(LTI + "deployment_id")
        if not value.isascii():
            raise LaunchRefused("claim_invalid", "deployment_id")
        g.lti_deployment_id = value  # signed by the platform, since the signature is checked first
        return value

    def validate_deployment(self) -> Self:
        """Corrects: whether it may enter is asked last, so that no half-right message leaves one waiting."""
        self._get_deployment_id()
        return self

    def validate_message(self) -> Self:
        """Corrects: version, type, target and person are checked in form too, each with its code."""
        claims = self.claims
        if self._jwt["body"].get(LTI + "version") != "1.3.0":
            raise LaunchRefused("wrong_version")
        message_type = claims.identifier(LTI + "message_type")
        if message_type not in MESSAGE_TYPES:
            raise LaunchRefused("unsupported_message")
        self._validate_target()
        if not is_identity(self._jwt["body"].get("sub")):
            raise LaunchRefused("no_identity")
        if message_type == DEEP_LINKING:
            # It alone may leave them out. (The library types a message by literal keys.)
            self._jwt["body"].setdefault(LTI + "roles", [])  # type: ignore[misc]
        if self._jwt["body"].get(LTI + "roles") is None:
            raise LaunchRefused("claim_missing", "roles")
        if message_type == RESOURCE_LINK and claims.part(LTI + "resource_link") is None:
            raise LaunchRefused("claim_missing", "resource_link")
        launch = read_launch(claims, self.registration)
        super().validate_message()
        self.deployment = deployments.admit(launch, self._known_deployment)
        self.launch = replace(deployments.completed(launch, self.deployment), stored_browser=self._stored_browser())
        return self

    def _validate_target(self) -> None:
        login = self._session_service.login
        target = self.claims.identifier(LTI + "target_link_uri", URL_LENGTH)
        if addresses.origin(target) != addresses.origin(self._base_url):
            raise LaunchRefused("foreign_target")
        if login is None or target != login.target_link_uri:
            raise LaunchRefused("target_mismatch")

    def save_launch_data(self) -> Self:
        """Corrects: the launch is recorded with the use of its state, in the caller's transaction."""
        return self
