"""The pages of the people of a course."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from lti_tool.database import db
from lti_tool.roster import attributes, departures, groups, importing, people, readings
from lti_tool.roster.people import Show
from lti_tool.roster.tables import Course, RosterReading
from lti_tool.roster.words import ROLES
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with
from lti_tool.web.uploads import sent_file

blueprint = Blueprint("roster", __name__, url_prefix="/v/<visit>/people", template_folder="templates")


@blueprint.get("")
@allow(Access.STAFF)
def show() -> ResponseReturnValue:
    """Who is here, who can be placed, and when the roster was last read."""
    return _page()


@blueprint.post("/read")
@allow(Access.STAFF)
def read() -> ResponseReturnValue:
    """Ask for a reading of the roster."""
    readings.request_now(db.session(), current_visit().course_id)
    return redirect_with("good", _("The roster is being read. Reload this page to see how far it is."), "roster.show")


@blueprint.post("/readings/<int:reading_id>/confirm")
@allow(Access.INSTRUCTOR)
def confirm(reading_id: int) -> ResponseReturnValue:
    """Say that the people who are missing have left indeed."""
    try:
        gone = departures.confirm(db.session(), _held(reading_id), current_visit().person_id)
    except departures.NotHeldError:
        abort(409)
    text = ngettext("%(num)s person is marked as gone.", "%(num)s people are marked as gone.", gone)
    return redirect_with("good", text, "roster.show")


@blueprint.post("/readings/<int:reading_id>/dismiss")
@allow(Access.INSTRUCTOR)
def dismiss(reading_id: int) -> ResponseReturnValue:
    """Say that the people who are missing have not left."""
    try:
        departures.dismiss(db.session(), _held(reading_id), current_visit().person_id)
    except departures.NotHeldError:
        abort(409)
    return redirect_with("good", _("Nobody was marked as gone."), "roster.show")


@blueprint.post("/attributes")
@allow(Access.INSTRUCTOR)
def preview_attributes() -> ResponseReturnValue:
    """Show what a CSV file, or text pasted from one, would change. Nothing is stored."""
    return _preview(*sent_file(attributes.MAX_BYTES))


@blueprint.post("/attributes/take")
@allow(Access.INSTRUCTOR)
def take_attributes() -> ResponseReturnValue:
    """Take a file as it was shown. Fields: `text`, and `seen`, the digest of what was shown."""
    visit, text = current_visit(), request.form.get("text", "")
    try:
        count = importing.take(
            db.session(), visit.course_id, visit.person_id, text.encode(), request.form.get("seen", "")
        )
    except importing.ChangedSinceError:
        return make_response(_preview(text.encode(), text, is_changed=True), 409)
    except attributes.ImportRefusedError as refusal:
        return make_response(_page(problems=refusal.problems, pasted=text), 400)
    done = ngettext("%(num)s attribute is taken.", "%(num)s attributes are taken.", count)
    return redirect_with("good", done, "roster.show", _anchor="attributes")


def _preview(data: bytes, pasted: str, *, is_changed: bool = False) -> ResponseReturnValue:
    try:
        found = importing.preview(db.session(), current_visit().course_id, data)
    except attributes.ImportRefusedError as refusal:
        return make_response(_page(problems=refusal.problems, pasted=pasted), 400)
    # What was read is UTF-8, or it would have been refused.
    return render_template("roster/preview.html", preview=found, text=data.decode("utf-8-sig"), is_changed=is_changed)


def _held(reading_id: int) -> RosterReading:
    reading = db.session.get(RosterReading, reading_id)
    if reading is None or reading.course_id != current_visit().course_id:
        abort(404)
    return reading


def _page(*, problems: tuple[str, ...] = (), pasted: str = "") -> ResponseReturnValue:
    session = db.session()
    course = session.get_one(Course, current_visit().course_id)
    shown = _shown()
    text = request.args.get("q", "")[:100].strip()
    found = people.search(session, course.id, text=text, show=shown, page=request.args.get("page", 1, type=int))
    return render_template(
        "roster/people.html",
        course=course,
        roles=ROLES,
        reading=readings.latest(session, course.id),
        counts=people.counts(session, course.id),
        found=found,
        attributes=people.attributes(session, course.id, [e.person_id for e in found.enrolments]),
        group_sets=groups.sets_of(session, course.id),
        shown=shown,
        text=text,
        problems=problems,
        pasted=pasted,
        may_decide=current_visit().role == "instructor",
    )


def _shown() -> Show:
    wanted = request.args.get("show", Show.ALL.value)
    return Show(wanted) if wanted in set(Show) else Show.ALL
