"""Which program a person means who names none: a new draft must not hide the one that runs."""

from __future__ import annotations

from sqlalchemy import exists, select

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.database import db
from lti_tool.programs.tables import Program
from lti_tool.web import navigation
from lti_tool.web.visits import Visit


def program_of_visit(visit: Visit) -> Program | None:
    """The newest program in which this person has a cohort, else that has cohorts, else of the course."""
    own = exists().where(
        Membership.program_id == Program.id, Membership.person_id == visit.person_id, Membership.until.is_(None)
    )
    published = exists().where(Cohort.program_id == Program.id)
    newest = (Program.created_at.desc(), Program.id.desc())
    query = select(Program).where(Program.course_id == visit.course_id)
    program = db.session.scalar(query.order_by(own.desc(), published.desc(), *newest).limit(1))
    if program is not None:
        navigation.in_program(program.id, program.title)
    return program


def name_of_program(visit: Visit) -> tuple[int, str] | None:
    """Id and title of that program, if the course has any."""
    program = program_of_visit(visit)
    return (program.id, program.title) if program is not None else None
