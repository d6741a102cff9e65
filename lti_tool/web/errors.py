"""What a person sees when something is refused or goes wrong: what happened, and what to do."""

from __future__ import annotations

import logging

from flask import Flask, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError, TooManyRequests

from lti_tool.lti.opening import window_address
from lti_tool.lti.refusals import LaunchRefused, new_reference
from lti_tool.web import incidents
from lti_tool.web.operators import LinkNeeded

log = logging.getLogger(__name__)

BUSY_SECONDS = 5
WORTH_KEEPING = 20  # characters; shorter ones are typed again sooner than they are found


def register(app: Flask) -> None:
    """Answer every error of `app` with a page."""
    app.register_error_handler(LaunchRefused, _launch_refused)
    app.register_error_handler(LinkNeeded, _link_needed)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(TooManyRequests, _too_many)
    for busy in (OperationalError, PoolTimeoutError):
        app.register_error_handler(busy, _database_busy)


def _page(
    *,
    title: str,
    reason: str,
    step: str,
    reference: str | None,
    code: str | None = None,
    window: str | None = None,
    guide: str | None = None,
) -> str:
    g.any_frame = True
    return render_template(
        "error.html",
        title=title,
        reason=reason,
        step=step,
        reference=reference,
        code=code,
        window=window,
        guide=guide,
        written=_written(),
    )


def _written() -> list[str]:
    """The longer texts of a form of ours that came to nothing, so that they can be copied.

    Only what our own page sent (https://www.w3.org/TR/fetch-metadata/): nobody else's page puts words on this one.
    """
    if request.method != "POST" or request.headers.get("Sec-Fetch-Site") != "same-origin":
        return []
    try:
        sent = request.form.values()
    except HTTPException:
        return []  # larger than is read at all
    return [text for text in sent if len(text) >= WORTH_KEEPING and " " in text]


def _launch_refused(refused: LaunchRefused) -> ResponseReturnValue:
    incidents.keep(refused.reference, refused.code, refused.detail)
    page = _page(
        title=refused.explanation.title,
        reason=refused.explanation.happened,
        step=f"{refused.explanation.who} {refused.explanation.todo}",
        reference=refused.reference,
        code=refused.code,
        window=window_address(refused.ticket) if refused.ticket else None,
        guide=url_for("lti.register") if refused.code == "registration_invitation" else None,
    )
    return page, refused.status, {"X-Peerloop-Error": refused.code}


def _link_needed(_error: LinkNeeded) -> ResponseReturnValue:
    page = _page(
        title=_("This page needs a fresh link"),
        reason=_(
            "It is for those who run Peerloop. A link opens it once, and only for a few minutes after it was made."
        ),
        step=_("Run “peerloop admin link” where Peerloop runs, and open the address that it prints."),
        reference=None,
    )
    return page, 401


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    if status == 404 and request.path == "/":
        return _front_door(), status
    title, reason, step = _words(status)
    reference = None
    if status >= 500:
        g.failing = True
        reference = new_reference()
        cause = error.original_exception if isinstance(error, InternalServerError) else error
        log.error("request failed", extra={"reference": reference, "rule": str(request.url_rule)}, exc_info=cause)
        # Only the kind of the fault: its words may hold what somebody wrote.
        incidents.keep(reference, "failed", f"{type(cause).__name__} at {request.url_rule}")
    given = (
        error.description if status in {400, 404, 409, 413} and error.description != type(error).description else None
    )
    page = _page(
        title=title,
        reason=given or reason,
        step=step,
        reference=reference,
    )
    return page, status


def _front_door() -> str:
    return _page(
        title=_("Peerloop opens from a course"),
        reason=_("At this address itself there is nothing to see."),
        step=_("Open Peerloop from your course page in the LMS. If you look after an LMS, see how it is registered."),
        reference=None,
        guide=url_for("lti.register"),
    )


def _too_many(error: TooManyRequests) -> ResponseReturnValue:
    wait = str(error.retry_after)
    page = _page(
        title=_("Too many launches were refused"),
        reason=_("More launches from your network had to be refused than Peerloop explains in a minute."),
        step=_wait_and_reload(wait),
        reference=None,
    )
    return page, 429, {"Retry-After": wait}


def _wait_and_reload(seconds: str) -> str:
    step: str = _("Wait %(seconds)s seconds, then reload this page.", seconds=seconds)
    return step


def _database_busy(error: OperationalError | PoolTimeoutError) -> ResponseReturnValue:
    g.failing = True
    reference = new_reference()
    log.error("database out of reach", extra={"reference": reference}, exc_info=error)
    page = _page(
        title=_("Peerloop is busy"),
        reason=_("The database did not answer in time. Nothing was changed."),
        step=_wait_and_reload(str(BUSY_SECONDS)),
        reference=reference,
    )
    return page, 503, {"Retry-After": str(BUSY_SECONDS)}


def _words(status: int) -> tuple[str, str, str]:
    """Title, what happened, what to do."""
    again = _("Open Peerloop again from your course page in the LMS.")
    words = {
        400: (
            _("That did not work"),
            _("Something in the form was missing or wrong."),
            _("Go back and check it."),
        ),
        401: (
            _("Your visit has ended"),
            _("You were away for a while, somebody has signed in since, or this address belongs to another browser."),
            again,
        ),
        403: (
            _("This page is not for your role"),
            _("Your role in this course does not include it."),
            _("If it should, ask the person who runs the course to change your role in the LMS."),
        ),
        404: (_("There is nothing here"), _("This address leads to nothing in your course."), again),
        405: (_("That did not work"), _("This address takes forms only."), again),
        409: (
            _("Somebody was quicker"),
            _("This was changed by somebody else while you had it open."),
            _("Go back and reload the page to see what is true now."),
        ),
        413: (
            _("That is too large"),
            _("What you sent is larger than Peerloop takes."),
            _("Make it shorter."),
        ),
    }
    failed = (
        _("Something went wrong here"),
        _("Peerloop could not finish this. Nothing was changed."),
        _("Try again. If it happens again, give the reference below to the person who runs Peerloop."),
    )
    return words.get(status, failed if status >= 500 else words[400])
