"""Why there are no cohorts: looked for by a worker, and shown when it is found."""

from __future__ import annotations

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.cohorts import explaining, pages, people, wish_form, wishes, words
from lti_tool.cohorts.pages import blueprint, program_here
from lti_tool.cohorts.proposing import is_published
from lti_tool.cohorts.refusals import impossible
from lti_tool.cohorts.tables import Inquiry
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db
from lti_tool.matching.problem import Problem
from lti_tool.matching.solution import Solution
from lti_tool.web.gate import Access, allow, current_visit


@blueprint.get("/programs/<int:program_id>/cohorts/reason")
@allow(Access.INSTRUCTOR)
def reason(program_id: int) -> ResponseReturnValue:
    """The rules that cannot all be kept, with ways out; until that is known, that somebody looks for it.

    With `edit` the rules that were asked about, to be changed before that.
    """
    program, session = program_here(program_id), db.session()
    inquiry = explaining.asked(session, program_id, current_visit().person_id)
    if inquiry is None or is_published(session, program_id):
        return redirect(url_for("cohorts.index", program_id=program_id), code=303)
    present = {person.id for person in people.placeable(session, program.course_id)}
    asked = wish_form.shown(wishes.among(Rules.from_json(inquiry.rules), present))
    if inquiry.solution is None and "edit" in request.args:
        return pages.rules_form(program, asked, version=inquiry.version)
    if inquiry.solution is None:
        return render_template("cohorts/reason.html", program=program, mark=_mark(inquiry))
    names = people.labels(people.everybody(session, program.course_id))
    found = Solution.without_cohorts(inquiry.solution)
    conflict = impossible(Problem.from_json(inquiry.problem), found, names, words.slots_of(program))
    return pages.rules_form(program, asked, version=inquiry.version, conflict=conflict)


@blueprint.get("/programs/<int:program_id>/cohorts/reason/progress")
@allow(Access.INSTRUCTOR)
def reason_progress(program_id: int) -> ResponseReturnValue:
    """Nothing (204) for a page that knows how far this is, else a sign of news. Asked for with `version`."""
    program = program_here(program_id)
    inquiry = explaining.asked(db.session(), program.id, current_visit().person_id)
    if request.args.get("version") == _mark(inquiry):
        return Response(status=204)
    return render_template("cohorts/reason_found.html", mark=_mark(inquiry))


def _mark(inquiry: Inquiry | None) -> str:
    if inquiry is None:
        return "none"
    return f"{inquiry.id}.{'looking' if inquiry.solution is None else 'found'}"
