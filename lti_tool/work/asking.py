"""What a micro-assignment asks for: set by the instructor, and settled once somebody has handed something in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import Reader
from lti_tool.programs.tables import Grading, Kind, Module, Program
from lti_tool.work import rubric, terms
from lti_tool.work.tables import Assignment, Submission

LONGEST_TEXT = 10_000
SHORTEST, LONGEST = 5, 15  # minutes
MOST_ITEMS, LONGEST_ITEM = 10, 200
# Who has handed something in has answered to these; the words around them may still be put better.
SETTLED = ("assignment_kind", "assignment_items", "assignment_paired", "assignment_grading", "assignment_rubric")
COUNTED = ("late_rule", "late_share", "late_days")
SHOWN = ("assignment_title", "assignment_text", "assignment_minutes", "assignment_spot_share", *COUNTED, *SETTLED)


def values_of(module: Module) -> dict[str, str]:
    """The fields of the form, as they are stored."""
    return {
        "title": module.assignment_title,
        "text": module.assignment_text,
        "minutes": str(module.assignment_minutes),
        "kind": module.assignment_kind,
        "lines": module.assignment_items,
        "paired": "1" if module.assignment_paired else "",
        "grading": module.assignment_grading,
        "rubric": module.assignment_rubric,
        "spot_share": str(module.assignment_spot_share),
        **terms.values_of(module),
    }


def change(session: Session, program: Program, module: Module, fields: Mapping[str, str], actor_id: int) -> None:
    """Ask for what the form says (see `values_of`). Raises FormError."""
    session.refresh(module, SHOWN, with_for_update={"key_share": True})
    settled = SETTLED if is_settled(session, module) else ()
    before = {name: getattr(module, name) for name in SHOWN}
    asked = _read(fields) | {name: before[name] for name in settled}
    if asked == before:
        return
    for name, value in asked.items():
        setattr(module, name, value)
    session.flush()
    audit.record(
        session,
        "assignment set",
        "module",
        module.id,
        course_id=program.course_id,
        actor_id=actor_id,
        before=before,
        after=asked,
    )
    if any(asked[name] != before[name] for name in COUNTED):
        progress.everybody(session, program.id)


def is_settled(session: Session, module: Module) -> bool:
    """Whether somebody of any cohort has handed something in."""
    handed_in = (
        select(Submission.id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .where(Meeting.module_id == module.id)
    )
    return session.scalar(handed_in.limit(1)) is not None


def _read(fields: Mapping[str, str]) -> dict[str, Any]:
    reader = Reader(fields)
    kind, grading = reader.choice("kind", Kind), reader.choice("grading", Grading)
    asked = {
        "assignment_title": reader.text("title", 200),
        "assignment_text": reader.text("text", LONGEST_TEXT),
        "assignment_minutes": reader.whole("minutes", SHORTEST, LONGEST),
        "assignment_kind": kind.value,
        "assignment_items": _items(reader) if kind is Kind.CHECKLIST else "",
        "assignment_paired": bool(fields.get("paired")),
        "assignment_grading": grading.value,
        "assignment_rubric": _rubric(reader) if grading is Grading.POINTS else "",
        "assignment_spot_share": reader.whole("spot_share", 0, 100) if grading is Grading.PARTNER else 0,
        **(terms.read(reader).as_columns if fields.get("late_rule") else terms.NO_OWN_TERMS),
    }
    reader.check()
    return asked


def _rubric(reader: Reader) -> str:
    text = reader.text("rubric", rubric.LONGEST_TEXT)
    if "rubric" not in reader.errors:
        try:
            return rubric.written(rubric.parse(text))
        except ValueError as wrong:
            reader.errors["rubric"] = str(wrong)
    return ""


def _items(reader: Reader) -> str:
    lines = [
        line.strip() for line in reader.text("lines", MOST_ITEMS * (LONGEST_ITEM + 1)).splitlines() if line.strip()
    ]
    if len(lines) > MOST_ITEMS:
        reader.errors["lines"] = _("A checklist has up to %(most)s lines.", most=MOST_ITEMS)
    elif any(len(line) > LONGEST_ITEM for line in lines):
        reader.errors["lines"] = _("Shorten each line to %(longest)s characters.", longest=LONGEST_ITEM)
    return "\n".join(lines)
