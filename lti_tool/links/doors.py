"""Where a launch leads. This is on the way of every launch: a link whose target is the course asks nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from lti_tool.links import requests
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
    """The page for a recorded launch, whatever its message."""
    if launch.deep_linking is not None:
        request_id = requests.store(session, launch, launch.deep_linking, recorded)
        page = "links.choose" if recorded.role is Role.INSTRUCTOR else "links.not_yours"
        return Door(page, {"request_id": request_id})
    return _door_of_link(session, launch, recorded)


def _door_of_link(session: Session, launch: Launch, recorded: Recorded) -> Door:
    for target in (said_by(launch), read(recorded.link_opens)):
        found = _door_to(session, target, recorded) if target else None
        if found is not None:
            _remember(session, recorded, target)
            return found
    return HOME


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


__all__ = ["COURSE_HOME", "Door", "door"]
