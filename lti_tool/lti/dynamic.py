"""Registration by the LMS itself: read its configuration, tell it what this tool is, keep what it answers.

LTI Dynamic Registration 1.0. Each address comes from a stranger: every request, and every redirect of the first,
goes through the guard of `client.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

import structlog

from lti_tool.database import db, transaction
from lti_tool.lti import addresses, invitations, offer, platform_document, waiting
from lti_tool.lti.client import Answer
from lti_tool.lti.failures import LmsError, Unreadable, excerpt, own_words
from lti_tool.lti.platform_document import PlatformDocument
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.registrations import DuplicateRegistrationError
from lti_tool.lti.tables import ID_LENGTH
from lti_tool.lti.waiting import Agreement
from lti_tool.lti.wire import Wire

SERVICE = "registration"
MOST_BYTES = 256 * 1024
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# The servers of others may be slow: they never hold more of this process's threads than this.
STRANGERS_AT_ONCE = BoundedSemaphore(2)
INVITED_AT_ONCE = BoundedSemaphore(4)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the LMS sends the administrator's browser with; `token` and `invitation` are secrets, maybe empty."""

    configuration_url: str
    token: str
    invitation: str


@dataclass(frozen=True, slots=True)
class Registered:
    """How a registration ended: `missing` are the scopes that the LMS keeps back.

    If it waits for approval, then under `reference`: for want of an invitation, or with a `doubt` whose LMS it is.
    """

    document: PlatformDocument
    agreement: Agreement
    missing: frozenset[str]
    reference: str | None
    doubt: bool


def register(wire: Wire, asked: Asked) -> Registered:
    """Register this tool with the LMS that asks for it. Raises LaunchRefused.

    Nothing is kept here before the LMS has agreed; an invitation is used up together with what it allowed.
    """
    if asked.invitation:
        require_open(asked.invitation)
    with _one_of(INVITED_AT_ONCE if asked.invitation else STRANGERS_AT_ONCE):
        return _register(wire, asked)


def require_open(invitation: str) -> None:
    """Raises LaunchRefused for an invitation that was never given, has been used, or has expired."""
    is_open = invitations.is_open(db.session(), invitation)
    db.session.rollback()
    if not is_open:
        raise LaunchRefused("registration_invitation")


@contextmanager
def _one_of(places: BoundedSemaphore) -> Iterator[None]:
    if not places.acquire(blocking=False):
        raise LaunchRefused("registration_full", "at this moment")
    try:
        yield
    finally:
        places.release()


def _register(wire: Wire, asked: Asked) -> Registered:
    document = _read_document(wire, asked)
    doubt = not platform_document.is_vouched_for(document) and not _is_expected(asked.invitation, document.host)
    if not asked.invitation:
        _require_room(document.host)
    agreement, missing = _enrol(wire, document, asked.token)
    reference = _keep(document, agreement, asked.invitation, doubt=doubt)
    log.info("registered", issuer=agreement.issuer, client_id=agreement.client_id, waits=reference)
    return Registered(document, agreement, missing, reference, doubt)


def _is_expected(invitation: str, host: str) -> bool:
    """Whether whoever invited has said that the LMS at this host is meant."""
    expected = invitations.is_for(db.session(), invitation, host)
    db.session.rollback()
    return expected


def _require_room(host: str) -> None:
    try:
        waiting.require_room(db.session(), host)
    finally:
        db.session.rollback()


def _keep(document: PlatformDocument, agreement: Agreement, invitation: str, *, doubt: bool) -> str | None:
    """Store what was agreed on. Returns the reference under which it waits, unless an invitation settles it."""
    try:
        with transaction() as session:
            used = invitations.use(session, invitation) if invitation else None
            if used and not doubt:
                waiting.conclude(session, agreement)
                return None
            if used is None:  # or no more: somebody else has used it meanwhile
                waiting.require_room(session, document.host)
            note = used.note if used else None
            return waiting.add(session, agreement, host=document.host, doubt=doubt, invitation=note).reference
    except DuplicateRegistrationError:
        raise LaunchRefused("registration_exists", f"client {agreement.client_id!r}") from None


def _read_document(wire: Wire, asked: Asked) -> PlatformDocument:
    url, headers = asked.configuration_url, {"Accept": "application/json", **_authorization(asked.token)}
    for _hop in range(MOST_REDIRECTS + 1):
        answer = _send(wire, "GET", url, headers)
        if answer.status not in REDIRECTS:
            values = _json(_accepted(answer, asked.token))
            return platform_document.read(url, values, allow_private=wire.client.allow_private)
        target = _target(url, answer)
        if addresses.origin(target) != addresses.origin(url):
            headers.pop("Authorization", None)  # it is for the LMS alone
        url = target
    raise LaunchRefused("registration_unreachable", "too many redirects")


def _target(url: str, answer: Answer) -> str:
    """Where a redirect from `url` leads."""
    try:
        return addresses.joined(url, answer.headers.get("Location", ""))
    except addresses.AddressError as error:
        raise LaunchRefused("registration_unreachable", f"the address {error}") from error


def _enrol(wire: Wire, document: PlatformDocument, token: str) -> tuple[Agreement, frozenset[str]]:
    """Send what this tool is to the LMS. Returns what was agreed on, and the scopes that the LMS keeps back."""
    wanted = offer.registration_request(wire.base_url, document.family, document.messages, document.scopes)
    headers = {"Accept": "application/json", "Content-Type": "application/json", **_authorization(token)}
    answer = _send(wire, "POST", document.registration_url, headers, json.dumps(wanted).encode())
    values = _json(_accepted(answer, token))
    if not isinstance(values, dict):
        raise LaunchRefused("registration_unreadable", "the answer is not an object")
    tool = values.get(offer.TOOL_CONFIGURATION)
    deployment_id = tool.get("deployment_id") if isinstance(tool, dict) else None
    agreement = Agreement(
        name=document.name,
        issuer=document.issuer,
        client_id=_identifier(values.get("client_id"), "client_id"),
        auth_url=document.auth_url,
        token_url=document.token_url,
        jwks_url=document.jwks_url,
        audience=document.audience,
        family=document.family,
        deployment_id=None if deployment_id is None else _identifier(deployment_id, "deployment_id"),
    )
    granted = values.get("scope")
    missing = (
        set(offer.scopes(document.scopes)) - set(granted.split()) if isinstance(granted, str) else frozenset[str]()
    )
    return agreement, frozenset(missing)


def _identifier(value: Any, name: str) -> str:
    """An id that the LMS gives; some write a number as a number."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (0 < len(text) <= ID_LENGTH and text.isascii() and text.isprintable()):
        raise LaunchRefused("registration_unreadable", f"{name} is missing or wrong")
    return text


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _send(wire: Wire, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    try:
        return wire.client.send(SERVICE, method, url, headers=headers, body=body, most=MOST_BYTES)
    except Unreadable as error:
        raise LaunchRefused("registration_unreadable", error.reason) from error
    except LmsError as error:
        raise LaunchRefused("registration_unreachable", error.reason) from error


def _accepted(answer: Answer, token: str) -> Answer:
    if answer.status not in (200, 201):
        raise LaunchRefused("registration_refused", f"{answer.method} {answer.status} {_said(answer.body, token)}")
    return answer


def _said(body: bytes, token: str) -> str:
    """What the LMS calls its error, without the token that it may repeat, in JSON with escapes."""
    return own_words(excerpt(body.replace(token.encode(), b""))).replace(token, "")


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except Unreadable as error:
        raise LaunchRefused("registration_unreadable", error.reason) from error
