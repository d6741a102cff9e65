"""Published cohorts formed anew: the ways side by side, taking one, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts import capacity, hour_pages, joining, needing, reforming, undoing, words
from lti_tool.cohorts.pages import blueprint, program_here, show
from lti_tool.cohorts.proposing import StaleError, is_published
from lti_tool.cohorts.publishing import BrokenRulesError
from lti_tool.cohorts.reforming import Moves
from lti_tool.cohorts.wish_form import whole_number
from lti_tool.database import db
from lti_tool.programs.fields import FormError
from lti_tool.programs.schedule import WeeklyHour
from lti_tool.programs.tables import Program
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with


@blueprint.get("/programs/<int:program_id>/cohorts/anew")
@allow(Access.INSTRUCTOR)
def anew(program_id: int) -> ResponseReturnValue:
    """Up to a few ways to go on with the published cohorts; nothing is changed."""
    return _page(_published(program_id))


@blueprint.post("/programs/<int:program_id>/cohorts/anew")
@allow(Access.INSTRUCTOR)
def go_anew(program_id: int) -> ResponseReturnValue:
    """Take a way. Fields: `moves`, as the page wrote them; `hour` (repeated): "<id>:<hour>" of a cohort."""
    program = _published(program_id)
    try:
        moves = _read(request.form.get("moves", ""))
        hours = _hours(program, request.form.getlist("hour"))
        reforming.go(db.session(), program, moves, actor_id=current_visit().person_id, hours=hours)
    except StaleError:
        return _refused(
            program_id, _("Somebody joined, left or moved since you opened that page. These are the ways now.")
        )
    except BrokenRulesError as broken:
        return _refused(program_id, " ".join(broken.reasons))
    except FormError as wrong:
        return _refused(program_id, str(wrong))
    text = words.ngettext("%(num)s person has a new place.", "%(num)s people have a new place.", len(moves))
    return redirect_with("good", text, "cohorts.index", program_id=program_id)


@blueprint.post("/programs/<int:program_id>/cohorts/anew/unlock")
@allow(Access.INSTRUCTOR)
def unlock_anew(program_id: int) -> ResponseReturnValue:
    """Let somebody leave their cohort who was to stay in it. Field: `person`."""
    program = _published(program_id)
    person_id = whole_number(request.form.get("person", "")) or 0
    try:
        name = needing.unlock(db.session(), program, person_id, actor_id=current_visit().person_id)
    except StaleError:
        return _refused(program_id, _("They are no longer kept in their cohort. These are the ways now."))
    return redirect_with("good", _("%(name)s may be moved again.", name=name), "cohorts.anew", program_id=program_id)


@blueprint.post("/programs/<int:program_id>/cohorts/anew/without-hours")
@allow(Access.INSTRUCTOR)
def exempt_anew(program_id: int) -> ResponseReturnValue:
    """Let the hours of somebody no longer count, which leave their cohort none in common. Field: `person`."""
    program = _published(program_id)
    person_id = whole_number(request.form.get("person", "")) or 0
    try:
        name = needing.exempt(db.session(), program, person_id, actor_id=current_visit().person_id)
    except StaleError:
        return _refused(program_id, _("Their hours do not count any more. These are the ways now."))
    text = _("The hours of %(name)s no longer count.", name=name)
    return redirect_with("good", text, "cohorts.anew", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/moves/undo")
@allow(Access.INSTRUCTOR)
def undo_moves(program_id: int) -> ResponseReturnValue:
    """Take back what was last done to the people of the cohorts. Field: `act`, the entry that the page showed."""
    program = _published(program_id)
    entry_id = whole_number(request.form.get("act", "")) or 0
    try:
        count = undoing.undo(db.session(), program, entry_id, actor_id=current_visit().person_id)
    except StaleError:
        db.session.rollback()
        text = _("Nothing was changed: somebody changed the cohorts since, or a session was held.")
        return show(_published(program_id), text), 409
    except FormError as wrong:
        db.session.rollback()
        return show(_published(program_id), _("Nothing was changed. %(why)s", why=str(wrong))), 409
    done = words.ngettext(
        "%(num)s person is back where they were.", "%(num)s people are back where they were.", count
    )
    return redirect_with("good", done, "cohorts.index", program_id=program_id)


@blueprint.post("/programs/<int:program_id>/cohorts/joined/undo")
@allow(Access.INSTRUCTOR)
def undo_joined(program_id: int) -> ResponseReturnValue:
    """Let those who were placed wait again. Field: `act`, the entry that the page showed."""
    program = _published(program_id)
    entry_id = whole_number(request.form.get("act", "")) or 0
    try:
        names = joining.take_back(db.session(), program, entry_id, actor_id=current_visit().person_id)
    except StaleError:
        db.session.rollback()
        text = _("Nothing was changed: they were moved since, or a session was held.")
        return show(_published(program_id), text), 409
    text = words.ngettext(
        "%(people)s has no cohort now, and gets none until you place them.",
        "%(people)s have no cohort now, and get none until you place them.",
        len(names),
        people=words.listed(names),
    )
    return redirect_with("good", text, "cohorts.index", program_id=program_id)


def _refused(program_id: int, why: str) -> ResponseReturnValue:
    db.session.rollback()
    return _page(_published(program_id), _("Nothing was changed. %(why)s", why=why)), 409


def _read(text: str) -> Moves:
    """The moves of a form: `person:from:to` for each, `from` empty for who waits. Raises StaleError."""
    moves: dict[int, tuple[int | None, int]] = {}
    for part in text.split():
        person, leaves, joins = (whole_number(number) for number in (part + "::").split(":")[:3])
        if person is None or joins is None:
            raise StaleError
        moves[person] = (leaves, joins)
    if not moves:
        raise StaleError
    return moves


def _hours(program: Program, sent: Sequence[str]) -> dict[int, WeeklyHour]:
    """The new hours of cohorts by id. Raises FormError."""
    found = {}
    for text in sent:
        cohort, _colon, told = text.partition(":")
        hour = hour_pages.weekly("hour", told, program)
        if hour is not None:
            found[whole_number(cohort) or 0] = hour
    return found


def _written(moves: Moves) -> str:
    return " ".join(f"{person}:{leaves or ''}:{joins}" for person, (leaves, joins) in moves.items())


def _published(program_id: int) -> Program:
    program = program_here(program_id)
    if not is_published(db.session(), program.id):
        abort(404)
    return program


def _page(program: Program, problem: str | None = None) -> str:
    session, program_id = db.session(), program.id
    now = reforming.question(session, program)
    session.rollback()  # nothing was written: let nobody wait for the database during the search
    with capacity.turn():
        found = reforming.search(now)
    program = program_here(program_id)
    bar = reforming.bar_of(session, program, now)
    return render_template(
        "cohorts/anew.html",
        program=program,
        ways=[(way, _written(way.sent)) for way in reforming.ways(now, found.choices, bar)],
        needs=needing.needs(now),
        held=reforming.held(now, found),
        bar=bar.name,
        legend=bar.legend,
        refused=reforming.why_none(now, found),
        problem=problem,
    )
