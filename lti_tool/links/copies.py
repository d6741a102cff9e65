"""Copied courses: whose plan an instructor may take over, and what the copied links opened.

A history comes as a custom parameter, into which whoever makes a link in the LMS can write anything. So it only
leads to what this person has seen anyway: the plans of courses that they teach, or taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import cast

from sqlalchemy import ColumnElement, Exists, Table, exists, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from lti_tool import audit, clock
from lti_tool.gradebook import promises
from lti_tool.links import histories, targets
from lti_tool.links.tables import Copying, CourseCopy
from lti_tool.links.targets import Target
from lti_tool.lti.launch import STAFF, Launch
from lti_tool.programs import copying
from lti_tool.programs.tables import Program
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import Course, CourseLink, Enrolment
from lti_tool.roster.upserts import dialect_of, insert_into
from lti_tool.web.visits import Visit

COPY = cast(Table, CourseCopy.__table__)


def origin_to_offer(session: Session, launch: Launch, recorded: Recorded) -> int | None:
    """The course whose plan this person may take over into this one; None where they are not to be asked.

    Each is offered the newest of those that they teach, or taught, until somebody decides or makes a program.
    A course that is no copy, by what the LMS says, costs no query.
    """
    history = histories.read(launch, histories.COURSE)
    if not history:
        return None
    known = session.get(CourseCopy, recorded.course_id)
    if known is not None and known.decision is not None:
        return None
    origin_id = _origin(session, recorded, history)
    if origin_id is not None and known is None:
        found = {"course_id": recorded.course_id, "origin_id": origin_id}
        # Another launch may find it in this moment.
        session.execute(insert_into(dialect_of(session), COPY).values(found).on_conflict_do_nothing())
    return origin_id


def _origin(session: Session, recorded: Recorded, history: Sequence[str]) -> int | None:
    """The newest of these courses whose program this person may take over."""
    rows = session.execute(
        select(Course.context_id, Course.id).where(
            Course.context_id.in_(history), ~_planned(recorded.course_id), *_open_to(recorded)
        )
    )
    found = dict(iter(rows))
    return next((found[context_id] for context_id in history if context_id in found), None)


def _open_to(who: Recorded | Visit) -> tuple[ColumnElement[bool], ...]:
    """What holds for a course whose program this person may take over into the one that they are in."""
    taught = exists().where(
        Enrolment.course_id == Course.id, Enrolment.person_id == who.person_id, Enrolment.role.in_(STAFF)
    )
    return (
        Course.tenant_id == who.tenant_id,
        Course.id != who.course_id,
        _planned(Course.id),
        true() if who.is_admin else taught,
    )


def _planned(course_id: int | InstrumentedAttribute[int]) -> Exists:
    """Whether a course has a program."""
    return exists().where(Program.course_id == course_id)


def opened_by_origin(session: Session, launch: Launch, recorded: Recorded) -> Target | None:
    """What the link opened of which this one is a copy, where somebody had said so."""
    history = histories.read(launch, histories.LINK)
    if not history:
        return None
    rows = session.execute(
        select(CourseLink.link_id, CourseLink.opens)
        .join(Course, Course.id == CourseLink.course_id)
        .where(Course.tenant_id == recorded.tenant_id, CourseLink.link_id.in_(history), CourseLink.opens.is_not(None))
    )
    found = dict(iter(rows))
    return next((targets.read(found[link_id]) for link_id in history if link_id in found), None)


def may_take_over(session: Session, visit: Visit, origin_id: int) -> bool:
    """Whether this person may take over a plan of that course: they teach it, or did when they left it."""
    return bool(session.scalar(select(exists().where(Course.id == origin_id, *_open_to(visit)))))


def undecided(session: Session, course_id: int) -> CourseCopy | None:
    """The copy, locked, where somebody still has to decide; None too where the course has got a program meanwhile."""
    query = select(CourseCopy).where(
        CourseCopy.course_id == course_id, CourseCopy.decision.is_(None), ~_planned(course_id)
    )
    return session.scalar(query.with_for_update())


def take_over(session: Session, copy: CourseCopy, source: Program, first_session_on: date, actor_id: int) -> Program:
    """Give the course the plan and texts of `source`, a program of its origin; nothing of its people.

    The LMS copied the old program's columns with the course, so the new one's are looked for and never given again.
    """
    course = session.get_one(Course, copy.course_id)
    program = copying.copy(session, source, course, first_session_on, actor_id)
    promises.expect_copies(session, program)
    _decide(session, copy, Copying.TAKEN_OVER, source.course_id, actor_id)
    return program


def start_afresh(session: Session, copy: CourseCopy, origin_id: int, actor_id: int) -> None:
    """Leave the old plan where it is."""
    _decide(session, copy, Copying.AFRESH, origin_id, actor_id)


def _decide(session: Session, copy: CourseCopy, decision: Copying, origin_id: int, actor_id: int) -> None:
    copy.origin_id, copy.decision, copy.decided_at = origin_id, decision.value, clock.wall()
    audit.record(
        session,
        "copy decided",
        "course",
        copy.course_id,
        course_id=copy.course_id,
        actor_id=actor_id,
        after={"origin": copy.origin_id, "decision": copy.decision},
    )
