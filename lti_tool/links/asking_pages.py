"""Links that were placed by hand: the instructor says once what each opens, and may change it later."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from lti_tool import audit
from lti_tool.database import db
from lti_tool.links import offering
from lti_tool.links.offering import Choice
from lti_tool.links.targets import Kind
from lti_tool.programs.access import WITH_MODULES, programs_of
from lti_tool.roster.tables import CourseLink
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("asking", __name__, url_prefix="/v/<visit>/links", template_folder="templates")


@blueprint.get("/")
@allow(Access.INSTRUCTOR)
def index() -> ResponseReturnValue:
    """The links of the course, and what they open."""
    links = db.session.scalars(
        select(CourseLink).where(CourseLink.course_id == current_visit().course_id).order_by(CourseLink.id)
    ).all()
    return render_template("links/links.html", links=links, choices=_choices())


@blueprint.get("/<int:link_id>")
@allow(Access.INSTRUCTOR)
def ask(link_id: int) -> ResponseReturnValue:
    """What a link should open."""
    return _page(_link(link_id))


@blueprint.post("/<int:link_id>")
@allow(Access.INSTRUCTOR)
def tell(link_id: int) -> ResponseReturnValue:
    """Let the link open what the field `opens` says."""
    link, choices = _link(link_id), _choices()
    choice = choices.get(request.form.get("opens", ""))
    if choice is None:
        return _page(link, problem=_("Choose what the link should open.")), 400
    before, link.opens = link.opens, str(choice.target)
    visit = current_visit()
    audit.record(
        db.session(),
        "link told",
        "link",
        link.id,
        course_id=visit.course_id,
        actor_id=visit.person_id,
        before=before,
        after=link.opens,
    )
    return redirect_with("good", _("From now on the link opens: %(what)s.", what=choice.title), "asking.index")


def _link(link_id: int) -> CourseLink:
    query = select(CourseLink).where(CourseLink.id == link_id, CourseLink.course_id == current_visit().course_id)
    return db.session.scalar(query) or abort(404)


def _choices() -> Mapping[str, Choice]:
    """Everything that a link of this course can open, by its text."""
    found = [offering.course_home()]
    for program in programs_of(current_visit().course_id, WITH_MODULES):
        found += offering.choices(db.session(), program)
    return {str(choice.target): choice for choice in found}


def _page(link: CourseLink, problem: str | None = None) -> str:
    choices = _choices()
    return render_template(
        "links/ask.html", link=link, choices=choices, guess=link.opens or _guess(link, choices), problem=problem
    )


def _guess(link: CourseLink, choices: Mapping[str, Choice]) -> str:
    """What the link's title speaks of: "Week 3", say; the first page where it names no week."""
    number = re.search(r"(?<!\d)(\d{1,3})(?!\d)", link.title or "")
    weeks = (choice for choice in choices.values() if choice.target.kind is Kind.WEEK)
    named = (str(choice.target) for choice in weeks if number and choice.target.week == int(number[1]))
    return next(named, next(iter(choices)))
