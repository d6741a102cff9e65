"""A platform that tools register with by themselves; what it says of itself can be as wrong as a test wants."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from click.testing import Result
from flask import Response, redirect, request

from lti_tool.database import db, transaction
from lti_tool.lti import invitations, registrations, waiting
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiPendingRegistration
from lti_tool.roster.platform_commands import platform
from tests.support.platform import GONE, Platform, Tool

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"

WANTED_VARIABLES = {
    "tz": "$Person.address.timezone",
    "context_history": "$Context.id.history",
    "link_history": "$ResourceLink.id.history",
    "section": "$CourseSection.title",
}


class RegisteringPlatform(Platform):
    """Publishes its configuration and takes registrations, each token once."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.changes: dict[str, Any] = {}
        self.about: dict[str, Any] = {
            "product_family_code": "moodle",
            "messages_supported": ["LtiResourceLinkRequest"],
        }
        self.raw: Response | None = None
        self.redirect_to = ""
        self.hold: threading.Event | None = None
        self.deployment_id: Any = "deployment-1"
        self.answer: dict[str, Any] = {}
        self.tokens: set[str] = set()
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.registrations: list[dict[str, Any]] = []

    def handle(self, path: str) -> Any:
        if path not in ("/openid-configuration", "/moved", "/register"):
            return super().handle(path)
        self.asked.append((path, dict(request.headers)))
        if self.hold:
            self.hold.wait(5)
        if path == "/register":
            return self._register()
        if path == "/openid-configuration" and self.redirect_to:
            return redirect(self.redirect_to)
        return self.raw or self.configuration()

    def configuration(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": self.url("/auth"),
            "token_endpoint": self.url("/token"),
            "jwks_uri": self.url("/jwks"),
            "registration_endpoint": self.url("/register"),
            PLATFORM: self.about,
            **self.changes,
        }
        return {name: value for name, value in document.items() if value is not GONE}

    def _register(self) -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return Response(json.dumps({"error": "token_already_used", "token": token}), 401)
        self.tokens.remove(token)
        asked: dict[str, Any] = json.loads(request.get_data())
        self.registrations.append(asked)
        tool = dict(asked[TOOL])
        if self.deployment_id is not None:
            tool["deployment_id"] = self.deployment_id
        answer = {**asked, "client_id": self.client_id, TOOL: tool, **self.answer}
        return {name: value for name, value in answer.items() if value is not GONE}


class Administrator:
    """The administrator of an LMS, with the tool's registration address."""

    def __init__(self, tool: Tool, platform: RegisteringPlatform) -> None:
        self.tool = tool
        self.platform = platform

    def registers(self, invitation: str = "", **changes: str) -> requests.Response:
        """Paste the address into the LMS, which opens it with its own parameters."""
        token = secrets.token_urlsafe(16)
        self.platform.tokens.add(token)
        query = {
            "invitation": invitation,
            "openid_configuration": self.platform.url("/openid-configuration"),
            "registration_token": token,
            **changes,
        }
        return self.opens(f"{self.tool.settings.base_url}/lti/register?{urlencode(query)}")

    def opens(self, address: str, method: str = "GET") -> requests.Response:
        return requests.request(method, address, timeout=20)


def run(tool: Tool, *arguments: str) -> Result:
    """Run `peerloop platform …`."""
    return tool.app.test_cli_runner().invoke(platform, arguments)


def invite(tool: Tool, days: int = 14, **more: str) -> str:
    """The secret of a new invitation."""
    with tool.app.app_context(), transaction() as session:
        return invitations.invite(session, days=days, **more)[1]


def secret_in(address: str) -> str:
    """The invitation that an address carries."""
    return dict(parse_qsl(urlsplit(address).query))["invitation"]


def words(page: requests.Response) -> str:
    """What a person reads on a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def registered(admin: Administrator) -> Registration | None:
    """The registration that the administrator's LMS has here."""
    with admin.tool.app.app_context():
        found = registrations.of_issuer(admin.platform.issuer, admin.platform.client_id)
    return found[0] if found else None


def waits(admin: Administrator) -> list[LtiPendingRegistration]:
    """All registrations that wait for approval."""
    with admin.tool.app.app_context():
        return list(waiting.every(db.session()))


def is_open(tool: Tool, invitation: str) -> bool:
    """Whether an invitation can be used."""
    with tool.app.app_context():
        found = invitations.is_open(db.session(), invitation)
        db.session.rollback()
    return found
