"""The page on which an instructor edits one session of a program: script, texts, prompts."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy

from lti_tool.database import db
from lti_tool.programs import scripts
from lti_tool.programs.access import program_of
from lti_tool.programs.fields import FormError
from lti_tool.programs.scripts import TEXTS
from lti_tool.programs.tables import Module, Program
from lti_tool.programs.templates import ONE_PAGE, SHORT, template
from lti_tool.web.gate import Access, allow, current_visit
from lti_tool.web.notices import redirect_with

blueprint = Blueprint("scripts", __name__, url_prefix="/v/<visit>/programs", template_folder="templates")

SCRIPTS = (
    (SHORT, lazy("short script, three minutes to close")),
    (ONE_PAGE, lazy("one-page script, five minutes for commitments")),
)


@blueprint.get("/<int:program_id>/modules/<int:module_id>/script")
@allow(Access.INSTRUCTOR)
def edit(program_id: int, module_id: int) -> ResponseReturnValue:
    """The form, filled in with the session as it is."""
    program, module = _session(program_id, module_id)
    text = scripts.of_module(module)
    return _form(program, module, _values(text), {})


@blueprint.post("/<int:program_id>/modules/<int:module_id>/script")
@allow(Access.INSTRUCTOR)
def save(program_id: int, module_id: int) -> ResponseReturnValue:
    """Store the session, or fill the form with one of the template's scripts (`fill`) without storing anything."""
    program, module = _session(program_id, module_id)
    if "fill" in request.form:
        return _form(program, module, _filled(request.form), {})
    try:
        text = scripts.read(request.form, program.session_minutes)
        later_too = "later_too" in request.form
        seen = request.form.get("seen", "")
        person_id = current_visit().person_id
        scripts.change(db.session(), program, module, text, seen=seen, later_too=later_too, actor_id=person_id)
    except FormError as wrong:
        return _form(program, module, request.form, wrong.errors), 400
    except scripts.StaleError:
        values = request.form.to_dict() | {"seen": scripts.of_module(module).mark}
        return _form(program, module, values, {}, is_stale=True), 409
    return redirect_with("good", _("The session is changed."), "programs.plan", program_id=program.id)


def _session(program_id: int, module_id: int) -> tuple[Program, Module]:
    program = program_of(current_visit(), program_id)
    module = next((module for module in program.modules if module.id == module_id), None)
    return program, module or abort(404)


def _values(text: scripts.SessionText) -> dict[str, str]:
    """The fields of the form for a text."""
    texts = {name: getattr(text, name) for name in ("title", *TEXTS)}
    return texts | {"seen": text.mark, "parts": scripts.written(text.parts)}


def _filled(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, but with the parts of the script that `fill` names."""
    chosen = template().scripts.get(typed["fill"]) or abort(400)
    parts = [scripts.Part(part.minutes, part.title, part.tip) for part in chosen]
    return dict(typed) | {"parts": scripts.written(parts)}


def _form(
    program: Program,
    module: Module,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    is_stale: bool = False,
) -> str:
    return render_template(
        "programs/script.html",
        program=program,
        module=module,
        values=values,
        errors=errors,
        summary=[(f"field-{name}", text) for name, text in errors.items()],
        scripts=SCRIPTS,
        has_later=module.number < len(program.modules),
        is_stale=is_stale,
    )
