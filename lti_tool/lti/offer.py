"""What this tool offers to an LMS and asks of it, in one list; every form of registration is made from it.

Dynamic registration, Canvas's JSON and the values to paste say the same, since none of them says it itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from lti_tool.lti import course_groups, families, grades, memberships
from lti_tool.lti.launch import DEEP_LINKING, RESOURCE_LINK, SUBMISSION_REVIEW

NAME = "Peerloop"
DESCRIPTION = "Peer learning: cohorts, pairs, sessions, micro-assignments, and a gradebook that stays true."
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"

# Exactly the scopes that the clients of the services ask tokens for; few LMSs have the last service.
SCOPES = (memberships.SCOPE, grades.SCOPE_LINE_ITEM, grades.SCOPE_RESULT, grades.SCOPE_SCORE)
SCOPES_WHERE_SUPPORTED = (course_groups.SCOPE,)
# The custom parameters that launches of every link are read for, each with the variable that fills it.
CUSTOM = {
    "tz": "$Person.address.timezone",
    "context_history": "$Context.id.history",
    "link_history": "$ResourceLink.id.history",
}
# The claims about a person that launches are read for.
CLAIMS = ("iss", "sub", "name", "given_name", "family_name", "email", "locale", "zoneinfo")


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of message that launches this tool, and by family the places of the LMS that send it."""

    type: str
    label: str
    placements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# Only what `messages.MESSAGE_TYPES` answers.
MESSAGES = (
    Message(RESOURCE_LINK, NAME, {"canvas": ("course_navigation",)}),
    Message(DEEP_LINKING, NAME, {"canvas": ("assignment_selection", "link_selection")}),
    Message(SUBMISSION_REVIEW, NAME),
)


def custom(family: str = "") -> dict[str, str]:
    """The custom parameters that an LMS of this family is asked to send with each launch, from wherever it comes."""
    return CUSTOM | {"section": families.family(family).section_variable}


def registration_address(base_url: str, invitation: str = "") -> str:
    """What an administrator pastes into an LMS that registers tools by itself; `invitation` is a secret."""
    query = f"?{urlencode({'invitation': invitation})}" if invitation else ""
    return f"{base_url}/lti/register{query}"


def values(base_url: str) -> dict[str, str]:
    """What an administrator pastes into the forms of an LMS, by a short name."""
    return {
        "base": base_url,
        "domain": urlsplit(base_url).netloc,
        "login": f"{base_url}/lti/login",
        "launch": f"{base_url}/lti/launch",
        "keys": f"{base_url}/lti/jwks",
        "canvas": f"{base_url}/lti/config.json",
        "custom": "\n".join(f"{name}={variable}" for name, variable in custom().items()),
    }


def scopes(supported: frozenset[str]) -> tuple[str, ...]:
    """What is asked of an LMS that says it grants the `supported` scopes."""
    return SCOPES + tuple(scope for scope in SCOPES_WHERE_SUPPORTED if scope in supported)


def registration_request(
    base_url: str,
    family: str,
    supported: Mapping[str, frozenset[str]],
    supported_scopes: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """What is sent to the registration endpoint of an LMS. Dynamic Registration 1.0, "client registration request".

    `supported` are the types of message that the LMS says it sends, with the placements that it names for each;
    nothing of it is left out where the LMS says nothing.
    """
    here = values(base_url)
    tool = {
        "domain": here["domain"],
        "target_link_uri": here["launch"],
        "description": DESCRIPTION,
        "custom_parameters": custom(family),
        "claims": list(CLAIMS),
        "messages": [
            _message(message, here["launch"], family, supported.get(message.type, frozenset()))
            for message in MESSAGES
            if not supported or message.type in supported
        ],
    }
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "initiate_login_uri": here["login"],
        "redirect_uris": [here["launch"]],
        "client_name": NAME,
        "client_uri": base_url,
        "jwks_uri": here["keys"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scopes(supported_scopes)),
        TOOL_CONFIGURATION: tool | families.family(family).tool_configuration(),
    }


def _message(message: Message, target: str, family: str, named: frozenset[str]) -> dict[str, Any]:
    placements = [place for place in message.placements.get(family, ()) if not named or place in named]
    described = {"type": message.type, "target_link_uri": target, "label": message.label}
    return families.family(family).registration_message(
        described | ({"placements": placements} if placements else {})
    )


def canvas_configuration(base_url: str) -> dict[str, Any]:
    """What Canvas reads when a developer key is made from an address. CANVAS, LTI 1.3 configuration."""
    here = values(base_url)
    placements = [
        {
            "placement": place,
            "message_type": message.type,
            "target_link_uri": here["launch"],
            "text": message.label,
            "enabled": True,
            **({"default": "disabled"} if place == "course_navigation" else {}),
        }
        for message in MESSAGES
        for place in message.placements.get("canvas", ())
    ]
    return {
        "title": NAME,
        "description": DESCRIPTION,
        "oidc_initiation_url": here["login"],
        "target_link_uri": here["launch"],
        "scopes": list(SCOPES),
        "public_jwk_url": here["keys"],
        "custom_fields": custom("canvas"),
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": here["domain"],
                "tool_id": "peerloop",
                "privacy_level": "public",
                "settings": {"text": NAME, "placements": placements},
            }
        ],
    }
