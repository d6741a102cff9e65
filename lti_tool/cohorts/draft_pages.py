"""What is done with a proposal: people moved, swapped and kept, drafts compared and chosen, publication."""

from __future__ import annotations

from flask import Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts import (
    comparing,
    editing,
    hour_pages,
    pages,
    people,
    proposing,
    publishing,
    searching,
    views,
    words,
)
from lti_tool.cohorts.naming import Naming, UnclearError
from lti_tool.cohorts.pages import blueprint, program_here, sent_version
from lti_tool.cohorts.proposing import AlreadyPublishedError, draft_of
from lti_tool.cohorts.publishing import ChangedRosterError
from lti_tool.cohorts.wish_form import whole_number
from lti_tool.cohorts.words import ngettext
from lti_tool.database import db
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with


@blueprint.post("/programs/<int:program_id>/cohorts/move")
@allow(Access.INSTRUCTOR)
def move(program_id: int) -> ResponseReturnValue:
    """Move one person of the proposal. Fields: `person`, `to` (a cohort's index from 0), `version`."""
    program, names = _with_names(program_id)
    person, to = request.form.get("person", ""), whole_number(request.form.get("to", ""))
    effect = editing.move(
        db.session(),
        program,
        person,
        -1 if to is None else to,
        names,
        version=sent_version(),
        actor_id=current_visit().person_id,
    )
    done = _("%(name)s is now in %(cohort)s.", name=names[person], cohort=words.cohort(to or 0))
    return _done(program, done, effect, person)


@blueprint.post("/programs/<int:program_id>/cohorts/swap")
@allow(Access.INSTRUCTOR)
def swap(program_id: int) -> ResponseReturnValue:
    """Let two people of the proposal change places. Fields: `person`, `with` (a name or an id), `version`."""
    program, names = _with_names(program_id)
    person = request.form.get("person", "")
    try:
        other = _naming(program, names).person(request.form.get("with", ""))
    except UnclearError as unclear:
        raise editing.RefusedError([str(unclear)]) from unclear
    effect = editing.swap(
        db.session(), program, person, other, names, version=sent_version(), actor_id=current_visit().person_id
    )
    done = _("%(one)s and %(other)s changed places.", one=names[person], other=names[other])
    return _done(program, done, effect, person, other)


def _done(program: Program, text: str, effect: editing.Effect, *moved: str) -> ResponseReturnValue:
    """Say what was done; the page offers to undo it, and to let these people be moved again."""
    text = " ".join([text, *(f"{note[0].upper()}{note[1:]}." for note in effect.notes)])
    return redirect_with("good", text, "cohorts.index", program_id=program.id, moved=moved)


@blueprint.post("/programs/<int:program_id>/cohorts/place")
@allow(Access.INSTRUCTOR)
def place(program_id: int) -> ResponseReturnValue:
    """Place who is in the course and not in the proposal, moving nobody. Field: `version`."""
    program, names = _with_names(program_id)
    placed, waiting = editing.place(
        db.session(), program, names, version=sent_version(), actor_id=current_visit().person_id
    )
    parts = []
    if placed:
        text = ngettext(
            "%(people)s has a place now.", "%(people)s have a place now.", len(placed), people=words.listed(placed)
        )
        parts.append(text)
    if waiting:
        text = ngettext(
            "%(people)s fits into no cohort as they are: change rules, or try again.",
            "%(people)s fit into no cohort as they are: change rules, or try again.",
            len(waiting),
            people=words.listed(waiting),
        )
        parts.append(text)
    level = "risk" if waiting else "good"
    text = " ".join(parts) or _("Everybody has a place already.")
    return redirect_with(level, text, "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/lock")
@allow(Access.INSTRUCTOR)
def lock(program_id: int) -> ResponseReturnValue:
    """Keep people where they are, or let them be moved. Fields: `person` (repeated), `locked` (1 or 0), `version`."""
    program, names = _with_names(program_id)
    chosen, locked = request.form.getlist("person") or [""], request.form.get("locked") == "1"
    editing.lock(
        db.session(), program, chosen, locked=locked, version=sent_version(), actor_id=current_visit().person_id
    )
    told = words.listed([names[person] for person in chosen])
    text = _("%(name)s may be moved again.", name=told)
    if locked:
        text = ngettext(
            "%(people)s stays here when you try again.",
            "%(people)s stay here when you try again.",
            len(chosen),
            people=told,
        )
    return redirect_with("good", text, "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/undo")
@allow(Access.INSTRUCTOR)
def undo(program_id: int) -> ResponseReturnValue:
    """Take back the last change of the proposal. Field: `version`."""
    program = program_here(program_id)
    undone = proposing.undo(db.session(), program, version=sent_version(), actor_id=current_visit().person_id)
    if undone:
        return redirect_with("good", _("Undone."), "cohorts.index", program_id=program.id)
    return redirect_with("none", _("There is nothing to undo."), "cohorts.index", program_id=program.id)


@blueprint.get("/programs/<int:program_id>/cohorts/compare")
@allow(Access.STAFF)
def compare(program_id: int) -> ResponseReturnValue:
    """The drafts side by side."""
    program = program_here(program_id)
    if proposing.is_published(db.session(), program.id):
        raise AlreadyPublishedError
    page = comparing.comparison(db.session(), program)
    if page is None:
        return redirect(url_for("cohorts.index", program_id=program_id), code=303)
    return render_template("cohorts/compare.html", program=program, page=page, may_change=pages.may_change())


@blueprint.post("/programs/<int:program_id>/cohorts/choose")
@allow(Access.INSTRUCTOR)
def choose(program_id: int) -> ResponseReturnValue:
    """Work on another draft. Fields: `number`, `version`."""
    program, number = program_here(program_id), whole_number(request.form.get("number", "")) or 0
    actor_id = current_visit().person_id
    proposing.choose(db.session(), program, number, version=sent_version(), actor_id=actor_id)
    text = _("You are working on draft %(number)s now.", number=number)
    return redirect_with("good", text, "cohorts.index", program_id=program_id)


@blueprint.get("/programs/<int:program_id>/cohorts/effects")
@allow(Access.INSTRUCTOR)
def effects(program_id: int) -> ResponseReturnValue:
    """What a move of `person` to each other cohort would do, for a page that shows it while they are dragged."""
    program, names = _with_names(program_id)
    proposal = proposing.proposal_of(db.session(), program.id)
    person = request.args.get("person", "")
    if proposal is None or editing.place_of(draft_of(proposal), person) is None:
        abort(404)
    told = views.told_options(draft_of(proposal), person, names)
    return jsonify(version=proposal.version, cohorts=told)


@blueprint.get("/programs/<int:program_id>/cohorts/progress")
@allow(Access.STAFF)
def progress(program_id: int) -> ResponseReturnValue:
    """How far the search is; nothing (204) for a page that knows it already. Asked for with `version`."""
    program = program_here(program_id)
    proposal = proposing.proposal_of(db.session(), program.id)
    if proposal is None:
        abort(404)
    mark = searching.mark(db.session(), proposal)
    if request.args.get("version") == mark:
        return Response(status=204)
    underway = searching.underway(db.session(), proposal)
    return render_template(
        "cohorts/progress.html",
        program=program,
        underway=underway,
        mark=mark,
        version=proposal.version,
        may_change=pages.may_change(),
        words=words,
        seconds=searching.SECONDS,
    )


@blueprint.post("/programs/<int:program_id>/cohorts/search")
@allow(Access.INSTRUCTOR)
def end_search(program_id: int) -> ResponseReturnValue:
    """End the search in the background. Fields: `version`, `take` (1: with the best that it has; 0: with nothing)."""
    program = program_here(program_id)
    proposal = proposing.current(db.session(), program.id, sent_version())
    if request.form.get("take") == "1":
        searching.take_now(db.session(), proposal)
        text = _("The search ends with what it found.")
    else:
        searching.give_up(db.session(), proposal)
        text = _("The search has ended. These cohorts stay as they are.")
    return redirect_with("good", text, "cohorts.index", program_id=program_id)


@blueprint.post("/programs/<int:program_id>/cohorts/publish")
@allow(Access.INSTRUCTOR)
def publish(program_id: int) -> ResponseReturnValue:
    """Publish the proposal. Fields: `version`; `hour-<n>`: when the cohort at index n meets."""
    program = program_here(program_id)
    try:
        hours = hour_pages.read(program, request.form)
    except FormError as wrong:
        return pages.show(program, str(wrong)), 400
    try:
        cohorts = publishing.publish(
            db.session(), program, version=sent_version(), actor_id=current_visit().person_id, hours=hours
        )
    except ChangedRosterError as changed:
        text = _(
            "Nothing was published: %(people)s left the course since this proposal was made. Try again without them.",
            people=words.listed(changed.names),
        )
        return pages.show(program, text), 409
    text = ngettext("%(num)s cohort is published.", "%(num)s cohorts are published.", len(cohorts))
    return redirect_with("good", text, "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/newcomers")
@allow(Access.INSTRUCTOR)
def newcomers(program_id: int) -> ResponseReturnValue:
    """Place who joined since the cohorts were published, and end who left."""
    program = program_here(program_id)
    result = publishing.place_newcomers(db.session(), program, actor_id=current_visit().person_id)
    parts = [
        _("%(name)s is now in Cohort %(cohort)s.", name=person.name, cohort=cohort.name)
        for person, cohort in result.placed[: words.LISTED]
    ]
    if len(result.placed) > words.LISTED:
        more = len(result.placed) - words.LISTED
        parts.append(ngettext("%(num)s more was placed.", "%(num)s more were placed.", more))
    if result.waiting:
        count = len(result.waiting)
        parts.append(ngettext("%(num)s person fits nowhere yet.", "%(num)s people fit nowhere yet.", count))
    if result.left:
        parts.append(ngettext("%(num)s person has left.", "%(num)s people have left.", len(result.left)))
    level = "risk" if result.waiting else "good"
    text = " ".join(parts) or _("Everybody has a place already.")
    return redirect_with(level, text, "cohorts.index", program_id=program.id)


def _with_names(program_id: int) -> tuple[Program, dict[str, str]]:
    program = program_here(program_id)
    return program, people.labels(people.everybody(db.session(), program.course_id))


def _naming(program: Program, names: words.Names) -> Naming:
    """Those whom the proposal places, to be called by their names."""
    proposal = proposing.proposal_of(db.session(), program.id)
    placed = [] if proposal is None else [person["id"] for person in proposal.problem["people"]]
    return Naming({person: names[person] for person in placed})
