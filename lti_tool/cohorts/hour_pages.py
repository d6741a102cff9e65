"""When the cohorts of a draft will meet, chosen before they are published; how a form names an hour."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts import hour_view, proposing
from lti_tool.cohorts.hours import FULL_HOURS
from lti_tool.cohorts.pages import blueprint, program_here
from lti_tool.cohorts.proposing import AlreadyPublishedError, draft_of
from lti_tool.database import db
from lti_tool.programs.fields import FormError
from lti_tool.programs.schedule import WeeklyHour, own_hour
from lti_tool.programs.tables import Program
from lti_tool.web.gate import Access, allow

_FIELD = re.compile(r"hour-(\d{1,4})")


@blueprint.get("/programs/<int:program_id>/cohorts/publish")
@allow(Access.INSTRUCTOR)
def hours(program_id: int) -> ResponseReturnValue:
    """For each cohort of the draft the hours that its people share; nothing is published yet.

    With `best` the one that suits most is chosen for each.
    """
    program, session = program_here(program_id), db.session()
    if proposing.is_published(session, program.id):
        raise AlreadyPublishedError
    proposal = proposing.proposal_of(session, program.id)
    if proposal is None:
        return redirect(url_for("cohorts.index", program_id=program_id), code=303)
    best = "best" in request.args
    page = hour_view.choosing(session, program, draft_of(proposal), best=best)
    return render_template("cohorts/hours.html", program=program, version=proposal.version, page=page, best=best)


def read(program: Program, sent: Mapping[str, str]) -> dict[int, WeeklyHour]:
    """The hour of each cohort by its index, where it is not the program's. Raises FormError."""
    found = {}
    for name, text in sent.items():
        match = _FIELD.fullmatch(name)
        hour = weekly(name, text, program) if match else None
        if match and hour:
            found[int(match[1])] = hour
    return found


def weekly(field: str, text: str, program: Program, current: WeeklyHour | None = None) -> WeeklyHour | None:
    """The hour that a form names, None where it names none: a full one, the program's or the current one.

    Whether it is still among those that people share is not asked again: answers may have changed meanwhile.
    Raises FormError.
    """
    hour = WeeklyHour.parse(text)
    if text and hour not in (*FULL_HOURS, own_hour(program), *([current] if current else [])):
        raise FormError({field: _("Choose when the cohort meets from the list.")})
    return hour
