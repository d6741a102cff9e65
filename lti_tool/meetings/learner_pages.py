"""The room as a learner sees it: check in, with whom, who does what, when to swap; saying that one cannot come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import db
from lti_tool.meetings import attendance, checkin, pairs, polling, room, room_view
from lti_tool.meetings.access import meeting_of, meeting_row, people_with, version_of
from lti_tool.meetings.cards import Moment, Place, cards_of
from lti_tool.meetings.overview import stage
from lti_tool.meetings.tables import HERE, Meeting
from lti_tool.programs.fields import FormError
from lti_tool.web.gate import Access, allow, current_visit

blueprint = Blueprint(
    "room", __name__, url_prefix="/v/<visit>/meetings/<int:meeting_id>", template_folder="templates"
)


@blueprint.get("/mine")
@allow(Access.LEARNER)
def mine(meeting_id: int) -> ResponseReturnValue:
    """A learner's own session."""
    return render_template("meetings/mine.html", **_shown(meeting_id))


@blueprint.get("/mine/changes")
@allow(Access.LEARNER)
def changes(meeting_id: int) -> ResponseReturnValue:
    """What has changed on the page since its version."""
    if polling.is_known(version_of(current_visit(), meeting_id)):
        return polling.nothing_new()
    return render_template("meetings/room/mine_changes.html", **_shown(meeting_id))


@blueprint.post("/check-in")
@allow(Access.LEARNER)
def check_in(meeting_id: int) -> ResponseReturnValue:
    """Say that one is here, with the code of the room."""

    def act(session: Session, meeting: Meeting, person_id: int) -> str:
        checkin.check_in(session, meeting, person_id, request.form.get("code", ""))
        return str(_("You are checked in."))

    return _act(meeting_id, act)


@blueprint.post("/excuse")
@allow(Access.LEARNER)
def excuse(meeting_id: int) -> ResponseReturnValue:
    """Say beforehand that one cannot come."""

    def act(session: Session, meeting: Meeting, person_id: int) -> str:
        checkin.excuse(session, meeting, person_id)
        return str(_("You are excused, and your facilitator sees it. Thank you for saying so."))

    return _act(meeting_id, act)


@blueprint.post("/come-after-all")
@allow(Access.LEARNER)
def come_after_all(meeting_id: int) -> ResponseReturnValue:
    """Take that back."""

    def act(session: Session, meeting: Meeting, person_id: int) -> str:
        checkin.come_after_all(session, meeting, person_id)
        return str(_("Good: you are expected again."))

    return _act(meeting_id, act)


def _act(meeting_id: int, act: Callable[[Session, Meeting, int], str]) -> ResponseReturnValue:
    visit, session = current_visit(), db.session()
    meeting = meeting_row(visit, meeting_id)
    people_with(visit, meeting)
    try:
        said = act(session, meeting, visit.person_id)
    except FormError as wrong:
        session.rollback()
        page = render_template("meetings/mine.html", **_shown(meeting_id, wrong.errors))
        return polling.refused(str(wrong)) or (page, 400)
    return polling.done(said, "room.mine", meeting_id=meeting_id)


def _shown(meeting_id: int, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the page and its changes show."""
    visit, session, now = current_visit(), db.session(), clock.now()
    meeting, program = meeting_of(visit, meeting_id)
    people = people_with(visit, meeting)
    row = attendance.marks_of(session, meeting.id).get(visit.person_id)
    group = pairs.group_of(session, meeting.id, visit.person_id)
    running = room_view.clock_of(session, meeting, [len(group)], now)
    practised = running is not None and running.practised
    return {
        "meeting": meeting,
        "program": program,
        "now": now,
        "looks_new_at": room_view.looks_new_at(meeting, now),
        "clock": running,
        "stage": stage(meeting, now),
        "is_open": room.is_open(meeting, now),
        "me": visit.person_id,
        "presence": row.presence if row else None,
        "is_here": row is not None and row.presence in HERE,
        "is_own_excuse": checkin.is_own_excuse(row),
        "group": group,
        "turns": room_view.turns(group, running.script if running else None),
        "cards": cards_of(session, Place.LEARNER, Moment(meeting, visit, people, practised)),
        "typed": request.form.get("code", ""),
        "errors": errors or {},
    }
