"""Cohorts from files, from the groups of the LMS and into files, and what happened to them."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.utils import secure_filename

from lti_tool.cohorts import exporting, importing, people, proposing, words
from lti_tool.cohorts import history as told
from lti_tool.cohorts.importing import Preview
from lti_tool.cohorts.pages import blueprint, program_here, sent_version
from lti_tool.cohorts.proposing import AlreadyPublishedError
from lti_tool.database import db
from lti_tool.programs.tables import Program
from lti_tool.roster import attributes
from lti_tool.roster.attributes import ImportRefusedError
from lti_tool.roster.groups import sets_of
from lti_tool.roster.tables import Person
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with
from lti_tool.web.uploads import sent_file


@blueprint.get("/programs/<int:program_id>/cohorts/history")
@allow(Access.STAFF)
def history(program_id: int) -> ResponseReturnValue:
    """Who was placed where, by whom, when and why; with `person` only what concerns one person."""
    program = program_here(program_id)
    person_id = request.args.get("person", type=int)
    person = None if person_id is None else _person(program, person_id)
    found = told.history(db.session(), program, person_id)
    return render_template("cohorts/history.html", program=program, person=person, history=found)


def _person(program: Program, person_id: int) -> Person:
    """Somebody who is or was in the course. Answers 404 for anybody else."""
    found = next((p for p in people.everybody(db.session(), program.course_id) if p.id == person_id), None)
    if found is None:
        abort(404)
    return found


@blueprint.get("/programs/<int:program_id>/cohorts.csv")
@allow(Access.STAFF)
def export(program_id: int) -> ResponseReturnValue:
    """The cohorts as they stand; a draft's while nothing is published. `for` names a kind of file for an LMS."""
    kind = request.args.get("for", exporting.OWN)
    if kind not in exporting.FILES:
        abort(404)
    program = program_here(program_id)
    text = exporting.exported(db.session(), program, kind)
    of = secure_filename(program.title).lower().replace("_", "-") or str(program_id)
    name = f"cohorts-{of}" if kind == exporting.OWN else f"{kind}-{of}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    # Excel takes a file without the mark for another encoding; an LMS may take the mark for part of a column's name.
    encoding = "utf-8-sig" if kind == exporting.OWN else "utf-8"
    return Response(text.encode(encoding), content_type="text/csv; charset=utf-8", headers=headers)


@blueprint.get("/programs/<int:program_id>/cohorts/lms")
@allow(Access.STAFF)
def to_lms(program_id: int) -> ResponseReturnValue:
    """The files by which this LMS makes groups of the cohorts, and how."""
    program = program_here(program_id)
    return render_template("cohorts/to_lms.html", program=program, files=exporting.offers(db.session(), program))


@blueprint.get("/programs/<int:program_id>/cohorts/import")
@allow(Access.INSTRUCTOR)
def import_form(program_id: int) -> ResponseReturnValue:
    """Where a file with cohorts is given, or groups of the LMS are chosen."""
    return _form(_unpublished(program_id))


@blueprint.post("/programs/<int:program_id>/cohorts/import")
@allow(Access.INSTRUCTOR)
def import_file(program_id: int) -> ResponseReturnValue:
    """Show what a file would make, or take it as it was shown.

    Fields: `file` or `text`; to take it `confirmed` (1), `version`, and `seen`, the digest of what was shown.
    """
    program = _unpublished(program_id)
    data, pasted = sent_file(attributes.MAX_BYTES)
    try:
        found = importing.preview(db.session(), program, data)
    except ImportRefusedError as refused:
        return _form(program, problems=refused.problems, text=pasted), 400
    if request.form.get("confirmed") != "1":
        return _form(program, text=data.decode("utf-8-sig"), found=found)
    if request.form.get("seen") != found.digest:
        return _form(program, text=data.decode("utf-8-sig"), found=found, is_changed=True), 409
    return _taken(program, found, "cohorts imported", _("The file is a draft now: only staff see it."))


@blueprint.post("/programs/<int:program_id>/cohorts/import/groups")
@allow(Access.INSTRUCTOR)
def import_groups(program_id: int) -> ResponseReturnValue:
    """Show what groups of the LMS would make, or take them as they were shown.

    Fields: `groups`, the title of their set; to take them `confirmed` (1), `version` and `seen` as for a file.
    """
    program, title = _unpublished(program_id), request.form.get("groups", "")
    try:
        found = importing.preview_groups(db.session(), program, title)
    except ImportRefusedError as refused:
        return _form(program, problems=refused.problems), 400
    if request.form.get("confirmed") != "1":
        return _form(program, groups=title, found=found)
    if request.form.get("seen") != found.digest:
        return _form(program, groups=title, found=found, is_changed=True), 409
    text = _("The groups of the LMS are a draft now: only staff see it.")
    return _taken(program, found, "cohorts taken from groups", text)


def _taken(program: Program, found: Preview, action: str, text: str) -> ResponseReturnValue:
    proposing.store(
        db.session(),
        program,
        found.draft,
        version=sent_version() or 0,
        actor_id=current_visit().person_id,
        action=action,
    )
    return redirect_with("good", text, "cohorts.index", program_id=program.id)


def _unpublished(program_id: int) -> Program:
    program = program_here(program_id)
    if proposing.is_published(db.session(), program.id):
        raise AlreadyPublishedError
    return program


def _form(
    program: Program,
    *,
    problems: tuple[str, ...] = (),
    text: str = "",
    groups: str = "",
    found: Preview | None = None,
    is_changed: bool = False,
) -> str:
    proposal = proposing.proposal_of(db.session(), program.id)
    return render_template(
        "cohorts/import.html",
        program=program,
        problems=problems,
        text=text,
        groups=groups,
        group_sets=[] if found else sets_of(db.session(), program.course_id),
        found=found,
        is_changed=is_changed,
        version=proposal.version if proposal else 0,
        words=words,
    )
