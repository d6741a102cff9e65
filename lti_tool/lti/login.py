"""Login on pylti1p3's classes. Each override says what it corrects.

Anybody can begin a login, and its hints are kept for ten minutes, so they must not be longer than an LMS needs. The
standard sets no limit; message hints of nearly 4,000 characters have been seen, and as a rule servers take addresses
of 8 KB, in which both hints go back to the LMS together.
https://www.imsglobal.org/spec/security/v1p0/#step-1-third-party-initiated-login
"""

from __future__ import annotations

import secrets

from flask import Response
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect

from lti_tool.lti import addresses
from lti_tool.lti.messages import PlatformLookup, WebRequest
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.registrations import Registration
from lti_tool.lti.states import LoginStates, StateCookies
from lti_tool.lti.tables import ID_LENGTH, URL_LENGTH

PARAMETER_LENGTHS = {"login_hint": 2048, "lti_message_hint": 6144, "target_link_uri": URL_LENGTH}
"""In characters; of all others it is ID_LENGTH."""


class BrowserRedirect(Redirect[Response]):
    """Corrects the library's redirect: never kept by a cache."""

    def __init__(self, url: str, cookies: StateCookies) -> None:
        self._url = url
        self._cookies = cookies

    def do_redirect(self) -> Response:
        response = Response(status=302, headers={"Location": self._url})
        response.headers["Cache-Control"] = "no-store"
        self._cookies.write_to(response)
        return response

    def do_js_redirect(self) -> Response:
        raise NotImplementedError("pages here carry no inline scripts")

    def set_redirect_url(self, location: str) -> None:
        self._url = location

    def get_redirect_url(self) -> str:
        return self._url


class PlatformLogin(OIDCLogin[WebRequest, PlatformLookup, LoginStates, StateCookies, Response]):
    """Corrects the library's login: checked parameters, unguessable secrets, one row that holds it all."""

    def __init__(self, lookup: PlatformLookup, *, base_url: str, began_with: WebRequest | None = None) -> None:
        cookies = StateCookies(secure=base_url.startswith("https:"))
        super().__init__(began_with or WebRequest(), lookup, LoginStates(), cookies)
        self.base_url = base_url

    @property
    def registration(self) -> Registration:
        return self._tool_config.found()

    @property
    def states(self) -> LoginStates:
        return self._session_service

    @property
    def cookies(self) -> StateCookies:
        return self._cookie_service

    @property
    def storage_target(self) -> str:
        """The frame in which the platform offers to keep the state; empty if it offers none."""
        return self._get_request_param("lti_storage_target")

    def get_redirect(self, url: str) -> BrowserRedirect:
        return BrowserRedirect(url, self._cookie_service)

    def _get_uuid(self) -> str:
        """Corrects: 256 random bits rather than a UUID."""
        return secrets.token_urlsafe(32)

    def _generate_nonce(self) -> str:
        """Corrects: all of it random; the library adds a time and the machine's address."""
        return secrets.token_urlsafe(32)

    def _get_request_param(self, key: str) -> str:
        """Corrects: a parameter that is too long or holds control characters is refused before it is used."""
        value = super()._get_request_param(key)
        if len(value) > PARAMETER_LENGTHS.get(key, ID_LENGTH) or not value.isprintable():
            raise LaunchRefused("login_incomplete", key)
        return value

    def validate_oidc_login(self) -> Registration:
        """Corrects: names what is missing, and wants the target link to be ours."""
        for key in ("iss", "login_hint", "target_link_uri"):
            if not self._get_request_param(key):
                raise LaunchRefused("login_incomplete", key)
        target = self._get_request_param("target_link_uri")
        if addresses.origin(target) != addresses.origin(self.base_url):
            raise LaunchRefused("foreign_target")
        super().validate_oidc_login()
        self.pass_params_to_launch(
            {
                "registration_id": self.registration.id,
                "target_link_uri": target,
                "login_hint": self._get_request_param("login_hint"),
                "message_hint": self._get_request_param("lti_message_hint"),
                "storage_target": self.storage_target,
            }
        )
        return self.registration

    def _prepare_redirect_url(self, launch_url: str) -> str:
        """Corrects: an authorization address that has a query already keeps it."""
        address, _mark, query = super()._prepare_redirect_url(launch_url).rpartition("?")
        return address + ("&" if "?" in address else "?") + query
