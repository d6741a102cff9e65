"""Pages of sessions: one for each, made for a facilitator's phone, and the list of all for staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import db
from lti_tool.lti.launch import STAFF, Role
from lti_tool.meetings import (
    attendance,
    checkin,
    history,
    pairs,
    planning,
    polling,
    room,
    room_view,
    screen,
    script,
)
from lti_tool.meetings.access import meeting_of, meeting_row, version_of
from lti_tool.meetings.cards import Moment, Place, cards_of
from lti_tool.meetings.members import members_of
from lti_tool.meetings.overview import Stage, attendance_overview, stage
from lti_tool.meetings.tables import HERE, Meeting, Presence
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.web.gate import Access, allow, current_visit, row_id
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("meetings", __name__, url_prefix="/v/<visit>", template_folder="templates")

MARK, SHOWN = "presence-", "shown-"


@blueprint.get("/meetings/<int:meeting_id>")
@allow(Access.FACILITATOR)
def show(meeting_id: int) -> ResponseReturnValue:
    """A session: when, script, who is here, pairs."""
    return _page(meeting_id)


@blueprint.get("/meetings/<int:meeting_id>/changes")
@allow(Access.FACILITATOR)
def changes(meeting_id: int) -> ResponseReturnValue:
    """What has changed on the page since its version."""
    if polling.is_known(version_of(current_visit(), meeting_id)):
        return polling.nothing_new()
    return render_template("meetings/room/changes.html", **_shown(meeting_id))


@blueprint.post("/meetings/<int:meeting_id>/start")
@allow(Access.FACILITATOR)
def start(meeting_id: int) -> ResponseReturnValue:
    """Start the session's clock."""

    def act(session: Session, meeting: Meeting) -> str:
        room.start(session, meeting, current_visit().person_id)
        return str(_("The session has started."))

    return _act(meeting_id, act)


@blueprint.post("/meetings/<int:meeting_id>/clock")
@allow(Access.FACILITATOR)
def move_clock(meeting_id: int) -> ResponseReturnValue:
    """Go on to the next part, back to the one before, or give this one two minutes more."""

    def act(session: Session, meeting: Meeting) -> str:
        step = request.form.get("step", "")
        if step not in room.STEPS:
            raise FormError({"clock": _("The clock has no such button. Reload the page.")})
        moved = room.step(session, meeting, step, request.form.get("seen", ""))
        return "" if moved else str(_("Somebody was quicker; this is how the clock stands now."))

    return _act(meeting_id, act)


@blueprint.post("/meetings/<int:meeting_id>/attendance")
@allow(Access.FACILITATOR)
def mark(meeting_id: int) -> ResponseReturnValue:
    """Save who is here; the button `everybody` marks as present whoever has no mark yet."""
    return _after_marks(meeting_id, lambda _session, _meeting: _("Saved who is here."))


@blueprint.post("/meetings/<int:meeting_id>/pairs")
@allow(Access.FACILITATOR)
def make_pairs(meeting_id: int) -> ResponseReturnValue:
    """Save who is here and make the pairs from them."""

    def act(session: Session, meeting: Meeting) -> str:
        room.pair(session, meeting)
        return str(_("The pairs are made from those who are here."))

    return _after_marks(meeting_id, act)


@blueprint.post("/meetings/<int:meeting_id>/close")
@allow(Access.FACILITATOR)
def close(meeting_id: int) -> ResponseReturnValue:
    """Save who is here and close the session."""

    def act(session: Session, meeting: Meeting) -> str:
        attendance.close(session, meeting, current_visit().person_id)
        return str(_("The session is closed and counts. Marks can still be corrected."))

    return _after_marks(meeting_id, act)


@blueprint.post("/meetings/<int:meeting_id>/reopen")
@allow(Access.INSTRUCTOR)
def reopen(meeting_id: int) -> ResponseReturnValue:
    """Let the session count no longer."""
    meeting, _program = meeting_of(current_visit(), meeting_id)
    attendance.reopen(db.session(), meeting, current_visit().person_id)
    return _done(meeting_id, _("The session is open again. It counts once it is closed."))


@blueprint.post("/meetings/<int:meeting_id>/reschedule")
@allow(Access.INSTRUCTOR)
def reschedule(meeting_id: int) -> ResponseReturnValue:
    """Move the session."""
    meeting, program = meeting_of(current_visit(), meeting_id)
    try:
        starts_at, minutes = planning.read_time(request.form, program.zone, clock.now())
        planning.reschedule(db.session(), meeting, starts_at, minutes, current_visit().person_id)
    except FormError as wrong:
        db.session.rollback()
        return _page(meeting_id, errors=wrong.errors, time=request.form), 400
    return _done(meeting_id, _("The session is moved, and its assignment with it."))


@blueprint.get("/programs/<int:program_id>/sessions")
@allow(Access.STAFF)
def sessions(program_id: int) -> ResponseReturnValue:
    """All cohorts and all weeks, with what happened."""
    program = program_of(current_visit(), program_id)
    now = clock.now()
    counted = attendance_overview(db.session(), program.id)
    over = [one for one in counted if stage(one.meeting, now) is Stage.OVER]
    coming = [one for one in counted if stage(one.meeting, now) in (Stage.COMING, Stage.RUNNING)]
    return render_template(
        "meetings/sessions.html",
        program=program,
        cohorts=[list(weeks) for _cohort, weeks in groupby(counted, key=lambda one: one.meeting.cohort_id)],
        over=over,
        coming=min(coming, key=lambda one: one.meeting.starts_at, default=None),
        stage=lambda meeting: stage(meeting, now),
    )


def _after_marks(meeting_id: int, act: Callable[[Session, Meeting], str]) -> ResponseReturnValue:
    """Save the marks that the form carries, then do what its button says; on an error keep what was chosen."""

    def mark_and_act(session: Session, meeting: Meeting) -> str:
        marks = _sent_marks()
        if "everybody" in request.form:
            marks |= _unmarked(session, meeting, marks)
        attendance.mark(session, meeting, marks, current_visit().person_id)
        return act(session, meeting)

    return _act(meeting_id, mark_and_act)


def _act(meeting_id: int, act: Callable[[Session, Meeting], str]) -> ResponseReturnValue:
    """Do what a form asks for, and answer what `act` says of it."""
    meeting = meeting_row(current_visit(), meeting_id)
    session = db.session()
    try:
        said = act(session, meeting)
    except FormError as wrong:
        session.rollback()
        return polling.refused(str(wrong)) or (_page(meeting_id, errors=wrong.errors, chosen=_chosen()), 400)
    return polling.done(said, "meetings.show", meeting_id=meeting_id)


def _sent_marks() -> dict[int, Presence]:
    """The marks that were changed on the page: an old page does not undo what somebody else marked meanwhile."""
    try:
        return {row_id(person): Presence(value) for person, value in _changed_fields()}
    except ValueError:
        raise FormError({"presence": _("A mark in this list is none that Peerloop knows. Choose again.")}) from None


def _changed_fields() -> Iterator[tuple[str, str]]:
    for name, value in request.form.items():
        person = name.removeprefix(MARK)
        if person != name and value and value != request.form.get(SHOWN + person, ""):
            yield person, value


def _unmarked(session: Session, meeting: Meeting, marks: Mapping[int, Presence]) -> dict[int, Presence]:
    known = attendance.presences_of(session, meeting.id).keys() | marks.keys()
    return {p.id: Presence.PRESENT for p in members_of(session, meeting) if p.id not in known}


def _chosen() -> dict[str, str]:
    return {name.removeprefix(MARK): value for name, value in request.form.items() if name.startswith(MARK)}


def _done(meeting_id: int, said: str) -> ResponseReturnValue:
    return redirect_with("good", said, "meetings.show", meeting_id=meeting_id)


def _page(
    meeting_id: int,
    *,
    errors: Mapping[str, str] | None = None,
    chosen: Mapping[str, str] | None = None,
    time: Mapping[str, str] | None = None,
) -> str:
    """The page of a session; `chosen` and `time` are what somebody typed into a form that was refused."""
    shown = _shown(meeting_id)
    return render_template(
        "meetings/meeting.html",
        **shown | {"errors": errors or {}, "chosen": chosen or {}},
        time=time or _time(shown["meeting"], shown["program"]),
        is_staff=current_visit().role in STAFF,
    )


def _shown(meeting_id: int) -> dict[str, Any]:
    """What the page and its changes show."""
    visit, session, now = current_visit(), db.session(), clock.now()
    meeting, program = meeting_of(visit, meeting_id)
    people = members_of(session, meeting)
    marks = attendance.presences_of(session, meeting.id)
    here = [person for person in people if marks.get(person.id) in HERE]
    groups = pairs.pairs_of(session, meeting)
    running = room_view.clock_of(session, meeting, [len(group.people) for group in groups], now)
    practised = running is not None and running.practised
    return {
        "meeting": meeting,
        "program": program,
        "now": now,
        "looks_new_at": room_view.looks_new_at(meeting, now),
        "clock": running,
        "script": running.script if running else script.of_module(meeting.module, meeting.minutes),
        "is_open": room.is_open(meeting, now),
        "is_forgotten": now > meeting.ends_at + room.FORGOTTEN,
        "stage": stage(meeting, now),
        "people": people,
        "marks": marks,
        "chosen": {},
        "errors": {},
        "here": here,
        "unmarked": [person for person in people if person.id not in marks],
        "pairs": groups,
        "unpaired": bool(here) and {p.id for group in groups for p in group.people} != {p.id for p in here},
        "corrections": history.corrections(session, meeting.id, {person.id: person.name for person in people}),
        "cards": cards_of(session, Place.FACILITATOR, Moment(meeting, visit, people, practised)),
        "code": checkin.code_of(meeting.id),
        "screen": screen.address_of(meeting.id),
        "is_instructor": visit.role is Role.INSTRUCTOR,
    }


def _time(meeting: Meeting, program: Program) -> dict[str, str]:
    local = meeting.starts_at.astimezone(ZoneInfo(program.zone))
    return {
        "day": local.date().isoformat(),
        "at": local.strftime("%H:%M"),
        "minutes": str(meeting.minutes),
    }
