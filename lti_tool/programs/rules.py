"""Making a program from a template, in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.programs.fields import FormError, Reader
from lti_tool.programs.schedule import fitted
from lti_tool.programs.tables import AgendaItem, Module, Program
from lti_tool.programs.templates import SHORT, ModuleTemplate, Part, ProgramTemplate, template
from lti_tool.roster.tables import Course

EARLIEST, LATEST = timedelta(days=366), timedelta(days=2 * 366)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a program to be. Date and time are in `zone`."""

    title: str
    skill: str
    first_session_on: date
    session_time: time
    session_minutes: int
    zone: str


def read_wish(values: Mapping[str, str], now: datetime) -> Wish:
    """Check what was typed; the first session may be up to a year ago, for a program that already runs.

    Raises FormError.
    """
    today = now.astimezone(UTC).date()
    reader = Reader(values)
    wish = Wish(
        title=reader.text("title", 120),
        skill=reader.text("skill", 120),
        first_session_on=reader.day("first_session_on", today - EARLIEST, today + LATEST),
        session_time=reader.time_of_day("session_time"),
        session_minutes=reader.minutes("session_minutes"),
        zone=reader.zone("zone"),
    )
    reader.check()
    return wish


def create(session: Session, course: Course, values: Mapping[str, str], actor_id: int | None) -> Program:
    """Make a program with all its modules from the template; `values` as in `Wish`, a zone's default is the course's.

    `script` says which of the template's scripts its sessions begin with; the short one, if nothing does.

    Titles are unique in a course, because people tell programs and their gradebook columns apart by them. So
    the same form sent twice finds the program that it made. Raises FormError.
    """
    now = clock.now()
    wish = read_wish({"zone": course.zone} | dict(values), now)
    # Two forms at once wait for each other here, or both would find no program of that title.
    session.execute(select(Course.id).where(Course.id == course.id).with_for_update())
    same = session.scalar(select(Program).where(Program.course_id == course.id, Program.title == wish.title))
    if same is not None:
        return _made_before(same, wish)
    program = _build(course, wish, template(), _script(values), now)
    session.add(program)
    session.flush()
    after = {key: str(value) for key, value in asdict(wish).items()}
    audit.record(
        session, "program created", "program", program.id, course_id=course.id, actor_id=actor_id, after=after
    )
    return program


def _made_before(program: Program, wish: Wish) -> Program:
    if all(getattr(program, name) == value for name, value in asdict(wish).items()):
        return program
    raise FormError({"title": _("This course has a program of that title. Choose another title for this one.")})


def _script(values: Mapping[str, str]) -> tuple[Part, ...]:
    scripts = template().scripts
    chosen = values.get("script", SHORT)
    if chosen not in scripts:
        raise FormError({"script": _("Choose one of these.")})
    return scripts[chosen]


def _build(course: Course, wish: Wish, source: ProgramTemplate, script: Sequence[Part], now: datetime) -> Program:
    return Program(
        course_id=course.id,
        created_at=now,
        modules=[
            _module(number, module, script, wish.session_minutes) for number, module in enumerate(source.modules, 1)
        ],
        **asdict(wish),
    )


def _module(number: int, module: ModuleTemplate, script: Sequence[Part], minutes: int) -> Module:
    return Module(
        number=number,
        title=module.title,
        micro_teach=module.micro_teach,
        prompt_a=module.prompt_a,
        prompt_b=module.prompt_b,
        reflection="\n".join(module.reflection),
        assignment_title=module.assignment_title,
        assignment_text=module.assignment_text,
        assignment_minutes=module.assignment_minutes,
        feedback=[{"asked": each.asked, "levels": list(each.levels)} for each in module.feedback],
        assignment_kind=module.assignment_kind,
        assignment_items="\n".join(module.assignment_items),
        assignment_paired=module.assignment_paired,
        agenda=[
            AgendaItem(position=position, minutes=length, title=part.title, tip=module.tips.get(part.key, part.tip))
            for position, (part, length) in enumerate(fitted(script, minutes))
        ],
    )
