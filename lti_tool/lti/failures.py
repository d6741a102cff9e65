"""How a call to an LMS can fail, typed by what to do next. Each says what a page can explain."""

from __future__ import annotations

import json
import re

EXCERPT_LENGTH = 300

_SECRETS = re.compile(
    r"[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JWT
    r"|(?i:bearer\s+\S+)"
    r"|(?i:(?:access_token|client_assertion|id_token)[\"']?\s*[:=]\s*[\"']?[^\s\"'&,}]+)"
)


def excerpt(body: bytes) -> str:
    """The beginning of an answer as one line of text, without tokens."""
    text = body[: EXCERPT_LENGTH * 8].decode("utf-8", "replace")
    return _one_line(_SECRETS.sub("[removed]", text))[:EXCERPT_LENGTH]


def own_words(excerpt: str) -> str:
    """The sentence in the beginning of an answer, for people; in a JSON object that is what it calls its error."""
    try:
        body = json.loads(excerpt)
    except ValueError:
        return "" if excerpt.startswith(("<", "{", "[")) else excerpt
    said = (body.get(name) for name in ("error_description", "error", "message")) if isinstance(body, dict) else ()
    # What JSON escapes, a database may refuse: NUL, and halves of surrogate pairs.
    return next((_one_line(text) for text in said if isinstance(text, str)), "")


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class LmsError(Exception):
    """A call failed. `service` is roster, grades, token, keys or registration; without an answer `status` is None."""

    def __init__(self, service: str, reason: str, *, status: int | None = None, excerpt: str = "") -> None:
        super().__init__(f"{service}: {reason}" + (f" ({status})" if status else ""))
        self.service = service
        self.reason = reason
        self.status = status
        self.excerpt = excerpt


class Retryable(LmsError):  # noqa: N818 - these names say what to do next
    """Try again later, not before `retry_after` seconds if the platform named them.

    With `answer_lost` the platform may have done what was asked: look before sending again.
    """

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        status: int | None = None,
        excerpt: str = "",
        retry_after: float | None = None,
        answer_lost: bool = False,
    ) -> None:
        super().__init__(service, reason, status=status, excerpt=excerpt)
        self.retry_after = retry_after
        self.answer_lost = answer_lost


class Throttled(Retryable):
    """The platform asks us to slow down: let all calls to it rest."""


class Resting(Throttled):
    """Nothing was sent: the platform is left alone for `retry_after` seconds, or other calls keep it busy."""


class Refused(LmsError):  # noqa: N818
    """Final: the same request will be refused again until something changes."""


class Ungradable(Refused):
    """The platform grades nobody like this person: somebody who is no learner there, say."""


class Superseded(LmsError):  # noqa: N818
    """The platform holds a score as new or newer: read the result, then decide."""


class Unauthorised(LmsError):  # noqa: N818
    """No token, or none that the platform accepts: the registration or its scopes must be changed."""


class Unreadable(LmsError):  # noqa: N818
    """A success whose content is not what the standard describes: nothing of it was used."""
