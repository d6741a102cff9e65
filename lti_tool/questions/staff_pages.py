"""What staff see of the answers: who is silent, what the others say, whom they wish to be with or must avoid."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from lti_tool import audit
from lti_tool.database import db
from lti_tool.questions import answering, choices, overview
from lti_tool.questions.pages import blueprint
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with


@blueprint.get("/people")
@allow(Access.STAFF)
def people() -> ResponseReturnValue:
    """Who has not answered, and a page of the answers of those who have."""
    visit = current_visit()
    return render_template(
        "questions/people.html",
        visit=visit,
        seen=overview.overview(db.session(), visit.course_id, request.args.get("page", 1, type=int)),
        choices=choices,
        may_remind=visit.role == "instructor",
    )


@blueprint.post("/remind")
@allow(Access.INSTRUCTOR)
def remind() -> ResponseReturnValue:
    """Remind everybody who has not answered: their first page asks again. Nothing is mailed."""
    visit, session = current_visit(), db.session()
    silent = overview.silent(session, visit.course_id)
    answering.remind(session, visit.course_id, [person.id for person in silent])
    audit.record(
        session,
        "answers asked for",
        "course",
        visit.course_id,
        course_id=visit.course_id,
        actor_id=visit.person_id,
        after={"people": [person.id for person in silent]},
    )
    text = ngettext(
        "%(num)s person is reminded when they next open Peerloop.",
        "%(num)s people are reminded when they next open Peerloop.",
        len(silent),
    )
    return redirect_with("good", text, "questions.people")
