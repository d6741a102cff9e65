"""Whether pages show and keep working in the LMS's frame, as the browser of this very request tells."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from lti_tool import settings
from lti_tool.admin.words import Line
from lti_tool.web import visits
from lti_tool.web.visits import Visit


def lines(visit: Visit) -> list[Line]:
    """The frame and the cookies of a visit."""
    return [_frame(visit), _cookie()]


def _frame(visit: Visit) -> Line:
    title = str(_("Frame"))
    # https://www.w3.org/TR/fetch-metadata/: where the page is shown. Older browsers do not say.
    shown_in = request.headers.get("Sec-Fetch-Dest")
    if shown_in in {"iframe", "frame"}:
        return Line("done", title, str(_("This browser shows Peerloop inside the page of the LMS.")))
    if shown_in is None:
        return Line("waits", title, str(_("This browser does not say whether it shows this page in a frame.")))
    text = _("This page is open in a tab of its own, so the frame is not tried.")
    what = _(
        "Open Peerloop inside a course of the LMS, then come back here. These may frame it: %(origins)s.",
        origins=", ".join(visit.frame_origins) or _("none"),
    )
    return Line("waits", title, str(text), str(what))


def _cookie() -> Line:
    title = str(_("Cookies"))
    if visits.has_cookie():
        return Line(
            "done", title, str(_("This browser returns the cookie of this visit, so no other can take it over."))
        )
    text = _(
        "This browser keeps no cookie of Peerloop here. Pages work without; the visit is not tied to this browser."
    )
    what = _(
        "Nothing must be changed. To have cookies, let this browser accept those of %(address)s.",
        address=settings.current().base_url,
    )
    return Line("waits", title, str(text), str(what))
