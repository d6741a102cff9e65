"""Canvas, by Instructure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lti_tool.lti.families.standard import Standard

if TYPE_CHECKING:
    from lti_tool.lti.grades import Score

EXTENSION = "https://canvas.instructure.com/lti/"
SUBMISSION = f"{EXTENSION}submission"


class Canvas(Standard):
    """Appends comments, erases a grade on a progress report, and throttles with 403."""

    name = "canvas"
    codes = ("canvas",)
    cloud_issuers = frozenset(f"https://canvas.{stage}instructure.com" for stage in ("", "beta.", "test."))
    cloud_domains = ("instructure.com", "canvaslms.com")

    def stated_audience(self, _authorization_server: str) -> None:
        """What it names as its `authorization_server` is a bare host, which its tokens do not take.

        Source: CANVAS, registration.
        """

    def institution(self, platform: Mapping[str, Any]) -> str | None:
        """It names the account that the tool is installed into.

        Source: CANVAS, registration.
        """
        name = platform.get(f"{EXTENSION}account_name")
        return name if isinstance(name, str) else None

    def registration_message(self, message: dict[str, Any]) -> dict[str, Any]:
        """A place in the menu shows in every course at once, unless teachers are to switch it on where they want it.

        Source: CANVAS, registration.
        """
        if "course_navigation" not in message.get("placements", ()):
            return message
        return message | {f"{EXTENSION}course_navigation/default_enabled": False}

    def tool_configuration(self) -> dict[str, Any]:
        """Names and e-mail addresses are kept back unless the privacy level `public` is asked for.

        Source: CANVAS, registration.
        """
        return {f"{EXTENSION}privacy_level": "public", f"{EXTENSION}tool_id": "peerloop"}

    @property
    def section_variable(self) -> str:
        """A person may be in several sections of one course, whose names come as a list.

        Source: CANVAS, variables.
        """
        return "$com.instructure.User.sectionNames"

    @property
    def concurrency(self) -> int:
        """One call is in flight at a time: the quota belongs to the token, and calls side by side use it up faster.

        Source: CANVAS, throttling.
        """
        return 1

    def audience(self, token_url: str) -> str:
        """The audience is the token address without a trailing slash, else 400 "the 'aud' is invalid".

        Source: CANVAS, `jwt_validator`.
        """
        return token_url.rstrip("/")

    def is_throttled(self, status: int, excerpt: str, headers: Mapping[str, str]) -> bool:
        """Over the limit it answers 403 with "Rate Limit Exceeded", or with nothing left in X-Rate-Limit-Remaining.

        Source: CANVAS, throttling.
        """
        if status != 403:
            return super().is_throttled(status, excerpt, headers)
        return "rate limit exceeded" in excerpt.lower() or _is_used_up(headers.get("X-Rate-Limit-Remaining", ""))

    def is_ungradable(self, status: int) -> bool:
        """A score for somebody who is unknown or no student is answered with 422.

        Source: CANVAS, scores.
        """
        return status == 422

    @property
    def replaces_comments(self) -> bool:
        """Each comment is added to those before, so a person's is never lost.

        Source: CANVAS, scores.
        """
        return False

    def takes_comment(self, score: Score) -> bool:
        """Each comment is added to those before, so only a final value carries one.

        Source: CANVAS, scores.
        """
        return score.is_final

    def score_extension(self, score: Score) -> dict[str, Any]:
        """A person's first score is an attempt, with a link to the work; later ones are none. All spare a teacher's
        grade, and a mere progress report erases nothing.

        Without these members a score counts as an attempt and replaces a teacher's grade, and one without a
        value erases the grade. A score that an instructor chose to send over a teacher's grade does replace it.

        Source: CANVAS, scores.
        """
        submission: dict[str, Any] = {
            "new_submission": False,
            "preserve_score": score.given is None and not score.takes_back,
            "prioritize_non_tool_grade": not score.overrules,
        }
        if score.review_url is not None:
            submission |= {
                "new_submission": True,
                "submission_type": "basic_lti_launch",
                "submission_data": score.review_url,
            }
        return {SUBMISSION: submission}


def _is_used_up(remaining: str) -> bool:
    try:
        return float(remaining) <= 0
    except ValueError:
        return False
