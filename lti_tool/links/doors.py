"""Where a launch leads. This is on the way of every launch: most links ask the database nothing, or once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, bindparam, exists, select, update
from sqlalchemy.orm import Session

from lti_tool.links import copies, requests, reviews
from lti_tool.links.targets import COURSE_HOME, THE_COURSE, Kind, Target, read, said_by
from lti_tool.lti.launch import Launch, Role
from lti_tool.programs.tables import Program
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import CourseLink

STAFF = frozenset({Role.INSTRUCTOR, Role.TEACHING_ASSISTANT})


@dataclass(frozen=True, slots=True)
class Door:
    """A page of a visit."""

    endpoint: str
    values: dict[str, Any] = field(default_factory=dict)


HOME = Door("home.index")

_program = cast(Table, Program.__table__)
_PROGRAM = select(_program.c.id).where(
    _program.c.course_id == bindparam("course_id"), _program.c.resource_id == bindparam("resource_id")
)


def door(session: Session, launch: Launch, recorded: Recorded) -> Door:
    """The page for a recorded launch, whatever its message. Raises LaunchRefused for somebody else's work."""
    if launch.deep_linking is not None:
        request_id = requests.store(session, launch, launch.deep_linking, recorded)
        page = "links.choose" if recorded.role is Role.INSTRUCTOR else "links.not_yours"
        return Door(page, {"request_id": request_id})
    if reviews.is_review(launch):
        return _door_of_review(session, launch, recorded)
    if recorded.role is Role.INSTRUCTOR and copies.is_to_be_asked(session, launch, recorded):
        return Door("copies.offer")
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
    """An instructor says once what a link opens. Before there is a program it can only open the first page."""
    if recorded.role is not Role.INSTRUCTOR or recorded.link_id is None:
        return HOME
    has_program = session.scalar(select(exists().where(Program.course_id == recorded.course_id)))
    if has_program and not _is_navigation(launch):
        return Door("asking.ask", {"link_id": recorded.link_id})
    if not says_something:
        _remember(session, recorded, COURSE_HOME)
    return HOME


def _is_navigation(launch: Launch) -> bool:
    """Canvas's entry in the course's menu: a link that has the course's own id."""
    return (
        launch.resource_link is not None
        and launch.context is not None
        and launch.resource_link.id == launch.context.id
    )


def _door_to(session: Session, target: Target, recorded: Recorded) -> Door | None:
    """The page that shows `target` to this role; None where the course has no such program."""
    if target.program == THE_COURSE:
        return HOME
    program_id = session.connection().scalar(
        _PROGRAM, {"course_id": recorded.course_id, "resource_id": target.program}
    )
    if program_id is None:
        return None
    if recorded.role in STAFF:
        return _staff_door(target, program_id)
    if recorded.role is Role.LEARNER and target.kind is not Kind.HOME:
        return Door(f"weeks.own_{target.kind}", {"program_id": program_id, "number": target.week})
    return HOME


def _staff_door(target: Target, program_id: int) -> Door:
    if target.kind is Kind.HOME:
        return Door("home.board", {"program_id": program_id})
    return Door(f"weeks.{target.kind}", {"program_id": program_id, "number": target.week})


def _remember(session: Session, recorded: Recorded, target: Target | None) -> None:
    if recorded.link_id is not None and str(target) != recorded.link_opens:
        session.execute(update(CourseLink).where(CourseLink.id == recorded.link_id).values(opens=str(target)))
