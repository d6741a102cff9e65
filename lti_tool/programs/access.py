"""Finding the program that a page is about, within the visit's course."""

from __future__ import annotations

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from sqlalchemy.sql.base import ExecutableOption

from lti_tool.database import db
from lti_tool.programs.tables import Module, Program
from lti_tool.web import navigation
from lti_tool.web.visits import Visit

WITH_MODULES = selectinload(Program.modules).selectinload(Module.agenda)
WITHOUT_SCRIPTS = selectinload(Program.modules)


def program_of(visit: Visit, program_id: int, option: ExecutableOption = WITH_MODULES) -> Program:
    """The program of this page, with its modules and their scripts. Answers 404 when it is another course's."""
    program = db.session.scalar(
        select(Program).where(Program.id == program_id, Program.course_id == visit.course_id).options(option)
    )
    if program is None:
        abort(404)
    navigation.in_program(program.id, program.title)
    return program


def programs_of(course_id: int, *options: ExecutableOption) -> list[Program]:
    """The programs of a course, the newest first; with their modules where `WITH_MODULES` is given."""
    newest = (Program.created_at.desc(), Program.id.desc())
    query = select(Program).where(Program.course_id == course_id).order_by(*newest)
    return list(db.session.scalars(query.options(*options)))
