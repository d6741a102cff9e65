"""What can be chosen for a link: the home of a program, its weeks, and each half of a week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool.links.targets import COURSE_HOME, PARAMETER, Kind, Target
from lti_tool.lti import wire
from lti_tool.lti.deep_linking import Link
from lti_tool.lti.grades import LineItem
from lti_tool.lti.offer import CUSTOM
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.schedule import session_start
from lti_tool.programs.tables import Module, Program
from lti_tool.work.schedule import due_after
from lti_tool.work.tables import Assignment


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that a link can open, with its title in the LMS, and when it begins and is due."""

    target: Target
    title: str
    text: str
    opens_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dates:
    """A week: its first session's start, its last session's end, and when its assignment is due at the latest."""

    starts_at: datetime
    ends_at: datetime
    due_at: datetime


def course_home() -> Choice:
    """What a link can open before there is a program."""
    return Choice(COURSE_HOME, _("Peer learning"), _("Your one next thing: with whom, and by when."))


def choices(session: Session, program: Program) -> list[Choice]:
    """Everything of a program, whose modules are loaded."""
    dates = _dates(session, program)
    return [
        Choice(Target(program.resource_id), program.title, _("Your one next thing: with whom, and by when.")),
        *(_week(program, module, dates[module.number]) for module in program.modules),
        *(_session(program, module, dates[module.number]) for module in program.modules),
        *(_assignment(program, module, dates[module.number]) for module in program.modules),
    ]


def _week(program: Program, module: Module, dates: Dates) -> Choice:
    return Choice(
        Target(program.resource_id, Kind.WEEK, module.number),
        _("Week %(number)s: %(title)s", number=module.number, title=module.title),
        _("Peer session, then: %(title)s", title=module.assignment_title),
        dates.starts_at,
        dates.due_at,
    )


def _session(program: Program, module: Module, dates: Dates) -> Choice:
    return Choice(
        Target(program.resource_id, Kind.SESSION, module.number),
        _("Session %(number)s: %(title)s", number=module.number, title=module.title),
        _("Peer session of %(minutes)s minutes", minutes=program.session_minutes),
        dates.starts_at,
        dates.ends_at,
    )


def _assignment(program: Program, module: Module, dates: Dates) -> Choice:
    return Choice(
        Target(program.resource_id, Kind.ASSIGNMENT, module.number),
        _("Micro-assignment %(number)s: %(title)s", number=module.number, title=module.assignment_title),
        _("Takes %(minutes)s minutes", minutes=module.assignment_minutes),
        dates.starts_at,
        dates.due_at,
    )


def _dates(session: Session, program: Program) -> Mapping[int, Dates]:
    """The weeks' dates: those of the cohorts once they are published, else those of the plan."""
    held = _held(session, program.id)
    return {module.number: held.get(module.id) or _planned(program, module.number) for module in program.modules}


def _held(session: Session, program_id: int) -> Mapping[int, Dates]:
    rows = session.execute(
        select(
            Meeting.module_id,
            func.min(Meeting.starts_at),
            func.max(Meeting.starts_at),
            func.max(Meeting.minutes),
            func.max(Assignment.due_at),
        )
        .join(Module, Module.id == Meeting.module_id)
        .join(Assignment, Assignment.meeting_id == Meeting.id)
        .where(Module.program_id == program_id)
        .group_by(Meeting.module_id)
    ).all()
    return {module: Dates(first, last + timedelta(minutes=most), due) for module, first, last, most, due in rows}


def _planned(program: Program, number: int) -> Dates:
    start = session_start(program, number)
    return Dates(start, start + timedelta(minutes=program.session_minutes), due_after(start, program.zone))


def link(choice: Choice, title: str, line_item: LineItem | None) -> Link:
    """The link for the LMS. What it opens stands in its address and in its parameters."""
    return Link(
        title=title,
        url=wire.link_url(str(choice.target)),
        text=choice.text,
        custom={PARAMETER: str(choice.target), **CUSTOM},
        line_item=line_item,
        opens_at=choice.opens_at,
        due_at=choice.due_at,
    )
