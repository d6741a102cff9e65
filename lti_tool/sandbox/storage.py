"""Platform storage: a frame in which the LMS keeps a tool's state and nonce where the tool's cookies are blocked.

Sources: LTI Client Side postMessages 0.1, LTI postMessage Storage 0.1, and what Canvas, Sakai and Blackboard
document of theirs (a frame with a name; the page itself as ``_parent``; a frame that the page names if asked).
"""

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, url_for

from lti_tool.sandbox.courses import origin_of
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.platform import platform

bp = Blueprint("storage", __name__)


def tool_origins() -> str:
    """The origins that may keep something here, separated by spaces."""
    rows = platform().store.rows("SELECT DISTINCT target_link_uri FROM tools")
    return " ".join(sorted({origin_of(row["target_link_uri"]) for row in rows}))


def frame_address() -> str:
    """Where the frame is that keeps it."""
    here = platform()
    origin = here.settings.apart_url if here.storage is Storage.APART else ""
    return origin + url_for("storage.frame")


def _elsewhere() -> str:
    """Another origin of this same server: what a site that is not the LMS would be."""
    parts = urlsplit(platform().settings.base_url)
    return f"{parts.scheme}://elsewhere.{parts.netloc}"


@bp.get("/storage")
def frame() -> str:
    return render_template("sandbox/storage.html", elsewhere=_elsewhere())


@bp.get("/storage/elsewhere")
def elsewhere() -> Response:
    """The page that answers in the LMS's place, for a browser that asks for it from the other origin."""
    response = make_response(render_template("sandbox/storage_elsewhere.html"))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; frame-ancestors {platform().settings.base_url}"
    )
    return response
