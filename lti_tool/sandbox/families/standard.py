"""The LMS that does just what the standard says."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Response

from lti_tool.sandbox.figures import rescaled
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.refusals import OAuthError, ServiceError
from lti_tool.sandbox.score import Score
from lti_tool.sandbox.vocabulary import (
    ADMIN_ROLES,
    ALLOWED_SCOPES,
    MEDIA_ROSTER,
    MEDIA_SCORE,
    MEMBERSHIP,
    SCOPE_GROUPS,
    TEST_USER,
)

CUSTOM = {
    "tz": "$Person.address.timezone",
    "context_history": "$Context.id.history",
    "link_history": "$ResourceLink.id.history",
}
EVERY_KIND = frozenset({"learner", "instructor", "ta", "mentor", "test"})


@dataclass(frozen=True)
class Addresses:
    """Where an LMS has its endpoints, written as routes. Scores and results lie below a line item.

    One without a service of groups has no addresses for it.
    """

    auth: str = "/auth"
    token: str = "/token"  # noqa: S105  an address
    jwks: str = "/jwks"
    memberships: str = "/api/courses/<course_id>/memberships"
    line_items: str = "/api/courses/<course_id>/lineitems"
    line_item: str = "/api/courses/<course_id>/lineitems/<int:item_id>"
    groups: str | None = None
    group_sets: str | None = None


@dataclass(frozen=True)
class Grade:
    """What a cell of the gradebook shows, whoever set it, and how often a tool handed in."""

    score: float | None = None
    comment: str | None = None
    overridden_by: str | None = None
    overridden_at: str | None = None
    attempts: int = 0


def several(audience: object) -> list[Any]:
    """The audiences of an assertion, which names one alone or a list."""
    return audience if isinstance(audience, list) else [audience]


class Standard:
    """Plays no LMS in particular. A subclass plays one, and cites for each member what it is known from."""

    name: ClassVar[str] = "standard"
    product: ClassVar[str] = "peerloop-sandbox"
    """Claim tool_platform, product_family_code."""
    issuer: ClassVar[str | None] = None
    """None for an LMS whose issuer is its own address."""
    addresses: ClassVar[Addresses] = Addresses(
        groups="/api/courses/<course_id>/groups", group_sets="/api/courses/<course_id>/groupsets"
    )
    kinds: ClassVar[frozenset[str]] = EVERY_KIND
    """The kinds of people that a course may hold."""
    role_uris: ClassVar[dict[str, list[str]]] = {
        "learner": [f"{MEMBERSHIP}#Learner"],
        "instructor": [f"{MEMBERSHIP}#Instructor"],
        "ta": [f"{MEMBERSHIP}/Instructor#TeachingAssistant", f"{MEMBERSHIP}#Instructor"],
        "mentor": [f"{MEMBERSHIP}#Mentor"],
    }
    admin_roles: ClassVar[list[str]] = ADMIN_ROLES

    # -- Registration by an address of the tool

    takes_address: ClassVar[bool] = True
    tells_deployment: ClassVar[bool] = True
    """Whether the answer to a registration holds the deployment id."""

    # -- Tokens

    shown_audience: ClassVar[str | None] = None
    """The audience that the administrator's page tells, where it tells one."""
    algorithms: ClassVar[tuple[str, ...]] = ("RS256",)
    refused_client: ClassVar[int] = 401
    """The status of a refused assertion."""
    longest_assertion: ClassVar[int] = 600
    """Seconds."""
    reads_jti_once: ClassVar[bool] = True

    # -- Launches

    custom: ClassVar[dict[str, str]] = CUSTOM
    """The custom parameters of a link that was placed by hand."""
    unknown_variables: ClassVar[frozenset[str]] = frozenset()
    """Variables that come back as they are written."""
    one_launch_at_a_time: ClassVar[bool] = False
    """Whether a person's second launch makes the first one's message hint void."""
    spent_hint: ClassVar[str | None] = None
    """The error for a message hint that was answered before; None where it may be answered again."""
    storage: ClassVar[Storage] = Storage.NONE
    """How it keeps a tool's state and nonce where cookies are blocked."""

    # -- Services

    item_query: ClassVar[bool] = True
    """Whether addresses of line items end in a query string that must come back."""
    roster_page: ClassVar[int | None] = 25
    """How many people a page holds when nothing is asked; None for all."""
    largest_page: ClassVar[int | None] = 100
    wrong_content: ClassVar[int] = 415
    """The status for a body of another media type."""
    score_types: ClassVar[tuple[str, ...]] = (MEDIA_SCORE,)
    link_filters: ClassVar[tuple[str, ...]] = ("resource_link_id",)
    """What the filter by link is called in the query of line items."""
    foreign_column: ClassVar[dict[str, Any] | None] = None
    """What marks a column of others in the list of line items; None where they are not listed."""
    counted: ClassVar[tuple[str, ...]] = ("FullyGraded",)
    """The gradingProgress under which a score shows."""
    ungradable: ClassVar[int] = 422
    """The status of a score for somebody who cannot be graded."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What a token may be asked for."""
        return ALLOWED_SCOPES if self.addresses.groups is None else (*ALLOWED_SCOPES, SCOPE_GROUPS)

    def configuration(self, document: dict[str, Any]) -> dict[str, Any]:
        """What the platform says of itself to a tool that registers."""
        return document

    def privacy(self, _tool: dict[str, Any]) -> str:
        """What a tool that registers itself is told about people, as a key of `claims.PRIVACY`."""
        return "public"

    def roles(self, role: str, *, test_user: bool) -> list[str]:
        """The roles of a member as the roster tells them."""
        return [*self.role_uris[role], TEST_USER] if test_user else list(self.role_uris[role])

    def launch_roles(self, role: str, *, test_user: bool) -> list[str]:
        """The roles of a member as a launch tells them."""
        return self.roles(role, test_user=test_user)

    def login(self, fields: dict[str, str]) -> dict[str, str]:
        """The parameters that start a login."""
        return fields

    def is_registered(self, redirect_uri: str, registered: list[str]) -> bool:
        """Whether an answer may go to this address."""
        return redirect_uri in registered

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims of a launch as they are signed."""
        return claims

    def key_set(self, keys: dict[str, Any]) -> dict[str, Any]:
        """The platform's key set as it is served."""
        return keys

    def check_audience(self, audience: object, token_url: str) -> None:
        """Raise OAuthError for an assertion that was made for somebody else."""
        if audience not in (token_url, [token_url]):
            raise OAuthError("invalid_client", f"aud must be {token_url}", self.refused_client)

    @contextmanager
    def within_quota(self, _access_token: str) -> Iterator[dict[str, str]]:
        """Serve a call, unless its caller has used up what it may; yields headers of the answer."""
        yield {}

    def throttled(self) -> Response:
        """The answer to a caller who is too fast. RFC 6585, section 4."""
        return Response(status=429, headers={"Retry-After": "1"})

    def roster(self, container: dict[str, Any], *, accepted: bool) -> tuple[dict[str, Any], str]:
        """The roster and its media type. `accepted`: the caller accepts what the standard names."""
        if not accepted:
            raise ServiceError(406, f"accept {MEDIA_ROSTER}")
        return container, MEDIA_ROSTER

    def member(self, member: dict[str, Any]) -> dict[str, Any]:
        """A member as the roster tells it."""
        return member

    def next_page(self, _service: str, url: str) -> str:
        """The Link header of a page of a service that has a next one."""
        return f'<{url}>; rel="next"'

    def check_new_item(self, body: dict[str, Any]) -> None:
        """Raise ServiceError for a column that cannot be made as it is described."""

    def check_changed_item(self, body: dict[str, Any]) -> None:
        """Raise ServiceError for a new description that cannot replace the old one."""

    def check_time(self, timestamp: int, last: int) -> None:
        """Raise ServiceError for a score that is not newer than the last one; both in microseconds since 1970."""
        if timestamp <= last:
            raise ServiceError(409, "a score with this or a later timestamp is stored already for this person")

    def graded(self, score: Score, maximum: float, before: Grade) -> Grade:
        """What the cell shows after a score: its value, or nothing; and its comment, or none."""
        return Grade(self.value(score, maximum), score.comment, attempts=before.attempts + 1)

    reviews: ClassVar[bool] = True
    """Whether opening a cell sends a submission review."""

    def work_url(self, score: Score) -> str | None:
        """The link to the work that a score brings, for an LMS that keeps such links."""
        del score
        return None

    def value(self, score: Score, maximum: float) -> float | None:
        """The score in the column's own points, if it counts."""
        if score.given is None or score.grading not in self.counted:
            return None
        return rescaled(score.given, score.maximum, maximum)

    def result(self, result: dict[str, Any]) -> dict[str, Any]:
        """A row of the results as it is served."""
        return result
