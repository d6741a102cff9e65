"""A score as it arrives, checked member by member.

Source: Assignment and Grade Services 2.0, section 3.4 (https://www.imsglobal.org/spec/lti-ags/v2p0#score-publish-service).
"""

from dataclasses import dataclass
from typing import Any

from lti_tool.sandbox.figures import as_number
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.times import microseconds, parse_moment

ACTIVITY_PROGRESS = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
GRADING_PROGRESS = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
BEFORE_SUBMISSION = ("Initialized", "Started", "InProgress")


@dataclass(frozen=True)
class Score:
    """A score whose members all keep their rules."""

    user_id: str
    given: float | None
    """None clears."""
    maximum: float
    activity: str
    grading: str
    timestamp: int
    """Microseconds since 1970."""
    comment: str | None
    scoring_user: str | None
    submission: dict[str, str] | None
    extensions: dict[str, Any]
    """Members named by a full URL."""


def parsed(body: dict[str, Any]) -> Score:
    """The score that a tool sent. Raises ServiceError 400, which names the member that breaks its rule."""
    given, maximum = _given_of_maximum(body)
    return Score(
        user_id=_text(body, "userId", required=True) or "",
        given=given,
        maximum=maximum,
        activity=_one_of(body, "activityProgress", ACTIVITY_PROGRESS),
        grading=_one_of(body, "gradingProgress", GRADING_PROGRESS),
        timestamp=_moment(body, "timestamp"),
        comment=_text(body, "comment"),
        scoring_user=_scoring_user(body),
        submission=_submission(body),
        extensions={name: value for name, value in body.items() if "://" in name},
    )


def _text(body: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or (required and not value):
        raise ServiceError(400, f"{name} must be a text")
    return value


def _one_of(body: dict[str, Any], name: str, values: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in values:
        raise ServiceError(400, f"{name} must be one of {', '.join(values)}")
    return str(value)


def _moment(body: dict[str, Any], name: str) -> int:
    try:
        return microseconds(parse_moment(body.get(name)))
    except ValueError as error:
        raise ServiceError(400, f"{name}: {error}") from error


def _given_of_maximum(body: dict[str, Any]) -> tuple[float | None, float]:
    if body.get("scoreGiven") is None:
        return None, 1
    given, maximum = _number(body, "scoreGiven"), _number(body, "scoreMaximum")
    if given < 0 or maximum <= 0:
        raise ServiceError(400, "scoreGiven must be 0 or more, and scoreMaximum above 0")
    return given, maximum


def _number(body: dict[str, Any], name: str) -> float:
    number = as_number(body.get(name))
    if number is None:
        raise ServiceError(400, f"{name} must be a number, and scoreGiven needs a scoreMaximum")
    return number


def _scoring_user(body: dict[str, Any]) -> str | None:
    if "scoringUserId" not in body:
        return None
    return _text(body, "scoringUserId", required=True)


def _submission(body: dict[str, Any]) -> dict[str, str] | None:
    submission = body.get("submission")
    if submission is None:
        return None
    if not isinstance(submission, dict):
        raise ServiceError(400, "submission must be an object")
    moments = [_moment(submission, name) for name in ("startedAt", "submittedAt") if name in submission]
    if len(moments) == 2 and moments[0] > moments[1]:
        raise ServiceError(400, "submittedAt lies before startedAt")
    return {name: submission[name] for name in ("startedAt", "submittedAt") if name in submission}
