"""Messages other than the opening of a link: what a deep linking request and a submission review say.

Sources: Deep Linking 2.0, section 3.2 (https://www.imsglobal.org/spec/lti-dl/v2p0); Submission Review 1.0
(https://www.imsglobal.org/spec/lti-sr/v1p0).
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from flask import abort

from lti_tool.sandbox.claims import course_claims, message_claims
from lti_tool.sandbox.line_items import item_url
from lti_tool.sandbox.platform import course_or_404, person_of, platform
from lti_tool.sandbox.session import role_in
from lti_tool.sandbox.vocabulary import AGS_CLAIM, CLAIM, DL_CLAIM


@dataclass(eq=False)
class AuthorizationError(Exception):
    """A refusal that the tool may hear. Codes: RFC 6749 section 4.1.2.1 and OpenID Connect Core 3.1.2.6."""

    code: str
    description: str


def roles_of(role: str, person: sqlite3.Row) -> list[str]:
    lms = platform().lms
    return lms.admin_roles if role == "admin" else lms.launch_roles(role, test_user=bool(person["test_user"]))


def _no_link() -> dict[str, Any]:
    """What stands for the link where a message comes from none."""
    return {"id": "", "title": "", "custom": json.dumps(platform().lms.custom), "url": None}


def other_message(tool: sqlite3.Row, person: sqlite3.Row, target: str, message: dict[str, str]) -> dict[str, Any]:
    """The claims of the message that a login was begun for."""
    if message["type"] == "deep_linking":
        return _deep_linking(tool, person, target, message["id"])
    return _review(tool, person, target, int(message["item"]), message["sub"])


def work_url(item_id: int, sub: str) -> str | None:
    """The link to the work behind a grade that came with its score, if this LMS keeps such links."""
    grade = platform().store.row("SELECT work_url FROM grades WHERE item_id = ? AND sub = ?", item_id, sub)
    return grade["work_url"] if grade else None


def _deep_linking(tool: sqlite3.Row, person: sqlite3.Row, target: str, request_id: str) -> dict[str, Any]:
    row = platform().store.row("SELECT * FROM deep_linking WHERE id = ?", request_id) or abort(404)
    claims = _from_course(tool, person, target, row["course_id"], _no_link())
    del claims[f"{CLAIM}resource_link"]
    claims[f"{CLAIM}message_type"] = "LtiDeepLinkingRequest"
    claims[f"{DL_CLAIM}deep_linking_settings"] = json.loads(row["settings"])
    return claims


def _review(tool: sqlite3.Row, person: sqlite3.Row, target: str, item_id: int, sub: str) -> dict[str, Any]:
    store = platform().store
    item = store.row("SELECT * FROM line_items WHERE id = ?", item_id) or abort(404)
    learner = person_of(sub) or abort(404)
    link = store.row("SELECT * FROM links WHERE id = ?", item["link_id"])
    claims = _from_course(tool, person, target, item["course_id"], dict(link) if link else _no_link())
    if link is None:
        del claims[f"{CLAIM}resource_link"]
    elif link["url"]:
        claims[f"{CLAIM}target_link_uri"] = link["url"]
    if not platform().lms.reviews:
        claims[f"{CLAIM}resource_link"] = {"id": link["id"] if link else item["course_id"], "title": item["label"]}
        claims[f"{CLAIM}target_link_uri"] = work_url(item_id, sub)
        return claims
    claims[f"{CLAIM}message_type"] = "LtiSubmissionReviewRequest"
    claims[AGS_CLAIM]["lineitem"] = item_url(item)
    claims[f"{CLAIM}for_user"] = {"user_id": learner["sub"], "name": learner["name"]}
    return claims


def _from_course(tool: sqlite3.Row, person: sqlite3.Row, target: str, course_id: str, link: Any) -> dict[str, Any]:
    settings, course = platform().settings, course_or_404(course_id)
    role = role_in(course_id, person)
    if role is None:
        raise AuthorizationError("access_denied", "this person is no longer a member of the course")
    claims = message_claims(settings, tool, person, roles_of(role, person), target, f"/courses/{course_id}")
    return claims | course_claims(settings, tool, person, course, link)
