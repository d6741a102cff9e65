"""Columns, scores and results in an LMS's gradebook. https://www.imsglobal.org/spec/lti-ags/v2p0"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog

from lti_tool.lti.addresses import origin
from lti_tool.lti.claims import is_identity, plain
from lti_tool.lti.client import Answer
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import Refused, Ungradable
from lti_tool.lti.families import Standard
from lti_tool.lti.launch import GradeService
from lti_tool.lti.paging import pages, with_query

_SCOPES = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPE_LINE_ITEM = _SCOPES + "lineitem"
SCOPE_LINE_ITEM_READ = _SCOPES + "lineitem.readonly"
SCOPE_SCORE = _SCOPES + "score"
SCOPE_RESULT = _SCOPES + "result.readonly"

LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"

NOT_FOUND = 404
# Whoever has begun has something to be looked at. https://www.imsglobal.org/spec/lti-sr/v1p0
REVIEW = {"reviewableStatus": ["InProgress", "Submitted", "Completed"]}
# A score beyond this, or out of less than its inverse, is a mistake of whoever sent it.
LARGEST = 1e9
ADDRESS_LENGTH = 2000  # of a line item, which is its id

log = structlog.get_logger(__name__)


class Activity(StrEnum):
    """How far a learner has come. https://www.imsglobal.org/spec/lti-ags/v2p0#activityprogress"""

    INITIALIZED = "Initialized"
    STARTED = "Started"
    IN_PROGRESS = "InProgress"
    SUBMITTED = "Submitted"
    COMPLETED = "Completed"


class Grading(StrEnum):
    """How far grading has come. https://www.imsglobal.org/spec/lti-ags/v2p0#gradingprogress"""

    FULLY_GRADED = "FullyGraded"
    PENDING = "Pending"
    PENDING_MANUAL = "PendingManual"
    FAILED = "Failed"
    NOT_READY = "NotReady"


@dataclass(frozen=True, slots=True)
class LineItem:
    """A column. `id` is its address, None while the LMS has not made it."""

    label: str
    score_maximum: float
    resource_id: str
    tag: str
    id: str | None = None
    resource_link_id: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What a column should show for a person; without `given` it clears what this tool sent before.

    `timestamp` must rise strictly for each column and person. A score without `comment` clears our comment.
    Without `given` and `takes_back` it only reports progress, for an LMS that can tell the two apart. It
    `overrules` where an instructor chose that it replaces a grade which a person set.
    `review_url` opens the work behind a person's first score, for an LMS that keeps such a link.
    """

    user_id: str
    timestamp: datetime
    activity: Activity
    grading: Grading
    given: float | None = None
    maximum: float | None = None
    comment: str | None = None
    takes_back: bool = True
    overrules: bool = False
    review_url: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to come."""
        return self.given is not None and self.activity is Activity.COMPLETED and self.grading is Grading.FULLY_GRADED

    def __post_init__(self) -> None:
        if self.timestamp.tzinfo is None:
            raise ValueError("a score's timestamp needs a zone")
        if self.given is not None and not (math.isfinite(self.given) and self.given >= 0):
            raise ValueError("a score is a number from 0")
        if self.given is not None and (self.maximum is None or self.maximum <= 0):
            raise ValueError("a score needs a maximum above 0")


@dataclass(frozen=True, slots=True)
class Result:
    """What a column shows for a person, whoever set it. `score` is None where the LMS leaves it out.

    Moodle leaves it out for a grade of exactly 0, so None means unknown rather than ungraded.
    """

    user_id: str
    score: float | None
    maximum: float
    comment: str | None = None
    scorer_id: str | None = None


def line_items(
    connection: Connection, service: GradeService, *, resource_id: str | None = None, tag: str | None = None
) -> Iterator[LineItem]:
    """The columns that the LMS lets this tool write to, with these keys if given (it may ignore the filter)."""
    url = with_query(_items_url(service), resource_id=resource_id, tag=tag)
    rules = connection.registration.rules
    scope = SCOPE_LINE_ITEM if SCOPE_LINE_ITEM in service.scopes else SCOPE_LINE_ITEM_READ
    for number, answer in pages(connection, "grades", url, scope=scope, accept=LINE_ITEMS_TYPE):
        for entry in _rows(answer, number):
            item = _line_item(entry, origin(url))
            if item is not None and rules.may_write(entry):
                yield item


def find(connection: Connection, service: GradeService, wanted: LineItem) -> LineItem | None:
    """The column with the (resource_id, tag) of `wanted` as the LMS has it, if it has one.

    https://www.imsglobal.org/spec/lti-ags/v2p0#resourceid-and-tag
    """
    found = line_items(connection, service, resource_id=wanted.resource_id, tag=wanted.tag)
    return next((item for item in found if (item.resource_id, item.tag) == (wanted.resource_id, wanted.tag)), None)


def find_or_create(connection: Connection, service: GradeService, wanted: LineItem) -> LineItem:
    """The same; created only if there is none."""
    found = find(connection, service, wanted)
    if found is not None:
        return found
    if SCOPE_LINE_ITEM not in service.scopes:
        raise Refused("grades", "the LMS does not let this tool create columns")
    url = _items_url(service)
    answer = connection.call(
        "grades",
        "POST",
        url,
        scopes=(SCOPE_LINE_ITEM,),
        accept=LINE_ITEM_TYPE,
        content=(LINE_ITEM_TYPE, _encode(connection.registration.rules.new_line_item(_item_body(wanted)))),
    )
    made = _line_item(answer.json(), origin(url))
    if made is None:
        raise answer.unreadable("the answer is not a column")
    # The keys are ours whatever the answer repeats; the rest is as the LMS stored it.
    return replace(made, resource_id=wanted.resource_id, tag=wanted.tag)


def delete(connection: Connection, line_item_url: str) -> None:
    """Remove a column of ours with all that it shows; one that is gone already is as good. Raises LmsError.

    https://www.imsglobal.org/spec/lti-ags/v2p0#line-item-service
    """
    try:
        connection.call("grades", "DELETE", line_item_url, scopes=(SCOPE_LINE_ITEM,))
    except Refused as error:
        if error.status != NOT_FOUND:
            raise


def post_score(connection: Connection, line_item_url: str, score: Score) -> None:
    """Send a score.

    Raises Superseded when the LMS holds one as new or newer, Ungradable when it does not grade this person,
    Retryable with `answer_lost` when it may have been stored, or another LmsError.
    """
    rules = connection.registration.rules
    try:
        connection.call(
            "grades",
            "POST",
            under(line_item_url, "scores"),
            scopes=(SCOPE_SCORE,),
            content=(SCORE_TYPE, _encode(_score_body(score, rules))),
        )
    except Refused as error:
        if error.status is None or not rules.is_ungradable(error.status):
            raise
        reason = "the LMS does not grade this person"
        raise Ungradable("grades", reason, status=error.status, excerpt=error.excerpt) from error


def read_results(connection: Connection, line_item_url: str, *, user_id: str | None = None) -> Iterator[Result]:
    """What a column shows, for everybody or for one person, read page by page."""
    url = with_query(under(line_item_url, "results"), user_id=user_id)
    for number, answer in pages(connection, "grades", url, scope=SCOPE_RESULT, accept=RESULTS_TYPE):
        rows = _rows(answer, number)
        results = [result for row in rows if (result := _result(row))]
        if len(results) < len(rows):
            log.warning("results not understood", page=number, skipped=len(rows) - len(results))
        yield from results


def under(line_item_url: str, name: str) -> str:
    """The address of `scores` or `results`: added to the path, before the query.

    https://www.imsglobal.org/spec/lti-ags/v2p0#line-item-service
    """
    parts = urlsplit(line_item_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _items_url(service: GradeService) -> str:
    if service.line_items_url is None:
        raise Refused("grades", "the LMS offers this tool no columns in this course")
    return service.line_items_url


def _rows(answer: Answer, number: int) -> list[Any]:
    data = answer.json(f"page {number}")
    if not isinstance(data, list):
        raise answer.unreadable(f"page {number} is not a list")
    return data


def _line_item(entry: Any, home: str | None) -> LineItem | None:
    """A column, if it is one and lies where its service lies: our token must not go elsewhere."""
    if not isinstance(entry, dict):
        return None
    url, maximum = entry.get("id"), _number(entry.get("scoreMaximum"))
    if not isinstance(url, str) or origin(url) != home or maximum is None:
        return None
    if len(url) > ADDRESS_LENGTH or not url.isprintable():
        return None
    return LineItem(
        label=_text(entry, "label") or "",
        score_maximum=maximum,
        resource_id=_text(entry, "resourceId") or "",
        tag=_text(entry, "tag") or "",
        id=url,
        resource_link_id=_text(entry, "resourceLinkId"),
        starts_at=_time(entry.get("startDateTime")),
        ends_at=_time(entry.get("endDateTime")),
    )


def _result(entry: Any) -> Result | None:
    if not isinstance(entry, dict) or not is_identity(entry.get("userId")):
        return None
    score, maximum = _number(entry.get("resultScore")), _number(entry.get("resultMaximum"))
    if score is None and entry.get("resultScore") is not None:
        return None
    if abs(score or 0.0) > LARGEST or 0 < abs(1.0 if maximum is None else maximum) < 1 / LARGEST:
        return None
    return Result(
        user_id=entry["userId"],
        score=score,
        maximum=1.0 if maximum is None else maximum,
        comment=_text(entry, "comment", 10_000),
        scorer_id=_text(entry, "scoringUserId"),
    )


def _item_body(item: LineItem) -> dict[str, Any]:
    return present(
        label=item.label,
        scoreMaximum=item.score_maximum,
        resourceId=item.resource_id,
        tag=item.tag,
        resourceLinkId=item.resource_link_id,
        startDateTime=stamp(item.starts_at),
        endDateTime=stamp(item.ends_at),
        submissionReview=REVIEW,
    )


def _score_body(score: Score, rules: Standard) -> dict[str, Any]:
    body = present(
        userId=score.user_id,
        scoreGiven=score.given,
        scoreMaximum=score.maximum if score.given is not None else None,
        activityProgress=score.activity,
        gradingProgress=score.grading,
        timestamp=stamp(score.timestamp),
        comment=score.comment if rules.takes_comment(score) else None,
    )
    return body | rules.score_extension(score)


def present(**values: Any) -> dict[str, Any]:
    """The members of a message that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, allow_nan=False).encode()


def stamp(time: datetime | None) -> str | None:
    """A time as messages carry it: ISO 8601 in UTC with milliseconds."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(entry: dict[str, Any], key: str, length: int = 255) -> str | None:
    value = entry.get(key)
    return plain(value, length) if isinstance(value, str) else None
