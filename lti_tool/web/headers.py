"""Security headers. Pages live inside an LMS's frame, so who may frame them is decided for each visit."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, Response, g

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action {forms}; frame-ancestors {ancestors}"
)
OURS = "'self'"


def framed_by(response: Response, origins: Iterable[str]) -> None:
    """Let these origins frame a page that belongs to no visit."""
    ancestors = " ".join((OURS, *origins))
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.format(forms=OURS, ancestors=ancestors)


def register(app: Flask) -> None:
    """Set the headers on every response of `app`."""
    app.after_request(_set)


def allow_form_to(origins: Iterable[str]) -> None:
    """Let a form of this page be sent to other origins, which a message that was checked has named.

    Chromium follows a redirect in answer to a form to these alone, too.
    """
    g.form_origins = origins


def _forms() -> str:
    return " ".join((OURS, *g.get("form_origins", ())))


def _ancestors() -> str:
    visit = g.get("visit")
    # A page without a visit may name its own: the one on which an LMS registers this tool.
    origins = visit.frame_origins if visit is not None else g.get("frame_origins")
    if origins is not None:
        return " ".join((OURS, *origins))
    # What was refused, or has ended, or is only opening, must be readable where it happened; it is nobody's yet.
    return "*" if g.get("any_frame") else "'none'"


def _set(response: Response) -> Response:
    headers = response.headers
    policy = CONTENT_SECURITY_POLICY.format(forms=_forms(), ancestors=_ancestors())
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if g.get("operator") is not None:
        # Only there: an LMS may open all else in a window, which must not lose it. It keeps the state of a launch,
        # hears that a registration is done, and closes the window itself when deep linking has been answered.
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if g.get("visit") is not None or g.get("operator") is not None:
        headers.setdefault("Cache-Control", "no-store")
    return response
