"""The page on which an instructor says what a micro-assignment asks for."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool.database import db
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Grading, Kind, Module, Program
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with
from lti_tool.work import asking, terms

blueprint = Blueprint("asked", __name__, url_prefix="/v/<visit>/modules/<int:module_id>/assignment")


@blueprint.get("")
@allow(Access.INSTRUCTOR)
def show(module_id: int) -> ResponseReturnValue:
    """What is asked for now."""
    module, program = _asked(module_id)
    return _page(module, program, asking.values_of(module), {})


@blueprint.post("")
@allow(Access.INSTRUCTOR)
def change(module_id: int) -> ResponseReturnValue:
    """Ask for what the form says."""
    module, program = _asked(module_id)
    try:
        asking.change(db.session(), program, module, request.form, current_visit().person_id)
    except FormError as wrong:
        db.session.rollback()
        return _page(*_asked(module_id), request.form, wrong.errors), 400
    return redirect_with("good", _("Saved. Learners see it from now on."), "asked.show", module_id=module_id)


def _asked(module_id: int) -> tuple[Module, Program]:
    """A module of this course, and its program; another course's answers 404."""
    module = db.session.get(Module, module_id)
    if module is None:
        abort(404)
    return module, program_of(current_visit(), module.program_id)


def _page(module: Module, program: Program, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "work/asking.html",
        module=module,
        program=program,
        values=values,
        errors=errors,
        summary=[(f"field-{name}", text) for name, text in errors.items()],
        settled=asking.is_settled(db.session(), module),
        kinds=kinds(),
        gradings=gradings(),
        late_rules=[("", _("as in the whole program")), *terms.rules()],
        shortest=asking.SHORTEST,
        longest=asking.LONGEST,
    )


def kinds() -> list[tuple[str, str]]:
    """What can be asked for, in words."""
    return [
        (Kind.TEXT, _("a text")),
        (Kind.LINK, _("a link, and a word about it")),
        (Kind.CHECKLIST, _("a checklist, each line ticked")),
        (Kind.FILE, _("a file of up to 10 MB, and a word about it")),
    ]


def gradings() -> list[tuple[str, str]]:
    """When a hand-in counts, in words."""
    return [
        (Grading.PARTNER, _("when the partner has confirmed it")),
        (Grading.COMPLETION, _("as soon as it is handed in")),
        (Grading.POINTS, _("when you have graded it, by points")),
    ]
