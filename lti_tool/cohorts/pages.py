"""Pages of a program's cohorts: rules, proposal, publication, and the published board."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts import editing, people, proposing, publishing, views, wish_form, wishes, words
from lti_tool.cohorts.editing import RefusedError
from lti_tool.cohorts.proposing import (
    AlreadyPublishedError,
    CheckFailedError,
    Draft,
    StaleError,
    draft_of,
    is_published,
    proposal_of,
)
from lti_tool.cohorts.publishing import ChangedRosterError
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.wish_form import Typed, whole_number
from lti_tool.cohorts.words import Impossible, ngettext
from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.lti.refusals import new_reference
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing
from lti_tool.questions.overview import count_silent
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("cohorts", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/programs/<int:program_id>/cohorts")
@allow(Access.STAFF)
def index(program_id: int) -> ResponseReturnValue:
    """The published cohorts; before, the proposal; before that, the rules."""
    return _index(_program(program_id))


def _index(program: Program, problem: str | None = None) -> str:
    session = db.session()
    common = {
        "program": program,
        "may_change": _may_change(),
        "problem": problem,
        "aside": people.set_aside(session, program.course_id),
    }
    if is_published(session, program.id):
        return render_template("cohorts/board.html", board=views.board(session, program), **common)
    proposal = proposal_of(session, program.id)
    if proposal is not None:
        moving = request.values.get("person") if _may_change() else None
        page = views.forming(session, program, proposal, moving, _links(program, proposal))
        return render_template("cohorts/forming.html", page=page, words=words, **common)
    if not _may_change():
        return render_template("cohorts/none.html", count=len(people.placeable(session, program.course_id)), **common)
    return _rules_form(program, wish_form.shown(wishes.usual(program)), version=0)


def _links(program: Program, proposal: Proposal) -> dict[str, str] | None:
    if not _may_change():
        return None
    people_ids = (person["id"] for person in proposal.problem["people"])
    return {p: url_for("cohorts.index", program_id=program.id, person=p, _anchor="moving") for p in people_ids}


@blueprint.get("/programs/<int:program_id>/cohorts/rules")
@allow(Access.INSTRUCTOR)
def rules(program_id: int) -> ResponseReturnValue:
    """The form of the rules, as they are now."""
    program, session = _program(program_id), db.session()
    if is_published(session, program.id):
        raise AlreadyPublishedError
    proposal = proposal_of(session, program.id)
    now = publishing.rules_of(program, proposal)
    present = {person.id for person in people.placeable(session, program.course_id)}
    return _rules_form(
        program, wish_form.shown(wishes.among(now, present)), version=proposal.version if proposal else 0
    )


@blueprint.post("/programs/<int:program_id>/cohorts/propose")
@allow(Access.INSTRUCTOR)
def propose(program_id: int) -> ResponseReturnValue:
    """Make a proposal by the rules that were sent. Fields: see `wish_form`; `version`, `seed`, `more`, `adopt`."""
    program, session = _program(program_id), db.session()
    sent, version = wish_form.typed(request.form), _version() or 0
    if "more" in request.form:
        return _rules_form(program, sent, version=version, empty=3)
    course_id = program.course_id
    placeable = people.placeable(session, course_id)
    if "adopt" in request.form:
        apart = knowing.wishes_of(session, course_id, [person.id for person in placeable]).apart
        return _rules_form(program, wish_form.with_apart(sent, apart), version=version)
    known = people.attributes(session, course_id, {person.id for person in placeable})
    try:
        chosen = wish_form.read(request.form, [person.id for person in placeable], known)
    except FormError as wrong:
        return _rules_form(program, sent, version=version, errors=wrong.errors), 400
    seed = whole_number(request.form.get("seed", "")) or 1
    try:
        return _proposed(program, chosen, seed, version)
    except StaleError:
        stale = _(
            "Somebody made another proposal since you opened this form. Your choices are still here: send them "
            "again to replace it, or look at it first."
        )
        session.rollback()
        return _rules_form(_program(program_id), sent, version=_newest(program_id), problem=stale), 409


@blueprint.post("/programs/<int:program_id>/cohorts/again")
@allow(Access.INSTRUCTOR)
def again(program_id: int) -> ResponseReturnValue:
    """Search once more by the same rules, from another start, with whoever is in the course now."""
    program = _program(program_id)
    proposal = proposing.current(db.session(), program.id, _version())
    draft = draft_of(proposal)
    return _proposed(program, draft.rules, draft.solution["seed"] + 1, proposal.version)


def _proposed(program: Program, chosen: wishes.Rules, seed: int, version: int) -> ResponseReturnValue:
    session, program_id, course_id = db.session(), program.id, program.course_id
    placeable = people.placeable(session, course_id)
    if not placeable:
        return _rules_form(program, wish_form.shown(chosen), version=version), 400
    ids = {person.id for person in placeable}
    chosen = wishes.among(chosen, ids)
    problem = wishes.compose(chosen, placeable, people.attributes(session, course_id, ids))
    names = people.labels(placeable)
    session.rollback()  # nothing was written: let nobody wait for the database during the search
    solution = proposing.search(problem, seed)
    program = _program(program_id)
    if solution.status != "solved":
        conflict = words.impossible(problem, solution, names)
        return _rules_form(program, wish_form.shown(chosen), version=version, conflict=conflict), 400
    draft = Draft(chosen, problem, solution.to_json())
    proposing.store(session, program, draft, version=version, actor_id=current_visit().person_id)
    return redirect_with("good", _("This is a proposal: only staff see it."), "cohorts.index", program_id=program_id)


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
        version=_version(),
        actor_id=current_visit().person_id,
    )
    done = _("%(name)s is now in %(cohort)s.", name=names[person], cohort=words.cohort(to or 0))
    return _done(program, done, effect)


@blueprint.post("/programs/<int:program_id>/cohorts/swap")
@allow(Access.INSTRUCTOR)
def swap(program_id: int) -> ResponseReturnValue:
    """Let two people of the proposal change places. Fields: `person`, `with`, `version`."""
    program, names = _with_names(program_id)
    person, other = request.form.get("person", ""), request.form.get("with", "")
    effect = editing.swap(
        db.session(), program, person, other, names, version=_version(), actor_id=current_visit().person_id
    )
    return _done(program, _("%(one)s and %(other)s changed places.", one=names[person], other=names[other]), effect)


def _done(program: Program, text: str, effect: editing.Effect) -> ResponseReturnValue:
    text = " ".join([text, *(f"{note[0].upper()}{note[1:]}." for note in effect.notes)])
    return redirect_with("good", text, "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/lock")
@allow(Access.INSTRUCTOR)
def lock(program_id: int) -> ResponseReturnValue:
    """Keep a person where they are, or let them be moved. Fields: `person`, `locked` (1 or 0), `version`."""
    program, names = _with_names(program_id)
    person, locked = request.form.get("person", ""), request.form.get("locked") == "1"
    place = editing.lock(
        db.session(), program, person, locked=locked, version=_version(), actor_id=current_visit().person_id
    )
    text = _("%(name)s may be moved again.", name=names[person])
    if locked:
        text = _("%(name)s stays in %(cohort)s.", name=names[person], cohort=words.cohort(place))
    return redirect_with("good", text, "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/undo")
@allow(Access.INSTRUCTOR)
def undo(program_id: int) -> ResponseReturnValue:
    """Take back the last change of the proposal. Field: `version`."""
    program = _program(program_id)
    undone = proposing.undo(db.session(), program, version=_version(), actor_id=current_visit().person_id)
    if undone:
        return redirect_with("good", _("Undone."), "cohorts.index", program_id=program.id)
    return redirect_with("none", _("There is nothing to undo."), "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/publish")
@allow(Access.INSTRUCTOR)
def publish(program_id: int) -> ResponseReturnValue:
    """Publish the proposal. Field: `version`."""
    program = _program(program_id)
    try:
        cohorts = publishing.publish(db.session(), program, version=_version(), actor_id=current_visit().person_id)
    except ChangedRosterError as changed:
        text = _(
            "Nothing was published: %(people)s left the course since this proposal was made. Try again without them.",
            people=words.listed(changed.names),
        )
        return _index(program, text), 409
    text = ngettext("%(num)s cohort is published.", "%(num)s cohorts are published.", len(cohorts))
    return redirect_with("good", text, "cohorts.index", program_id=program.id)


@blueprint.post("/programs/<int:program_id>/cohorts/newcomers")
@allow(Access.INSTRUCTOR)
def newcomers(program_id: int) -> ResponseReturnValue:
    """Place who joined since the cohorts were published, and end who left."""
    program = _program(program_id)
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


@blueprint.errorhandler(StaleError)
def stale(_error: StaleError) -> ResponseReturnValue:
    """What was sent came from a page that is no longer true: show what is, and change nothing."""
    text = _("The proposal was changed since you opened that page. Nothing was done; this is how it is now.")
    return _again_from_start(text), 409


@blueprint.errorhandler(RefusedError)
def refused(error: RefusedError) -> ResponseReturnValue:
    """A change by hand that would break rules."""
    return _again_from_start(_("Nothing was changed. %(reasons)s", reasons=" ".join(error.reasons))), 400


@blueprint.errorhandler(AlreadyPublishedError)
def already_published(_error: AlreadyPublishedError) -> ResponseReturnValue:
    """Two published at once, or a page of before was sent: the cohorts stand."""
    text = _("The cohorts of this program are published. Nothing was changed; move people from a cohort's page.")
    return _again_from_start(text), 409


@blueprint.errorhandler(CheckFailedError)
def check_failed(error: CheckFailedError) -> ResponseReturnValue:
    """Never show an answer that the checker refused."""
    reference = new_reference()
    proposing.log.error("refused by the checker", extra={"reference": reference}, exc_info=error)
    page = render_template(
        "error.html",
        title=_("This answer is wrong, so you do not see it"),
        reason=_("Peerloop checks every proposal a second time. This one failed. Nothing was changed."),
        step=_("Try again. If it happens again, give the reference below to the person who runs Peerloop."),
        reference=reference,
    )
    return page, 500


def _again_from_start(problem: str) -> str:
    db.session.rollback()
    program_id = (request.view_args or {})["program_id"]
    return _index(_program(program_id), problem)


def _rules_form(
    program: Program,
    typed: Typed,
    *,
    version: int,
    errors: dict[str, str] | None = None,
    conflict: Impossible | None = None,
    problem: str | None = None,
    empty: int = 1,
) -> str:
    session = db.session()
    placeable = people.placeable(session, program.course_id)
    names = people.labels(placeable)
    ids = {person.id for person in placeable}
    known = people.attributes(session, program.course_id, ids)
    apart = knowing.wishes_of(session, program.course_id, ids).apart
    errors = errors or {}
    return render_template(
        "cohorts/rules.html",
        program=program,
        typed=typed,
        version=version,
        errors=errors,
        summary=[(f"field-{name}", text) for name, text in errors.items()],
        conflict=conflict,
        problem=problem,
        empty=empty,
        count=len(placeable),
        options=[("", _("Choose a person")), *names.items()],
        names=names,
        words=words,
        silent=count_silent(session, program.course_id),
        avoided=len(apart),
        to_adopt=len(wish_form.with_apart(typed, apart).apart) - len(typed.apart),
        known=[(attribute.name, _with_count(attribute, len(placeable))) for attribute in known],
        numeric=[(a.name, _with_count(a, len(placeable))) for a in known if a.is_numeric],
        aside=people.set_aside(session, program.course_id),
        smallest=wishes.SMALLEST,
        largest=wishes.LARGEST,
    )


def _with_count(attribute: people.Attribute, count: int) -> str:
    missing = count - len(attribute.values)
    name = words.unknown_of(attribute.name, missing) if missing else attribute.name
    return f"{name} · {people.SOURCES[attribute.source]}"


def _program(program_id: int) -> Program:
    return program_of(current_visit(), program_id)


def _with_names(program_id: int) -> tuple[Program, dict[str, str]]:
    program = _program(program_id)
    return program, people.labels(people.everybody(db.session(), program.course_id))


def _may_change() -> bool:
    return current_visit().role is Role.INSTRUCTOR


def _version() -> int | None:
    return whole_number(request.form.get("version", ""))


def _newest(program_id: int) -> int:
    proposal = proposal_of(db.session(), program_id)
    return proposal.version if proposal else 0
