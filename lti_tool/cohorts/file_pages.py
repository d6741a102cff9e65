"""Cohorts as files, and what happened to them."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts import history as told
from lti_tool.cohorts import importing, people, proposing, words
from lti_tool.cohorts.importing import Preview
from lti_tool.cohorts.pages import blueprint, program_here, sent_version
from lti_tool.cohorts.proposing import AlreadyPublishedError
from lti_tool.database import db
from lti_tool.programs.tables import Program
from lti_tool.roster import attributes
from lti_tool.roster.attributes import ImportRefusedError
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
    """The cohorts as they stand, a line for each person; a draft's while nothing is published."""
    text = importing.exported(db.session(), program_here(program_id))
    headers = {"Content-Disposition": f'attachment; filename="cohorts-{program_id}.csv"'}
    # Excel takes a file without the mark for another encoding.
    return Response(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8", headers=headers)


@blueprint.get("/programs/<int:program_id>/cohorts/import")
@allow(Access.INSTRUCTOR)
def import_form(program_id: int) -> ResponseReturnValue:
    """Where a file with cohorts is given."""
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
    proposing.store(
        db.session(),
        program,
        found.draft,
        version=sent_version() or 0,
        actor_id=current_visit().person_id,
        action="cohorts imported",
    )
    return redirect_with(
        "good", _("The file is a draft now: only staff see it."), "cohorts.index", program_id=program_id
    )


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
    found: Preview | None = None,
    is_changed: bool = False,
) -> str:
    proposal = proposing.proposal_of(db.session(), program.id)
    return render_template(
        "cohorts/import.html",
        program=program,
        problems=problems,
        text=text,
        found=found,
        is_changed=is_changed,
        version=proposal.version if proposal else 0,
        words=words,
    )
