"""The rules of the standard. Each names its source; the sources are listed in `docs/families.md`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from lti_tool.lti.grades import Score


class Standard:
    """The standard itself, and what holds for an LMS of which nothing more is known."""

    name: ClassVar[str] = "standard"
    # What the LMS calls itself in the claim tool_platform (product_family_code), in lower case.
    codes: ClassVar[tuple[str, ...]] = ()
    # The issuers that all customers of the vendor's cloud share, and the domains that the vendor alone runs.
    cloud_issuers: ClassVar[frozenset[str]] = frozenset()
    cloud_domains: ClassVar[tuple[str, ...]] = ()

    def stated_audience(self, authorization_server: str) -> str | None:
        """The audience of tokens is the `authorization_server` that a registration names, if it has the token's host.

        Source: DR, OpenID configuration; the condition is ours.
        """
        return authorization_server

    def institution(self, _platform: Mapping[str, Any]) -> str | None:
        """An LMS that is registered does not say whose it is, so it is called by its host.

        Source: DR, platform configuration, has no such member.
        """
        return None

    def registration_message(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message that is registered needs no members beyond the standard's.

        Source: DR, messages.
        """
        return message

    def tool_configuration(self) -> dict[str, Any]:
        """A registration needs no members beyond the standard's.

        Source: DR, tool configuration.
        """
        return {}

    @property
    def section_variable(self) -> str:
        """The section of a course that a person belongs to is asked for by the standard's variable.

        Source: CORE, appendix B.
        """
        return "$CourseSection.title"

    @property
    def concurrency(self) -> int:
        """Four calls to one platform are in flight at a time.

        Source: none names a number; this one is ours.
        """
        return 4

    @property
    def calls_per_second(self) -> float:
        """At most a hundred calls a second go to one platform.

        Source: none names a number; this one is ours.
        """
        return 100.0

    @property
    def roster_advice(self) -> str | None:
        """The roster lists everybody in the course, so an administrator need not be told anything about it.

        Source: NRPS, membership container.
        """
        return None

    def audience(self, token_url: str) -> str:
        """A token is asked for in the name of the address that gives it, unless the registration says otherwise.

        Source: SEC, client credentials.
        """
        return token_url

    def is_throttled(self, status: int, _excerpt: str, _headers: Mapping[str, str]) -> bool:
        """An LMS that wants us to slow down answers 429.

        Source: RFC 6585, section 4.
        """
        return status == 429

    def is_superseded(self, status: int, excerpt: str) -> bool:
        """An LMS that holds a score as new or newer answers 409, or 400 with words about an older timestamp.

        Source: AGS names no status; 409 is what Moodle says, 400 with such words what Canvas says.
        """
        text = excerpt.lower()
        stale = "timestamp" in text and any(word in text for word in ("before", "older", "earlier", "newer", "stale"))
        return status == 409 or (status == 400 and stale)

    def is_ungradable(self, _status: int) -> bool:
        """Nothing in a refused score tells that the person cannot be graded at all.

        Source: AGS, scores, names no status.
        """
        return False

    @property
    def replaces_comments(self) -> bool:
        """A score's comment replaces the one before, so one that is not ours is a person's, and would be lost.

        Source: AGS, scores.
        """
        return True

    @property
    def hides_nought(self) -> bool:
        """A result without a score is of somebody who has none.

        Source: AGS, results.
        """
        return False

    def takes_comment(self, _score: Score) -> bool:
        """A score's comment replaces the one before, so it goes out with every score.

        Source: AGS, scores.
        """
        return True

    def score_extension(self, _score: Score) -> dict[str, Any]:
        """A score without a value takes back what this tool sent before, and needs no members beyond the standard's.

        Source: AGS, scores.
        """
        return {}

    def new_line_item(self, body: dict[str, Any]) -> dict[str, Any]:
        """A column is made with all the members that the standard gives it.

        Source: AGS, line items.
        """
        return body

    def may_write(self, _line_item: Mapping[str, Any]) -> bool:
        """Every column that the LMS lists is one of ours.

        Source: AGS, line items.
        """
        return True
