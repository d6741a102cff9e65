"""Whether an LMS does all that Peerloop needs of it, tried out step by step. No database.

A check leaves nothing behind: the column that it makes is removed again, and the next check removes one that
could not be. A score goes to a test student or to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial

from lti_tool import clock
from lti_tool.lti import grades, memberships, platform_keys
from lti_tool.lti.client import Answer, LmsClient
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import LmsError, Refused, Retryable, Throttled, Unauthorised, Unreadable, own_words
from lti_tool.lti.grades import Activity, Grading, LineItem, Score
from lti_tool.lti.keyring import SigningKey
from lti_tool.lti.launch import GradeService
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tokens import Tokens

LONGEST_SECONDS = 120.0  # no step begins later than this
LARGEST_OFFSET_SECONDS = 30.0  # Canvas refuses an assertion that is dated further ahead
COLUMN = LineItem("Peerloop check", 1.0, resource_id="peerloop-check", tag="check")
SAID_LENGTH = 200


class Point(StrEnum):
    """What is tried, in this order."""

    KEYS = "keys"
    TOKEN_ROSTER = "token-roster"  # noqa: S105 - the name of a step
    TOKEN_COLUMNS = "token-columns"  # noqa: S105
    TOKEN_SCORES = "token-scores"  # noqa: S105
    TOKEN_RESULTS = "token-results"  # noqa: S105
    ROSTER = "roster"
    COLUMN = "column"
    SCORE = "score"
    RESULT = "result"
    REMOVAL = "removal"
    CLOCK = "clock"


SCOPES: Mapping[Point, str] = {
    Point.TOKEN_ROSTER: memberships.SCOPE,
    Point.TOKEN_COLUMNS: grades.SCOPE_LINE_ITEM,
    Point.TOKEN_SCORES: grades.SCOPE_SCORE,
    Point.TOKEN_RESULTS: grades.SCOPE_RESULT,
}


class Outcome(StrEnum):
    """How a step came out; `OMITTED` means that it could not be tried, and the cause says why."""

    GOOD = "good"
    BAD = "bad"
    OMITTED = "omitted"


class Cause(StrEnum):
    """Why a step did not come out well."""

    UNREACHABLE = "unreachable"  # no whole answer came
    NOT_THERE = "not-there"  # the LMS has nothing at this address
    FAULTY = "faulty"  # the LMS says that it has a problem, or is too busy
    DENIED = "denied"  # no token, or one that is not accepted
    NOT_GRANTED = "not-granted"  # a token without the scope
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    NOT_OFFERED = "not-offered"  # the last launch named no such service
    EMPTY = "empty"
    DIFFERENT = "different"  # another score is read than was sent
    CLOCKS_DIFFER = "clocks-differ"
    NO_COURSE = "no-course"
    NO_TEST_STUDENT = "no-test-student"
    NOT_GRADED = "not-graded"  # the LMS takes no score for its test student
    NOT_WANTED = "not-wanted"  # a check that writes nothing was asked for
    NEEDS_OTHER = "needs-other"  # a step before it failed
    TOO_LONG = "too-long"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one step came out. `said` is what the LMS answered, without tokens; `figure` counts keys, people, or
    the seconds by which the clock of the LMS is ahead."""

    point: Point
    outcome: Outcome
    cause: Cause | None = None
    said: str = ""
    status: int | None = None
    figure: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: a deployment, and a course of it if one is known. `test_student` is a user id."""

    registration: Registration
    deployment_id: str
    has_course: bool = False
    memberships_url: str | None = None
    grades: GradeService | None = None
    test_student: str | None = None
    may_write: bool = True


def examine(
    subject: Subject, signer: Callable[[], SigningKey], *, timeout: float, allow_private: bool
) -> Generator[Finding]:
    """Try every step and tell how it came out, each when it is done, all within some minutes.

    The findings about the gradebook come together, so whoever stops after one of them leaves nothing behind.
    """
    client = _Listening(timeout=timeout, allow_private=allow_private)
    try:
        yield from _Examination(subject, signer, client).run()
    finally:
        client.close()


class _Listening(LmsClient):
    """Notes how far the clock of the LMS is from ours; its connections are new ones, as is due for a check."""

    offset: timedelta | None = None

    def send(
        self,
        service: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        most: int | None = None,
    ) -> Answer:
        began = clock.wall()
        answer = super().send(service, method, url, headers=headers, body=body, most=most)
        self._note(answer, began + (clock.wall() - began) / 2)
        return answer

    def _note(self, answer: Answer, ours: datetime) -> None:
        """Keep the least distance seen: the others are longer on the way. An old copy (RFC 9111) tells no time."""
        if "Age" in answer.headers:
            return
        try:
            theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
            # The header has no fraction of its second.
            offset = theirs + timedelta(seconds=0.5) - ours
        except (ValueError, TypeError, OverflowError):
            return
        if self.offset is None or abs(offset) < abs(self.offset):
            self.offset = offset


class _Examination:
    def __init__(self, subject: Subject, signer: Callable[[], SigningKey], client: _Listening) -> None:
        self._subject = subject
        self._client = client
        self._connection = Connection(client, Tokens(client), subject.registration, subject.deployment_id, signer)
        self._granted: set[Point] = set()
        self._is_silent = False

    def run(self) -> Iterator[Finding]:
        """Every step in its order."""
        steps: list[tuple[tuple[Point, ...], Callable[[], Iterable[Finding]]]] = [
            ((Point.KEYS,), self._keys),
            *(((point,), partial(self._token, point)) for point in SCOPES),
            ((Point.ROSTER,), self._roster),
            ((Point.COLUMN, Point.SCORE, Point.RESULT, Point.REMOVAL), self._gradebook),
            ((Point.CLOCK,), self._clock),
        ]
        until = time.monotonic() + LONGEST_SECONDS
        for points, step in steps:
            yield from step() if time.monotonic() < until else _omitted(points, Cause.TOO_LONG)

    def _keys(self) -> list[Finding]:
        try:
            answer = platform_keys.ask(self._client, self._subject.registration.jwks_url)
            keys = [key for key in platform_keys.parse(answer).values() if key.key_size >= platform_keys.MIN_BITS]
        except LmsError as error:
            return [_failed(Point.KEYS, error)]
        if not keys:
            return [Finding(Point.KEYS, Outcome.BAD, Cause.EMPTY)]
        return [Finding(Point.KEYS, Outcome.GOOD, figure=len(keys))]

    def _token(self, point: Point) -> list[Finding]:
        if self._is_silent:
            return _omitted((point,), Cause.NEEDS_OTHER)
        try:
            self._connection.tokens.get(self._connection, (SCOPES[point],))
        except LmsError as error:
            found = _failed(point, error)
            self._is_silent = found.cause is Cause.UNREACHABLE
            return [found]
        self._granted.add(point)
        return [Finding(point, Outcome.GOOD)]

    def _roster(self) -> list[Finding]:
        """The first page: that the whole of it can be read, each reading shows."""
        url = self._subject.memberships_url
        if (missing := self._missing(url, Point.TOKEN_ROSTER)) is not None:
            return [_not_tried(Point.ROSTER, missing)]
        try:
            page = next(memberships.read_pages(self._connection, str(url)))
        except LmsError as error:
            return [_failed(Point.ROSTER, error)]
        if not page.members:
            return [Finding(Point.ROSTER, Outcome.BAD, Cause.EMPTY)]
        return [Finding(Point.ROSTER, Outcome.GOOD, figure=len(page.members))]

    def _missing(self, url: str | None, *tokens: Point) -> Cause | None:
        """Why a service of the course cannot be tried."""
        if not self._subject.has_course:
            return Cause.NO_COURSE
        if url is None:
            return Cause.NOT_OFFERED
        return None if self._granted.issuperset(tokens) else Cause.NEEDS_OTHER

    def _gradebook(self) -> list[Finding]:
        later = (Point.SCORE, Point.RESULT, Point.REMOVAL)
        service = self._subject.grades
        missing = self._missing(service.line_items_url if service else None, Point.TOKEN_COLUMNS)
        if service is None or missing is not None:
            return [_not_tried(Point.COLUMN, missing or Cause.NOT_OFFERED), *_omitted(later, Cause.NEEDS_OTHER)]
        if not self._subject.may_write:
            return _omitted((Point.COLUMN, *later), Cause.NOT_WANTED)
        made: set[str] = set()
        try:
            column = grades.find_or_create(self._connection, service, COLUMN)
            made.add(str(column.id))
            found = [Finding(Point.COLUMN, Outcome.GOOD), *self._score(column)]
        except LmsError as error:
            found = [_failed(Point.COLUMN, error), *_omitted(later[:2], Cause.NEEDS_OTHER)]
        return [*found, self._removal(service, made)]

    def _score(self, column: LineItem) -> list[Finding]:
        student = self._subject.test_student
        if student is None:
            return _omitted((Point.SCORE, Point.RESULT), Cause.NO_TEST_STUDENT)
        if Point.TOKEN_SCORES not in self._granted:
            return _omitted((Point.SCORE, Point.RESULT), Cause.NEEDS_OTHER)
        sent = Score(
            student, clock.wall(), Activity.COMPLETED, Grading.FULLY_GRADED, given=1.0, maximum=COLUMN.score_maximum
        )
        try:
            grades.post_score(self._connection, str(column.id), sent)
        except Refused as error:
            # No status tells "not this person" from "not this score", and many an LMS grades no test student.
            refused = _failed(Point.SCORE, error, Cause.NOT_GRADED, Outcome.OMITTED)
            return [refused, *_omitted((Point.RESULT,), Cause.NEEDS_OTHER)]
        except LmsError as error:
            return [_failed(Point.SCORE, error), *_omitted((Point.RESULT,), Cause.NEEDS_OTHER)]
        return [Finding(Point.SCORE, Outcome.GOOD), self._result(column, sent)]

    def _result(self, column: LineItem, sent: Score) -> Finding:
        if Point.TOKEN_RESULTS not in self._granted:
            return _not_tried(Point.RESULT, Cause.NEEDS_OTHER)
        try:
            results = list(grades.read_results(self._connection, str(column.id), user_id=sent.user_id))
        except LmsError as error:
            return _failed(Point.RESULT, error)
        shown = [result for result in results if result.user_id == sent.user_id and result.score is not None]
        if not any(result.score == sent.given for result in shown):
            return Finding(Point.RESULT, Outcome.BAD, Cause.DIFFERENT)
        return Finding(Point.RESULT, Outcome.GOOD)

    def _removal(self, service: GradeService, made: set[str]) -> Finding:
        """Removes the column, and with it its score; and whatever column an earlier check had to leave."""
        keys = (COLUMN.resource_id, COLUMN.tag)
        try:
            listed = grades.line_items(self._connection, service, resource_id=keys[0], tag=keys[1])
            left = made | {str(item.id) for item in listed if (item.resource_id, item.tag) == keys}
            for url in sorted(left):
                grades.delete(self._connection, url)
        except LmsError as error:
            return _failed(Point.REMOVAL, error)
        return Finding(Point.REMOVAL, Outcome.GOOD) if left else _not_tried(Point.REMOVAL, Cause.NEEDS_OTHER)

    def _clock(self) -> list[Finding]:
        offset = self._client.offset
        if offset is None:
            return _omitted((Point.CLOCK,), Cause.NEEDS_OTHER)
        seconds = round(offset.total_seconds())
        if abs(seconds) > LARGEST_OFFSET_SECONDS:
            return [Finding(Point.CLOCK, Outcome.BAD, Cause.CLOCKS_DIFFER, figure=seconds)]
        return [Finding(Point.CLOCK, Outcome.GOOD, figure=seconds)]


def _omitted(points: Iterable[Point], cause: Cause) -> list[Finding]:
    return [Finding(point, Outcome.OMITTED, cause) for point in points]


def _not_tried(point: Point, cause: Cause) -> Finding:
    """What the LMS does not offer is wrong; what lacks something else is only left out."""
    return Finding(point, Outcome.BAD if cause is Cause.NOT_OFFERED else Outcome.OMITTED, cause)


def _failed(point: Point, error: LmsError, cause: Cause | None = None, outcome: Outcome = Outcome.BAD) -> Finding:
    said = own_words(error.excerpt) or error.reason
    return Finding(point, outcome, cause or _cause(error), said[:SAID_LENGTH], error.status)


def _cause(error: LmsError) -> Cause:
    match error:
        case LmsError(status=404 | 410):
            return Cause.NOT_THERE
        case Throttled():
            return Cause.FAULTY
        case Retryable():
            return Cause.UNREACHABLE if error.status is None else Cause.FAULTY
        case Unauthorised():
            lacks_scope = (error.status or 0) < 400 or "invalid_scope" in error.excerpt
            return Cause.NOT_GRANTED if lacks_scope else Cause.DENIED
        case Unreadable():
            return Cause.UNREADABLE
        case _:
            return Cause.REFUSED
