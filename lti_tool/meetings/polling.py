"""How an open page stays true: it asks for what has changed since its version, and sends its forms by script.

Each page works without script as well; then a form is answered with the page, and a reload shows what is new.
"""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.web.notices import redirect_with

BY_SCRIPT = "X-Room"


def is_known(version: int) -> bool:
    """Whether the page that asks shows this version already."""
    return request.args.get("version") == str(version)


def nothing_new() -> ResponseReturnValue:
    """The answer to such a page."""
    return Response(status=204)


def done(said: str, endpoint: str, **values: Any) -> ResponseReturnValue:
    """The answer to a form that was taken: a page that says so, or to a script only the sentence. It may be empty."""
    if BY_SCRIPT in request.headers:
        return _sentence(said, 200)
    if not said:
        return redirect(url_for(endpoint, **values), code=303)
    return redirect_with("good", said, endpoint, **values)


def refused(said: str) -> ResponseReturnValue | None:
    """The answer to a script whose form was refused; None where a page has to be shown."""
    return _sentence(said, 400) if BY_SCRIPT in request.headers else None


def _sentence(said: str, status: int) -> Response:
    return Response(said, status, content_type="text/plain; charset=utf-8")
