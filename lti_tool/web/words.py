"""Languages and times of the viewer: every text goes through gettext, every time is shown in their zone."""

from __future__ import annotations

from flask import Flask, g, has_request_context, request
from flask_babel import Babel

LANGUAGES = ("en",)


def register(app: Flask) -> None:
    """Connect Babel to `app`."""
    Babel(app, locale_selector=_language, timezone_selector=_zone)


def _language() -> str:
    if not has_request_context():
        return LANGUAGES[0]  # jobs and commands
    visit = g.get("visit")
    wanted = visit.locale.replace("_", "-").split("-")[0].lower() if visit is not None and visit.locale else None
    if wanted in LANGUAGES:
        return str(wanted)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def _zone() -> str:
    visit = g.get("visit")
    return visit.zone if visit is not None else "UTC"
