"""Giving out a file that somebody has handed in. The pages have checked who may have it."""

from __future__ import annotations

from flask import abort, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.work import files
from lti_tool.work.tables import Submission


def answer(submission: Submission | None, tenant_id: int) -> ResponseReturnValue:
    """The file, to be stored and never shown as a page of ours: somebody else wrote it."""
    path = files.path_of(submission, tenant_id) if submission else None
    if submission is None or path is None:
        abort(404)
    if not path.is_file():
        abort(404, _("This file is no longer there. Ask for it to be handed in again."))
    response = send_file(
        path, "application/octet-stream", as_attachment=True, download_name=submission.file_name, conditional=False
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "no-store"  # the browser may be shared
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
