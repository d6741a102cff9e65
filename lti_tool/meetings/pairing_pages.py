"""Who practises with whom in a program: what is planned and cannot be avoided, and what an instructor wishes."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.meetings import mixing, pairs
from lti_tool.meetings.foresight import foresights, told
from lti_tool.meetings.pair_view import meeting_cohorts, pairs_of
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint(
    "pairing", __name__, url_prefix="/v/<visit>/programs/<int:program_id>/pairs", template_folder="templates"
)


@blueprint.get("")
@allow(Access.STAFF)
def show(program_id: int) -> ResponseReturnValue:
    """The pairs to come in words, those of one cohort (`cohort`, else the first) in full, and the wishes for them."""
    program = program_of(current_visit(), program_id)
    wish = mixing.wish_of(db.session(), program.id)
    return _page(program, {"different": wish.different or "", "far_apart": wish.far_apart or ""}, {})


@blueprint.post("")
@allow(Access.INSTRUCTOR)
def choose(program_id: int) -> ResponseReturnValue:
    """Choose with whom people should rather practise; the pairs to come are planned anew."""
    program = program_of(current_visit(), program_id)
    try:
        if mixing.choose(db.session(), program, request.form, current_visit().person_id):
            pairs.plan_anew(db.session(), program.id)
    except FormError as wrong:
        return _page(program, request.form, wrong.errors), 400
    said = _("Chosen. The pairs of the sessions to come are being planned by it; those of past sessions stay.")
    return redirect_with("good", said, "pairing.show", program_id=program.id)


def _tab(program: Program, cohort: Cohort, *, current: bool) -> dict[str, object]:
    href = url_for("pairing.show", program_id=program.id, cohort=cohort.id, _anchor="pairs")
    return {"label": _("Cohort %(name)s", name=cohort.name), "href": href, "current": current}


def _page(program: Program, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    session = db.session()
    cohorts = meeting_cohorts(session, program.id)
    chosen = next((cohort for cohort in cohorts if str(cohort.id) == request.args.get("cohort")), None)
    shown = chosen or next(iter(cohorts), None)
    known = [(attribute.name, attribute.name) for attribute in mixing.choices(session, program)]
    return render_template(
        "meetings/pairing.html",
        program=program,
        coming=foresights(session, program.id),
        told=told,
        tabs=[_tab(program, cohort, current=cohort is shown) for cohort in cohorts],
        pairs=pairs_of(session, shown) if shown else None,
        known=known,
        values=values,
        errors=errors,
        summary=[(f"field-{name}", text) for name, text in errors.items()],
        may_change=current_visit().role is Role.INSTRUCTOR,
    )
