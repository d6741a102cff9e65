"""Why a reading of the roster failed, in words for the person who looks at the page.

They are kept with the reading, so they are in English, the language of the worker that wrote them.
"""

from __future__ import annotations

from lti_tool.lti.failures import LmsError, Refused, Retryable, Throttled, Unauthorised, Unreadable


def no_service() -> str:
    return (
        "The LMS has not told Peerloop where its roster is. An administrator must allow the service "
        "“Names and Roles” for Peerloop in the LMS; then open Peerloop from the course once more."
    )


def interrupted(times: int) -> str:
    return (
        f"The reading was interrupted {times} times before it was complete. "
        "Ask whoever runs Peerloop to look at the log."
    )


def too_long(page: int) -> str:
    return (
        f"The LMS was still sending pages after half an hour (page {page}). "
        "The reading was stopped; nobody was marked as gone."
    )


def explain(error: LmsError, page: int) -> str:
    """What happened at `page`, then what to do. Holds no address, token or name."""
    status = f" (status {error.status})" if error.status else ""
    where = "Before the first page" if error.service == "token" else f"At page {page}"
    return f"{where}, {error.reason}{status}. {_advice(error)}"


def explain_groups(error: LmsError) -> str:
    """Why the groups of the LMS are as they were, though its people were read."""
    status = f" (status {error.status})" if error.status else ""
    if isinstance(error, Unauthorised | Refused):
        advice = "An administrator must allow the service “Course Groups” for Peerloop in the LMS."
    else:
        advice = "They are read again with the next reading of the roster."
    return f"The groups of the LMS could not be read: {error.reason}{status}. {advice}"


def _advice(error: LmsError) -> str:
    if isinstance(error, Throttled):
        return "Peerloop reads it again when the LMS allows it."
    if isinstance(error, Retryable):
        return "This often passes by itself."
    if isinstance(error, Unauthorised):
        return "An administrator must allow the service “Names and Roles” for Peerloop in the LMS."
    if isinstance(error, Unreadable):
        return "Nothing of that page was used. Read the roster again; if it stays so, tell whoever runs the LMS."
    return "Open Peerloop from the course once more and read the roster again."
