"""Where a launch leads. This is on the way of every launch: most links ask the database nothing, or once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, bindparam, exists, select, update
from sqlalchemy.orm import Session

from lti_tool.links import copies, requests, reviews
from lti_tool.links.targets import COURSE_HOME, THE_COURSE, Target, read, said_by
from lti_tool.lti.launch import STAFF, Launch, Role
from lti_tool.programs.tables import Module, Program
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import CourseLink


@dataclass(frozen=True, slots=True)
class Door:
    """A page of a visit."""

    endpoint: str
    values: dict[str, Any] = field(default_factory=dict)


HOME = Door("home.index")

# Core statements, built once: a launch runs one of them.
_program, _module = cast(Table, Program.__table__), cast(Table, Module.__table__)
_NAMED = (_program.c.course_id == bindparam("course_id"), _program.c.resource_id == bindparam("resource_id"))
_PROGRAM = select(_program.c.id).where(*_NAMED)
_WEEK = (
    select(_module.c.id)
    .join_from(_module, _program, _module.c.program_id == _program.c.id)
    .where(*_NAMED, _module.c.number == bindparam("week"))
)


def door(session: Session, launch: Launch, recorded: Recorded) -> Door:
    """The page for a recorded launch, whatever its message. Raises LaunchRefused for somebody else's work."""
    if launch.deep_linking is not None:
        request_id = requests.store(session, launch, launch.deep_linking, recorded)
        page = "links.choose" if recorded.role is Role.INSTRUCTOR else "links.not_yours"
        return Door(page, {"request_id": request_id})
    if reviews.is_review(launch):
        return _door_of_review(session, launch, recorded)
    origin_id = copies.origin_to_offer(session, launch, recorded) if recorded.role is Role.INSTRUCTOR else None
    if origin_id is not None:
        return Door("copies.offer", {"origin_id": origin_id})
    return _door_of_link(session, launch, recorded)


def _door_of_review(session: Session, launch: Launch, recorded: Recorded) -> Door:
    is_staff = recorded.role in STAFF
    cell_id = reviews.cell_of(session, launch, recorded, is_staff=is_staff)
    if cell_id is None:
        return HOME
    return Door("reviews.work" if is_staff else "reviews.own_work", {"cell_id": cell_id})


def _door_of_link(session: Session, launch: Launch, recorded: Recorded) -> Door:
    said = said_by(launch)
    for target in (read(recorded.link_opens), said):
        found = _door_to(session, target, recorded) if target else None
        if found is not None:
            _remember(session, recorded, target)
            return found
    inherited = copies.opened_by_origin(session, launch, recorded)
    found = _door_to(session, inherited, recorded) if inherited else None
    if found is not None:
        _remember(session, recorded, inherited)
        return found
    return _undecided(session, launch, recorded, says_something=bool(said or inherited))


def _undecided(session: Session, launch: Launch, recorded: Recorded, *, says_something: bool) -> Door:
    """An instructor says once what a link opens, as soon as there is a program.

    The first link of a course, through which the program is set up, opens the first page and is not asked about.
    """
    if recorded.role is not Role.INSTRUCTOR or recorded.link_id is None:
        return HOME
    is_navigation = _is_navigation(launch)
    if not is_navigation and session.scalar(select(exists().where(Program.course_id == recorded.course_id))):
        return Door("asking.ask", {"link_id": recorded.link_id})
    if not says_something and (is_navigation or _is_first(session, recorded)):
        _remember(session, recorded, COURSE_HOME)
    return HOME


def _is_first(session: Session, recorded: Recorded) -> bool:
    """Whether of no link of the course it is known what it opens."""
    known = exists().where(CourseLink.course_id == recorded.course_id, CourseLink.opens.is_not(None))
    return not session.scalar(select(known))


def _is_navigation(launch: Launch) -> bool:
    """Canvas's entry in the course's menu: a link that has the course's own id."""
    return (
        launch.resource_link is not None
        and launch.context is not None
        and launch.resource_link.id == launch.context.id
    )


def _door_to(session: Session, target: Target, recorded: Recorded) -> Door | None:
    """The page that shows `target` to this role; None where the course has no such program, or it no such week."""
    if target.program == THE_COURSE:
        return HOME
    named = {"course_id": recorded.course_id, "resource_id": target.program}
    query, values = (_PROGRAM, named) if target.week is None else (_WEEK, named | {"week": target.week})
    found: int | None = session.connection().scalar(query, values)
    if found is None:
        return None
    if target.week is None:
        return Door("home.board", {"program_id": found}) if recorded.role in STAFF else HOME
    if recorded.role in STAFF:
        return Door(f"weeks.{target.kind}", {"module_id": found})
    return Door(f"weeks.own_{target.kind}", {"module_id": found}) if recorded.role is Role.LEARNER else HOME


def _remember(session: Session, recorded: Recorded, target: Target | None) -> None:
    if recorded.link_id is not None and str(target) != recorded.link_opens:
        session.execute(update(CourseLink).where(CourseLink.id == recorded.link_id).values(opens=str(target)))
