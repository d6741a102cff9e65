"""The shared screen: an address of its own that shows one session's clock, code and pairs, and leads nowhere else.

Whoever stands at the projector must not find the facilitator's visit in it, so the address is signed, and ends by
itself.
"""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lti_tool import clock, settings
from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db
from lti_tool.meetings import checkin, pairs, polling, room, room_view
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program
from lti_tool.web.gate import Access, allow

GOOD_FOR = 12 * 3600  # seconds

blueprint = Blueprint("screen", __name__, url_prefix="/screen/<ticket>", template_folder="templates")


def address_of(meeting_id: int) -> str:
    """The address of a session's shared screen, good for half a day from now."""
    return url_for("screen.show", ticket=_signer().dumps(meeting_id))


@blueprint.get("")
@allow(Access.PUBLIC)
def show(ticket: str) -> ResponseReturnValue:
    """The screen."""
    return _shown("meetings/screen.html", ticket)


@blueprint.get("/changes")
@allow(Access.PUBLIC)
def changes(ticket: str) -> ResponseReturnValue:
    """What has changed on it."""
    version = db.session.scalar(select(Meeting.version).where(Meeting.id == _meeting_id(ticket)))
    if version is not None and polling.is_known(version):
        return polling.nothing_new()
    return _shown("meetings/room/screen_changes.html", ticket)


def _shown(template: str, ticket: str) -> ResponseReturnValue:
    session, now = db.session(), clock.now()
    found = session.execute(
        select(Meeting, Program)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Program, Program.id == Cohort.program_id)
        .where(Meeting.id == _meeting_id(ticket))
        .options(joinedload(Meeting.cohort), joinedload(Meeting.module))
    ).one_or_none()
    if found is None:
        abort(404)
    meeting, program = found
    groups = pairs.pairs_of(session, meeting)
    page = render_template(
        template,
        ticket=ticket,
        meeting=meeting,
        program=program,
        now=now,
        looks_new_at=room_view.looks_new_at(meeting, now),
        clock=room_view.clock_of(session, meeting, [len(group.people) for group in groups], now),
        is_open=room.is_open(meeting, now),
        code=checkin.code_of(meeting.id),
        pairs=groups,
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _meeting_id(ticket: str) -> int:
    try:
        return int(_signer().loads(ticket, max_age=GOOD_FOR))
    except BadData:
        abort(404)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.current().signing_secret, salt="screen")
