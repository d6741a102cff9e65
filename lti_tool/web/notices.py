"""A sentence that a form leaves for the next page, signed into its address: no cookie could keep it."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as BaseResponse

from lti_tool import settings
from lti_tool.web.gate import current_visit


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings.current().signing_secret, salt="notice:" + current_visit().token)


def redirect_with(level: str, text: str, endpoint: str, **values: Any) -> BaseResponse:
    """See-other to a page of ours that will show `text`. `level` is good, risk or need."""
    address = url_for(endpoint, **values, notice=_signer().dumps([level, text]))
    return redirect(address, code=303)


def register(app: Flask) -> None:
    """Give every page of `app` its `notices`."""
    app.context_processor(lambda: {"notices": _asked_for()})


def _asked_for() -> list[tuple[str, str]]:
    """The notices that this page was asked to show; a forged one is dropped."""
    sent = request.args.get("notice")
    if not sent or g.get("visit") is None:
        return []
    try:
        level, text = _signer().loads(sent)
    except BadSignature:
        return []
    return [(str(level), str(text))]
