"""When to try again after a failure, and what to tell people about it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from flask_babel import gettext as _

from lti_tool.lti.failures import LmsError, Retryable, Throttled, Unauthorised, Ungradable, Unreadable, own_words

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 3600.0
THROTTLED_SECONDS = 10.0
BLOCKED_SECONDS = 600.0


def backoff(attempts: int) -> float:
    """Seconds to wait after so many failures in a row: growing to an hour, jittered so that cells spread."""
    longest = min(FIRST_SECONDS * 2.0 ** min(attempts, 20), LONGEST_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def wait_after(error: LmsError, attempts: int) -> float:
    """Seconds before the call that failed so is made again."""
    if isinstance(error, Throttled):
        asked = THROTTLED_SECONDS if error.retry_after is None else error.retry_after
        return max(asked, backoff(attempts))
    if isinstance(error, Retryable):
        return max(error.retry_after or 0.0, backoff(attempts))
    if isinstance(error, Unreadable):
        # A proxy's page of a moment, as often as not.
        return backoff(attempts)
    return max(BLOCKED_SECONDS, backoff(attempts))


def later(now: datetime, seconds: float) -> datetime:
    """`now` and so many seconds."""
    return now + timedelta(seconds=seconds)


def column_words(error: LmsError) -> str:
    """Why a whole column is at a standstill, and what to do."""
    if isinstance(error, Unauthorised):
        return str(
            _(
                "The LMS does not let Peerloop use this gradebook. Ask the LMS's administrator to allow the tool its "
                "grade services (line items, scores, results)."
            )
        )
    if isinstance(error, Retryable):
        return str(
            _(
                "The LMS does not answer as it should (%(reason)s). Peerloop tries again by itself.",
                reason=_said(error),
            )
        )
    if isinstance(error, Unreadable):
        return str(
            _("The LMS's gradebook answered something that Peerloop cannot read (%(reason)s).", reason=_said(error))
        )
    return str(_("The LMS refused the column (%(reason)s).", reason=_said(error)))


def cell_words(error: LmsError) -> str:
    """Why the LMS would not take one person's grade, in its own words where it has any."""
    said = own_words(error.excerpt) or _said(error)
    if isinstance(error, Ungradable):
        return str(
            _(
                "The LMS does not grade this person (%(reason)s). Make them a learner of the course there, "
                "then try again.",
                reason=said,
            )
        )
    return str(_("The LMS refused this grade: %(reason)s", reason=said))


def _said(error: LmsError) -> str:
    status = f", {error.status}" if error.status else ""
    return f"{error.reason}{status}"
