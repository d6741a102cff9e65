"""Logs: one JSON object a line, without tokens and without personal data.

The path of a page holds the visit's token, so a request is logged by its rule, never by its path; whatever
else looks like a token is blotted out on the way.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, request

import config

SECRET = re.compile(
    r"(/v/|/operator/enter/|/screen/|\b(?:state|stored_state|ticket|nonce|id_token|client_assertion|access_token|csrf_token|notice"
    r"|invitation|registration_token|openid_configuration)=)[^/?&\s\"']+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|\bBearer\s+\S+"
)

NO_CONTENT = 204

log = structlog.get_logger("request")


def configure(settings: config.Settings) -> None:
    """Send every logger of this process to standard error as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[Any] = [
        structlog.processors.format_exc_info,
        blot_secrets,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]
    # Our own entries are written at once: the standard library's way would take a tenth of a launch's time.
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=_NamedLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("urllib3", "huey", "alembic", "_granian"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _NamedLogger(structlog.WriteLogger):
    """Writes lines to standard error, and knows its name."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.name = name


def blot_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a token in every text of a log entry."""
    return {key: SECRET.sub(_blot, value) if isinstance(value, str) else value for key, value in event.items()}


def _blot(match: re.Match[str]) -> str:
    return f"{match[1] or ''}…"


def register(app: Flask) -> None:
    """Log every request of `app` with an id that its other entries share."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=secrets.token_hex(6))


def _end(response: Response) -> Response:
    # An open page asks every few seconds whether there is news; that there is none is none for the log either.
    tell = log.debug if response.status_code == NO_CONTENT else log.info
    tell(
        "answered",
        method=request.method,
        rule=str(request.url_rule),
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 1),
    )
    return response
