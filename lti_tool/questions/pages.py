"""The form that learners fill in. It works without scripts: each button sends all of it, and all of it is kept."""

from __future__ import annotations

from datetime import time

from babel.dates import format_time, get_day_names
from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from lti_tool.database import db
from lti_tool.programs.access import programs_of
from lti_tool.programs.fields import zones
from lti_tool.questions import answering, choices, week
from lti_tool.questions.answering import MOST_WISHES, TooManyWishesError
from lti_tool.questions.tables import Answers, Kind
from lti_tool.roster.tables import Person
from lti_tool.web.gate import Access, allow, current_visit, row_id
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("questions", __name__, url_prefix="/v/<visit>/answers", template_folder="templates")

LONGEST_SEARCH = 100


@blueprint.get("")
@allow(Access.LEARNER)
def mine() -> ResponseReturnValue:
    """The form with what this person has said, and classmates whose name holds `find`."""
    visit, session = current_visit(), db.session()
    person = session.get_one(Person, visit.person_id)
    answers = answering.answers_of(session, visit.course_id, visit.person_id)
    find = request.args.get("find", "")[:LONGEST_SEARCH].strip()
    programs = programs_of(visit.course_id)
    return render_template(
        "questions/form.html",
        visit=visit,
        program=programs[0] if programs else None,
        answers=answers,
        said=_shown(answers, person),
        guesses_zone=(answers is None or answers.zone is None) and person.zone is None,
        goals=[*choices.GOALS.items(), ("", _("I leave this open"))],
        levels=[*enumerate(choices.EXPERIENCE), ("", _("I leave this open"))],
        most_languages=choices.MOST_LANGUAGES,
        languages=choices.languages(),
        zones=[(zone, zone.replace("_", " ")) for zone in zones()],
        days=_days(),
        hours=_hours(),
        wishes=answering.wishes_by(session, visit.course_id, visit.person_id),
        find=find,
        found=answering.classmates(session, visit.course_id, visit.person_id, find),
    )


def _shown(answers: Answers | None, person: Person) -> answering.Said:
    """What the form begins with: what was said, else what the LMS tells."""
    spoken = choices.language_of(person.locale)
    return answering.Said(
        goal=answers.goal if answers else None,
        experience=answers.experience if answers else None,
        languages=(answers.languages if answers else []) or ([spoken] if spoken else []),
        zone=(answers.zone if answers else None) or person.zone or current_visit().zone,
        free=answers.free if answers else [],
    )


def _days() -> list[tuple[str, str, str]]:
    """Each day's name in cells, shortly and in full."""
    locale = get_locale() or "en"
    short, full = get_day_names("short", locale=locale), get_day_names("wide", locale=locale)
    return [(name, short[number], full[number]) for number, name in enumerate(week.DAYS)]


def _hours() -> list[tuple[str, str]]:
    """Each hour's name in cells, and how clocks show it."""
    locale = get_locale() or "en"
    return [(f"{hour:02}", format_time(time(hour), "short", locale=locale)) for hour in week.HOURS]


@blueprint.post("")
@allow(Access.LEARNER)
def send() -> ResponseReturnValue:
    """Keep the form. The button `do` says what else: `save`, `later`, `find`; `with:`, `avoid:`, `drop:` a person."""
    visit, session = current_visit(), db.session()
    said = answering.read(request.form)
    what, _colon, whom = request.form.get("do", "").partition(":")
    if what == "save":
        answering.answer(session, visit.course_id, visit.person_id, said)
        return redirect_with("good", _("Thank you. You can change this here whenever you like."), "home.index")
    answering.keep(session, visit.course_id, visit.person_id, said)
    if what == "later":
        answering.put_off(session, visit.course_id, visit.person_id)
        return redirect_with("none", _("What you have said so far is kept as a draft."), "home.index")
    if what in {Kind.WITH.value, Kind.AVOID.value, "drop"}:
        return _wished(what, whom)
    find = request.form.get("find", "")[:LONGEST_SEARCH].strip()
    return redirect(url_for("questions.mine", find=find or None, _anchor="people" if find else None), code=303)


def _wished(what: str, whom: str) -> ResponseReturnValue:
    """Note or drop a wish about the person of this id."""
    visit, session = current_visit(), db.session()
    try:
        other_id = row_id(whom)
    except ValueError:
        abort(404)
    if what == "drop":
        answering.unwish(session, visit.course_id, visit.person_id, other_id)
        return redirect_with("good", _("That wish is gone."), "questions.mine", _anchor="people")
    try:
        other = answering.wish(session, visit.course_id, visit.person_id, other_id, Kind(what))
    except TooManyWishesError:
        full = _("You have named %(most)s people already. Take one away first.", most=MOST_WISHES)
        return redirect_with("risk", full, "questions.mine", _anchor="people")
    if other is None:
        abort(404)
    noted = _("Noted, and seen by staff only: %(name)s.", name=other.name)
    return redirect_with("good", noted, "questions.mine", _anchor="people")


@blueprint.post("/later")
@allow(Access.LEARNER)
def later() -> ResponseReturnValue:
    """Put the form off from the first page, without a change to what was said."""
    visit = current_visit()
    answering.put_off(db.session(), visit.course_id, visit.person_id)
    return redirect_with("none", _("You find it at the end of this page."), "home.index")
