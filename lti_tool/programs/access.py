"""Finding the program that a page is about, within the visit's course."""

from __future__ import annotations

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from lti_tool.database import db
from lti_tool.programs.tables import Module, Program
from lti_tool.web import navigation
from lti_tool.web.visits import Visit


def program_of(visit: Visit, program_id: int) -> Program:
    """The program of this page, with its modules and their scripts. Answers 404 when it is another course's."""
    program = db.session.scalar(
        select(Program)
        .where(Program.id == program_id, Program.course_id == visit.course_id)
        .options(selectinload(Program.modules).selectinload(Module.agenda))
    )
    if program is None:
        abort(404)
    navigation.in_program(program.id, program.title)
    return program


def programs_of(course_id: int) -> list[Program]:
    """The programs of a course, the newest first."""
    newest = (Program.created_at.desc(), Program.id.desc())
    return list(db.session.scalars(select(Program).where(Program.course_id == course_id).order_by(*newest)))
