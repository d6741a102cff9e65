"""The answer to a deep linking request: links for the LMS to place, signed by us.

https://www.imsglobal.org/spec/lti-dl/v2p0#deep-linking-response-message
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt

from lti_tool import clock
from lti_tool.lti.claims import LTI
from lti_tool.lti.grades import REVIEW, LineItem, present, stamp
from lti_tool.lti.keyring import SigningKey
from lti_tool.lti.registrations import Registration

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LIFETIME_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Link:
    """A link to this tool. What is handed in there is taken from `opens_at` to `due_at`.

    https://www.imsglobal.org/spec/lti-dl/v2p0#lti-resource-link
    """

    title: str
    url: str
    text: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    line_item: LineItem | None = None
    opens_at: datetime | None = None
    due_at: datetime | None = None


def answer(
    registration: Registration,
    deployment_id: str,
    key: SigningKey,
    links: Sequence[Link],
    *,
    targets: Sequence[str],
    data: str | None,
) -> str:
    """The signed answer. Without links it says that nothing was chosen; `data` is the request's, if it had any."""
    now = int(clock.wall().timestamp())
    claims = {
        "iss": registration.client_id,
        "aud": registration.issuer,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "nonce": secrets.token_urlsafe(24),
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": deployment_id,
        DL + "content_items": [_item(link, targets) for link in links],
    }
    if data is not None:
        claims[DL + "data"] = data
    return jwt.encode(claims, key.private_key, algorithm="RS256", headers={"kid": key.kid})


def _item(link: Link, targets: Sequence[str]) -> dict[str, Any]:
    in_window = "iframe" not in targets and "window" in targets
    return present(
        type="ltiResourceLink",
        title=link.title,
        text=link.text,
        url=link.url,
        custom=dict(link.custom) or None,
        lineItem=_line_item(link.line_item) if link.line_item else None,
        submission=present(startDateTime=stamp(link.opens_at), endDateTime=stamp(link.due_at)) or None,
        window={"targetName": "peerloop"} if in_window else None,
    )


def _line_item(item: LineItem) -> dict[str, Any]:
    return {
        "label": item.label,
        "scoreMaximum": item.score_maximum,
        "resourceId": item.resource_id,
        "tag": item.tag,
        "submissionReview": REVIEW,
    }
