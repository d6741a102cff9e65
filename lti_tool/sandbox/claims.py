"""The claims of a launch. Source: LTI Core 1.3, section 5 (https://www.imsglobal.org/spec/lti/v1p3#required-message-claims)."""

import json
import sqlite3
from typing import Any

from flask import url_for

from lti_tool.sandbox.families.standard import Standard
from lti_tool.sandbox.groups import group_claim
from lti_tool.sandbox.line_items import item_query
from lti_tool.sandbox.origins import history
from lti_tool.sandbox.settings import Settings
from lti_tool.sandbox.vocabulary import (
    AGS_CLAIM,
    CLAIM,
    COURSE_TYPE,
    GROUPS_CLAIM,
    NRPS_CLAIM,
    SCOPE_GROUPS,
    SCOPE_ITEMS,
    SCOPE_RESULTS,
    SCOPE_SCORE,
)

VERSION = "1.0"
GUID = "peerloop-sandbox.local"
LIFETIME = 300  # seconds between iat and exp


NAMES = ("name", "given_name", "family_name")
PRIVACY = {"public": (*NAMES, "email"), "name_only": NAMES, "email_only": ("email",), "anonymous": ()}
"""What an LMS may be set to tell a tool about people."""


def identity_claims(person: sqlite3.Row, privacy: str) -> dict[str, str]:
    """What the platform tells about a person; a missing e-mail or family name is left out."""
    return {member: person[member] for member in PRIVACY[privacy] if person[member]}


def security_claims(
    settings: Settings, tool: sqlite3.Row, person: sqlite3.Row, nonce: str, now: int
) -> dict[str, Any]:
    return {
        "iss": settings.issuer,
        "aud": tool["client_id"],
        "azp": tool["client_id"],
        "sub": person["sub"],
        "iat": now,
        "exp": now + LIFETIME,
        "nonce": nonce,
    }


def message_claims(
    settings: Settings,
    tool: sqlite3.Row,
    person: sqlite3.Row,
    roles: list[str],
    target: str,
    return_path: str,
) -> dict[str, Any]:
    """The claims of every launch, whether or not it comes from a course."""
    return {
        **identity_claims(person, tool["privacy"]),
        "locale": person["locale"],
        f"{CLAIM}version": "1.3.0",
        f"{CLAIM}message_type": "LtiResourceLinkRequest",
        f"{CLAIM}deployment_id": tool["deployment_id"],
        f"{CLAIM}target_link_uri": tool["target_link_uri"],
        f"{CLAIM}roles": roles,
        f"{CLAIM}tool_platform": {
            "guid": GUID,
            "name": "Sandbox LMS",
            "product_family_code": settings.lms.product,
            "version": VERSION,
            "url": settings.base_url,
        },
        f"{CLAIM}launch_presentation": {
            "document_target": target,
            "return_url": settings.base_url + return_path,
            "locale": person["locale"],
        },
    }


def course_claims(
    settings: Settings, tool: sqlite3.Row, person: sqlite3.Row, course: sqlite3.Row, link: sqlite3.Row
) -> dict[str, Any]:
    """The claims of a launch from a link in a course, with its services."""
    memberships = url_for("roster.memberships", course_id=course["id"])
    line_items = url_for("line_items.list_items", course_id=course["id"])
    return {
        f"{CLAIM}resource_link": {"id": link["id"], "title": link["title"]},
        f"{CLAIM}context": {
            "id": course["id"],
            "label": course["label"],
            "title": course["title"],
            "type": [COURSE_TYPE],
        },
        f"{CLAIM}custom": resolve_custom(settings.lms, person, course, link),
        NRPS_CLAIM: {"context_memberships_url": settings.base_url + memberships, "service_versions": ["2.0"]},
        **_groups(settings, tool, course),
        AGS_CLAIM: {
            "scope": [SCOPE_ITEMS, SCOPE_RESULTS, SCOPE_SCORE],
            "lineitems": settings.base_url + line_items + item_query(tool["id"]),
        },
    }


def _groups(settings: Settings, tool: sqlite3.Row, course: sqlite3.Row) -> dict[str, Any]:
    """The service of groups, on an LMS that has it and for a tool that may use it."""
    is_allowed = tool["asked_scopes"] is None or SCOPE_GROUPS in tool["asked_scopes"].split()
    return {GROUPS_CLAIM: group_claim(course["id"])} if settings.lms.addresses.groups and is_allowed else {}


def resolve_custom(lms: Standard, person: sqlite3.Row, course: sqlite3.Row, link: sqlite3.Row) -> dict[str, str]:
    """The link's custom parameters with variables replaced; an unknown variable stays as it is written."""
    variables = {
        "$Person.address.timezone": person["tz"],
        "$Person.name.full": person["name"],
        "$Person.name.given": person["given_name"],
        "$Person.name.family": person["family_name"],
        "$Person.email.primary": person["email"] or "",
        "$User.id": person["sub"],
        "$Context.id": course["id"],
        "$Context.id.history": history(course["id"]),
        "$Context.title": course["title"],
        "$Context.label": course["label"],
        "$ResourceLink.id": link["id"],
        "$ResourceLink.id.history": history(link["id"]),
        "$ResourceLink.title": link["title"],
    }
    custom: dict[str, str] = json.loads(link["custom"])
    known = {name: value for name, value in variables.items() if name not in lms.unknown_variables}
    return {name: known.get(value, value) for name, value in custom.items()}
