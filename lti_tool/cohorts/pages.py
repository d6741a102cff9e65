"""Pages of a program's cohorts: the rules, the search by them, what stands now, what a refused form is told."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts import (
    capacity,
    explaining,
    people,
    proposing,
    rules_view,
    searching,
    standing,
    views,
    wish_form,
    wishes,
    words,
)
from lti_tool.cohorts.capacity import BusyError
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
from lti_tool.cohorts.refusals import Impossible, impossible, no_sizes
from lti_tool.cohorts.relaxing import relaxed
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.wish_form import Typed, whole_number
from lti_tool.cohorts.words import ngettext
from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.lti.refusals import new_reference
from lti_tool.programs.access import WITHOUT_SCRIPTS, program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("cohorts", __name__, url_prefix="/v/<visit>", template_folder="templates")


@blueprint.get("/programs/<int:program_id>/cohorts")
@allow(Access.STAFF)
def index(program_id: int) -> ResponseReturnValue:
    """The published cohorts; before, the proposal; before that, the rules."""
    return show(program_of(current_visit(), program_id, WITHOUT_SCRIPTS))


def show(program: Program, problem: str | None = None) -> str:
    """The page of a program's cohorts, with what went wrong before."""
    session = db.session()
    common = {
        "program": program,
        "may_change": may_change(),
        "problem": problem,
        "aside": people.set_aside(session, program.course_id),
    }
    if is_published(session, program.id):
        return render_template("cohorts/board.html", board=views.board(session, program), words=words, **common)
    proposal = proposal_of(session, program.id)
    if proposal is not None:
        moving = request.values.get("person") if may_change() else None
        moved = request.args.getlist("moved") if may_change() else []
        page = views.forming(session, program, proposal, moving, _links(program, proposal), moved)
        return render_template(
            "cohorts/forming.html", page=page, words=words, told=views.told, seconds=searching.SECONDS, **common
        )
    if not may_change():
        return render_template("cohorts/none.html", count=len(people.placeable(session, program.course_id)), **common)
    source = request.args.get("rules_of", type=int)
    begun = rules_view.of_other(session, program, source) if source is not None else None
    said = None if begun is None else _("These are the rules of %(program)s.", program=begun.title)
    chosen = rules_view.beginning(session, program) if begun is None else begun.rules
    return rules_form(program, wish_form.shown(chosen), version=0, said=said)


def _links(program: Program, proposal: Proposal) -> dict[str, str] | None:
    if not may_change():
        return None
    people_ids = (person["id"] for person in proposal.problem["people"])
    return {p: url_for("cohorts.index", program_id=program.id, person=p, _anchor="moving") for p in people_ids}


@blueprint.get("/programs/<int:program_id>/cohorts/rules")
@allow(Access.INSTRUCTOR)
def rules(program_id: int) -> ResponseReturnValue:
    """The form of the rules, as they are now."""
    program, session = program_here(program_id), db.session()
    if is_published(session, program.id):
        raise AlreadyPublishedError
    proposal = proposal_of(session, program.id)
    now = standing.rules_of(program, proposal)
    present = {person.id for person in people.placeable(session, program.course_id)}
    return rules_form(
        program, wish_form.shown(wishes.among(now, present)), version=proposal.version if proposal else 0
    )


@blueprint.post("/programs/<int:program_id>/cohorts/propose")
@allow(Access.INSTRUCTOR)
def propose(program_id: int) -> ResponseReturnValue:
    """Make a proposal by the rules that were sent.

    Fields: see `wish_form`; `version`, `seed`, `more`, `adopt`, `without`.
    """
    program, session = program_here(program_id), db.session()
    placeable = people.placeable(session, program.course_id)
    names = people.labels(placeable)
    sent, version = wish_form.typed(request.form, names), sent_version() or 0
    if "more" in request.form:
        return rules_form(
            program,
            sent,
            version=version,
            more=request.form["more"],
            said=_("There is room for three more groups now."),
        )
    if "adopt" in request.form:
        apart = knowing.wishes_of(session, program.course_id, [person.id for person in placeable]).apart
        typed = wish_form.with_apart(sent, apart)
        return rules_form(program, typed, version=version, said=_adopted(len(typed.apart) - len(sent.apart)))
    if "without" in request.form:
        typed = wish_form.without_hours(sent, [p for p in request.form["without"].split() if p in names])
        said = _("The hours of those who are ticked below do not count now. Make a proposal to use that.")
        return rules_form(program, typed, version=version, said=said)
    known = people.attributes(session, program, {person.id for person in placeable})
    try:
        chosen = wish_form.read(request.form, names, known)
    except FormError as wrong:
        return rules_form(program, sent, version=version, errors=wrong.errors), 400
    seed = whole_number(request.form.get("seed", "")) or 1
    try:
        return _proposed(program, chosen, seed, version)
    except StaleError:
        stale = _(
            "Somebody made another proposal since you opened this form. Your choices are still here: send them "
            "again to replace it, or look at it first."
        )
        session.rollback()
        return rules_form(program_here(program_id), sent, version=_newest(program_id), problem=stale), 409
    except BusyError:
        return rules_form(program_here(program_id), sent, version=version, problem=_busy()), 503


@blueprint.post("/programs/<int:program_id>/cohorts/again")
@allow(Access.INSTRUCTOR)
def again(program_id: int) -> ResponseReturnValue:
    """Search once more by the same rules, from another start, with whoever is in the course now.

    Fields: `version`; `relax`, what a button beside a warning changes of the rules.
    """
    program = program_here(program_id)
    proposal = proposing.current(db.session(), program.id, sent_version())
    draft = draft_of(proposal)
    chosen = relaxed(draft.rules, request.form["relax"]) if "relax" in request.form else draft.rules
    return _proposed(program, chosen, draft.solution["seed"] + 1, proposal.version)


def _adopted(pairs: int) -> str:
    return ngettext(
        "%(num)s pair stands among the people who must be apart now. Make a proposal to use it.",
        "%(num)s pairs stand among the people who must be apart now. Make a proposal to use them.",
        pairs,
    )


def _proposed(program: Program, chosen: wishes.Rules, seed: int, version: int) -> ResponseReturnValue:
    session, program_id, course_id = db.session(), program.id, program.course_id
    placeable = people.placeable(session, course_id)
    if not placeable:
        return rules_form(program, wish_form.shown(chosen), version=version), 400
    chosen = wishes.among(chosen, {person.id for person in placeable})
    problem = proposing.question(session, program, chosen, placeable)
    names = people.labels(placeable)
    unfit = no_sizes(problem)
    if unfit is not None:
        return rules_form(program, wish_form.shown(chosen), version=version, conflict=unfit), 400
    session.rollback()  # nothing was written: let nobody wait for the database during the search
    with capacity.turn():
        solution = proposing.search(problem, seed)
    program, asker = program_here(program_id), current_visit().person_id
    if solution.cut_short:
        if explaining.begin(session, program, asker, version, chosen, problem, seed):
            return redirect(url_for("cohorts.reason", program_id=program_id), code=303)
        session.rollback()
        with capacity.turn():
            solution = explaining.without_worker(problem, seed)
        program = program_here(program_id)
    if solution.status != "solved":
        conflict = impossible(problem, solution, names, words.slots_of(program))
        return rules_form(program, wish_form.shown(chosen), version=version, conflict=conflict), 400
    draft = Draft(chosen, problem, solution.to_json())
    proposal = proposing.store(session, program, draft, version=version, actor_id=asker)
    searching.begin(session, proposal)
    text = _("This is a proposal: only staff see it.")
    if proposal.number > 1:
        most = proposing.MOST_DRAFTS
        text = _(
            "This is draft %(n)s: only staff see it. The newest %(most)s are kept.", n=proposal.number, most=most
        )
    return redirect_with("good", text, "cohorts.index", program_id=program_id)


@blueprint.errorhandler(StaleError)
def stale(_error: StaleError) -> ResponseReturnValue:
    """What was sent came from a page that is no longer true: show what is, and change nothing."""
    text = _("The proposal was changed since you opened that page. Nothing was done; this is how it is now.")
    return _again_from_start(text), 409


@blueprint.errorhandler(BusyError)
def busy(_error: BusyError) -> ResponseReturnValue:
    """Too many ask for cohorts at once."""
    return _again_from_start(_busy()), 503


def _busy() -> str:
    text: str = _(
        "Peerloop is forming cohorts for others right now. Nothing was changed: try again in a few seconds."
    )
    return text


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
    return show(program_here(program_id), problem)


def rules_form(
    program: Program,
    typed: Typed,
    *,
    version: int,
    errors: dict[str, str] | None = None,
    conflict: Impossible | None = None,
    problem: str | None = None,
    said: str | None = None,
    more: str = "",
) -> str:
    """The form of the rules with what was typed, and what is wrong with it; `said` is what was done with it, `more`
    the kind of groups for which there is to be more room.
    """
    session = db.session()
    page = rules_view.shown(session, program, typed)
    errors = errors or {}
    return render_template(
        "cohorts/rules.html",
        program=program,
        page=page,
        typed=typed,
        version=version,
        errors=errors,
        summary=[(f"field-{name}", wish_form.summed_up(name, text)) for name, text in errors.items()],
        conflict=conflict,
        problem=problem,
        more=more,
        count=page.count,
        names=page.names,
        words=words,
        aside=people.set_aside(session, program.course_id),
        smallest=wishes.SMALLEST,
        largest=wishes.LARGEST,
        **({"notices": [("good", said)]} if said else {}),
    )


def program_here(program_id: int) -> Program:
    """The program of this page. Answers 404 when it is another course's."""
    return program_of(current_visit(), program_id)


def may_change() -> bool:
    """Whether whoever looks may change cohorts."""
    return current_visit().role is Role.INSTRUCTOR


def sent_version() -> int | None:
    """The version of the proposal that the page showed from which a form was sent."""
    return whole_number(request.form.get("version", ""))


def _newest(program_id: int) -> int:
    proposal = proposal_of(db.session(), program_id)
    return proposal.version if proposal else 0
