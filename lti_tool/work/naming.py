"""Whose work a form is about."""

from __future__ import annotations

from flask import abort, request
from flask_babel import gettext as _

from lti_tool.database import db
from lti_tool.web.gate import row_id
from lti_tool.work.rows import submission_of
from lti_tool.work.tables import Submission


def named_submission(assignment_id: int) -> Submission:
    """The submission of this assignment by the person whom the form names; 404 when there is none."""
    submission = submission_of(db.session(), assignment_id, named_person())
    if submission is None:
        abort(404, _("This person has not handed in anything yet."))
    return submission


def named_person() -> int:
    """The id in the field `person`; 400 when there is none."""
    try:
        return row_id(request.form.get("person", ""))
    except ValueError:
        abort(400, _("The form does not say whose work is meant. Go back, reload the page and send it again."))
