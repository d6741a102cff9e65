"""Copying a program's plan and texts into another course. Whatever people did stays where it is."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from lti_tool import audit, clock
from lti_tool.programs.tables import AgendaItem, Module, Program
from lti_tool.roster.tables import Course

# Where it takes place and when is the new course's own; the rest is the plan.
_PROGRAM = (
    *("title", "skill", "session_time", "session_minutes", "zone", "size_min", "size_max", "size_target"),
    *("resource_id", "gradebook_plan", "feedback_days", "catch_up_excuses"),
    *("late_rule", "late_share", "late_days"),
)
_MODULE = (
    *("number", "title", "micro_teach", "prompt_a", "prompt_b", "reflection"),
    *("assignment_title", "assignment_text", "assignment_minutes", "feedback"),
    *("assignment_kind", "assignment_items", "assignment_paired"),
    *("assignment_grading", "assignment_rubric", "assignment_spot_share"),
    *("late_rule", "late_share", "late_days"),
)
_AGENDA = ("position", "minutes", "title", "tip")


def copy(session: Session, source: Program, course: Course, first_session_on: date, actor_id: int) -> Program:
    """A new program in `course` like `source`, from another first day; it keeps the name that the LMS knows."""
    modules = session.scalars(
        select(Module)
        .where(Module.program_id == source.id)
        .order_by(Module.number)
        .options(selectinload(Module.agenda))
    )
    program = Program(
        course_id=course.id,
        first_session_on=first_session_on,
        created_at=clock.now(),
        modules=[_module(module) for module in modules],
        **{name: getattr(source, name) for name in _PROGRAM},
    )
    session.add(program)
    session.flush()
    audit.record(
        session,
        "program taken over",
        "program",
        program.id,
        course_id=course.id,
        actor_id=actor_id,
        after={"from": source.id, "first_session_on": first_session_on.isoformat()},
    )
    return program


def _module(source: Module) -> Module:
    agenda = [AgendaItem(**{name: getattr(item, name) for name in _AGENDA}) for item in source.agenda]
    return Module(agenda=agenda, **{name: getattr(source, name) for name in _MODULE})
