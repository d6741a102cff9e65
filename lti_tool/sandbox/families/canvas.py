"""Canvas, by Instructure. Sources: CANVAS is its developer documentation and the source of canvas-lms."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

from flask import Response

from lti_tool.sandbox.families.standard import Addresses, Grade, Standard, several
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.refusals import OAuthError, ServiceError
from lti_tool.sandbox.score import Score
from lti_tool.sandbox.times import parse_moment
from lti_tool.sandbox.vocabulary import MEMBERSHIP, MESSAGE_TYPES, PERSON, PLATFORM_CONFIGURATION, SYSTEM

SUBMISSION = "https://canvas.instructure.com/lti/submission"
AHEAD = timedelta(minutes=1)
ATTEMPTS = 3  # how often a learner may hand in; an instructor may set it
OVER_LIMIT = "403 Forbidden (Rate Limit Exceeded)"
PLACEMENTS = ("account_navigation", "assignment_selection", "course_navigation", "link_selection")
INSTITUTION_ROLES = {"learner": "Student", "instructor": "Instructor", "ta": "Instructor", "mentor": "Observer"}


class Canvas(Standard):
    """One issuer for all customers of the cloud."""

    name = "canvas"
    product = "canvas"
    issuer = "https://canvas.instructure.com"  # CANVAS, security
    addresses = Addresses(  # CANVAS, security and provisioning
        auth="/api/lti/authorize_redirect",
        token="/login/oauth2/token",  # noqa: S106  an address
        jwks="/api/lti/security/jwks",
        memberships="/api/lti/courses/<course_id>/names_and_roles",
        line_items="/api/lti/courses/<course_id>/line_items",
        line_item="/api/lti/courses/<course_id>/line_items/<int:item_id>",
    )
    spent_hint = "launch_no_longer_valid"  # CANVAS, authorization: a launch is fetched once
    storage = Storage.FRAME  # CANVAS, platform storage
    role_uris: ClassVar = Standard.role_uris | {
        # CANVAS, substitutions_helper: a teaching assistant is an instructor too, named first.
        "ta": [f"{MEMBERSHIP}#Instructor", f"{MEMBERSHIP}/Instructor#TeachingAssistant"],
    }
    admin_roles: ClassVar = [f"{PERSON}#Administrator", f"{SYSTEM}#User"]
    tells_deployment = False  # CANVAS, registration
    refused_client = 400  # CANVAS, jwt_validator
    item_query = False
    roster_page = 50
    largest_page = 50  # CANVAS, names and roles: whatever limit says
    counted = ("FullyGraded", "PendingManual")  # CANVAS, scores

    def __init__(self) -> None:
        self._quota = Quota()

    def launch_roles(self, role: str, *, test_user: bool) -> list[str]:
        """A launch names roles in the institution and the system too. CANVAS, substitutions_helper."""
        return [
            f"{PERSON}#{INSTITUTION_ROLES[role]}",
            *self.roles(role, test_user=test_user),
            f"{SYSTEM}#User",
        ]

    def configuration(self, document: dict[str, Any]) -> dict[str, Any]:
        """CANVAS, registration: places for each message, an audience that is none, and whose account it is."""
        platform = document[PLATFORM_CONFIGURATION] | {
            "messages_supported": [{"type": name, "placements": list(PLACEMENTS)} for name in MESSAGE_TYPES],
            "https://canvas.instructure.com/lti/account_name": "Sandbox College",
        }
        return document | {"authorization_server": "canvas.instructure.com", PLATFORM_CONFIGURATION: platform}

    def privacy(self, tool: dict[str, Any]) -> str:
        """CANVAS, registration: nothing about people, unless the tool asks for more."""
        return str(tool.get("https://canvas.instructure.com/lti/privacy_level", "anonymous"))

    def login(self, fields: dict[str, str]) -> dict[str, str]:
        """CANVAS, launch overview: two parameters of its own."""
        return fields | {"canvas_region": "us-east-1", "canvas_environment": "prod"}

    def is_registered(self, redirect_uri: str, registered: list[str]) -> bool:
        """Compares what stands before the query; the query must hold what is registered. CANVAS, redirect URIs."""
        return any(_covers(redirect_uri, one) for one in registered)

    def check_audience(self, audience: object, token_url: str) -> None:
        """CANVAS, jwt_validator: exactly the token address, alone or in a list; a slash at its end is too much."""
        if token_url not in several(audience):
            raise OAuthError("invalid_request", "the 'aud' is invalid")

    @contextmanager
    def within_quota(self, access_token: str) -> Iterator[dict[str, str]]:
        """CANVAS, throttling: the quota is the token's, and each call holds a part of it while it lasts."""
        if not self._quota.begin(access_token):
            raise ServiceError(403, OVER_LIMIT)
        headers: dict[str, str] = {}
        try:
            yield headers
        finally:
            headers |= self._quota.end(access_token)

    def throttled(self) -> Response:
        """CANVAS, throttling: 403, in plain text."""
        return Response(f"{OVER_LIMIT}\n", 403, {"X-Rate-Limit-Remaining": "0.0"}, mimetype="text/plain")

    def member(self, member: dict[str, Any]) -> dict[str, Any]:
        """CANVAS, names and roles: the message of a member tells its own ids of the person."""
        for message in member.get("message", []):
            message["https://www.instructure.com/canvas_user_id"] = crc32(member["user_id"].encode())
            message["https://www.instructure.com/canvas_user_login_id"] = member["user_id"]
        return member

    def check_time(self, timestamp: int, last: int) -> None:
        """CANVAS, scores: only an older one is refused, with 400."""
        if timestamp < last:
            raise ServiceError(400, f"Provided timestamp of {timestamp} before last updated timestamp of {last}")

    def graded(self, score: Score, maximum: float, before: Grade) -> Grade:
        """CANVAS, scores, with the extension: an attempt unless said otherwise; a score that does not count erases
        the grade unless it is to be preserved; a person's grade stays only if asked for; comments add up.
        """
        _check_hand_in(score)
        asked = score.extensions.get(SUBMISSION, {})
        attempts = before.attempts + (asked.get("new_submission", True) is True)
        if attempts > ATTEMPTS:
            raise ServiceError(422, "this person has no attempts left")
        comments = [comment for comment in (before.comment, score.comment) if comment]
        kept = replace(before, comment="\n".join(comments) or None, attempts=attempts)
        if before.overridden_by and asked.get("prioritize_non_tool_grade") is True:
            return kept
        value = self.value(score, maximum)
        if value is None and asked.get("preserve_score") is True:
            return kept
        return replace(kept, score=value, overridden_by=None, overridden_at=None)

    reviews = False  # CANVAS, registration: only resource links and deep linking

    def work_url(self, score: Score) -> str | None:
        """CANVAS, scores, with the extension: an attempt may be a launch of the tool at an address of its own."""
        asked = score.extensions.get(SUBMISSION, {})
        is_launch = asked.get("submission_type") == "basic_lti_launch" and asked.get("new_submission", True) is True
        return str(asked["submission_data"]) if is_launch else None

    def result(self, result: dict[str, Any]) -> dict[str, Any]:
        """CANVAS, results: comments are not among them, nor is who scored."""
        return {name: value for name, value in result.items() if name not in ("comment", "scoringUserId")}


def _check_hand_in(score: Score) -> None:
    handed_in = (score.submission or {}).get("submittedAt")
    if handed_in and parse_moment(handed_in) > datetime.now(UTC) + AHEAD:
        raise ServiceError(400, "submittedAt lies in the future")


def _covers(redirect_uri: str, registered: str) -> bool:
    asked, known = urlsplit(redirect_uri), urlsplit(registered)
    same = asked._replace(query="") == known._replace(query="")
    return same and set(parse_qsl(known.query)) <= set(parse_qsl(asked.query))


class Quota:
    """A bucket for each token that calls fill and time empties."""

    SIZE = 600.0
    HELD = 50.0  # by a call as long as it lasts
    COST = 1.0  # of a call that is over
    LEAK = 10.0  # each second

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def begin(self, access_token: str) -> bool:
        """Let a call in, if there is room for it."""
        with self._lock:
            level, now = self._level(access_token)
            if level + self.HELD > self.SIZE:
                return False
            self._levels[access_token] = level + self.HELD, now
            return True

    def end(self, access_token: str) -> dict[str, str]:
        """A call is over: what it has cost and what remains, as headers."""
        with self._lock:
            level, now = self._level(access_token)
            level = max(0.0, level - self.HELD + self.COST)
            self._levels[access_token] = level, now
        return {"X-Request-Cost": f"{self.COST}", "X-Rate-Limit-Remaining": f"{self.SIZE - level:.1f}"}

    def _level(self, access_token: str) -> tuple[float, float]:
        now = time.monotonic()
        level, at = self._levels.get(access_token, (0.0, now))
        return max(0.0, level - (now - at) * self.LEAK), now
