"""What every protected service shares: faults, bearer tokens, media types, refusals, paging."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request
from itsdangerous import BadSignature

from lti_tool.sandbox.platform import platform
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.tokens import bearer_of


def service(name: str, *scopes: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Serve a view under the name that faults know it by, to bearers of a token with one of these scopes."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def served(**arguments: Any) -> Response:
            def answer() -> Response:
                g.service, g.tool = name, _bearer(scopes)
                return view(**arguments)

            response, g.fault = platform().faults.around(name, partial(_within_quota, answer))
            return response

        return served

    return decorate


def _within_quota(answer: Callable[[], Response]) -> Response:
    """The answer, or the refusal, with the headers by which an LMS tells what remains of a quota."""
    headers: dict[str, str] = {}
    try:
        with platform().lms.within_quota(request.headers.get("Authorization", "")) as headers:
            response = answer()
    except ServiceError as refusal:
        response = refusal.response()
    response.headers.update(headers)
    return response


def caller() -> sqlite3.Row:
    """The tool whose token came with this request."""
    tool: sqlite3.Row = g.tool
    return tool


def _bearer(scopes: tuple[str, ...]) -> sqlite3.Row:
    kind, _, access_token = request.headers.get("Authorization", "").partition(" ")
    tool = bearer_of(access_token) if kind.lower() == "bearer" else None
    if tool is None:
        raise ServiceError(401, "send a valid access token as Authorization: Bearer")
    if not set(scopes) & set(json.loads(tool["scopes"])):
        raise ServiceError(403, f"the access token lacks the scope {' or '.join(scopes)}")
    return tool


def accepts(media_type: str) -> bool:
    return not request.accept_mimetypes or bool(request.accept_mimetypes.quality(media_type))


def require_accept(media_type: str) -> None:
    if not accepts(media_type):
        raise ServiceError(406, f"accept {media_type}")


def require_content(*media_types: str) -> None:
    if request.mimetype not in media_types:
        raise ServiceError(platform().lms.wrong_content, f"send Content-Type: {media_types[0]}")


def body_object() -> dict[str, Any]:
    """The JSON object of the request; NaN and Infinity are not JSON."""
    try:
        body = json.loads(request.get_data(as_text=True), parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text that could be stored
    except ValueError as error:
        raise ServiceError(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ServiceError(400, "the body must be a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def json_response(body: Any, media_type: str, status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, content_type=media_type)


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for, and by which filters."""

    after: str | int
    """The key of the last row of the page before."""
    limit: int | None
    filters: dict[str, str]


def asked_page(first: str | int, names: tuple[str, ...], default_limit: int | None = None) -> Page:
    """The page asked for: by a next link's token, which carries all the filters, or anew."""
    token = request.args.get("page")
    if token is not None:
        try:
            after, limit, filters = platform().pages.loads(token)
        except BadSignature as error:
            raise ServiceError(
                400, "this page token is not one of ours; follow next links exactly as given"
            ) from error
        return Page(after, limit, filters)
    limit, largest = default_limit, platform().lms.largest_page
    if "limit" in request.args:
        asked = request.args["limit"]
        if not asked.isdecimal() or len(asked) > 9 or int(asked) < 1:
            raise ServiceError(400, "limit must be a whole number of 1 or more")
        limit = min(int(asked), largest or int(asked))
    return Page(first, limit, {name: request.args[name] for name in names if name in request.args})


def paged(rows: list[Any], page: Page, key: Callable[[Any], str | int]) -> tuple[list[Any], dict[str, str]]:
    """The rows of this page and its Link header. ``rows`` are all the rows after ``page.after``, in order."""
    if page.limit is None or len(rows) <= page.limit:
        return rows, {}
    shown = rows[: page.limit]
    query = {"page": platform().pages.dumps([key(shown[-1]), page.limit, page.filters])}
    if "type_id" in request.args:
        query["type_id"] = request.args["type_id"]
    url = f"{platform().settings.base_url}{request.path}?{urlencode(query)}"
    return shown, {"Link": platform().lms.next_page(g.service, url)}
