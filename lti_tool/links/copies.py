"""Copied courses: whose plan an instructor may take over, and what the copied links opened.

A history comes as a custom parameter, into which whoever makes a link in the LMS can write anything. So it only
leads to what this person has seen anyway: the plans of courses that they teach, or taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import cast

from sqlalchemy import Exists, Table, exists, select, true
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


def is_to_be_asked(session: Session, launch: Launch, recorded: Recorded) -> bool:
    """Whether this course is a copy of one with a program that this person may take over, and nobody has decided.

    A course that is no copy, by what the LMS says, costs no query.
    """
    history = histories.read(launch, histories.COURSE)
    if not history:
        return False
    known = session.get(CourseCopy, recorded.course_id)
    if known is not None:
        return known.decision is None and _may_take_over(session, known, recorded)
    origin_id = _origin(session, recorded, history)
    if origin_id is None:
        return False
    found = {"course_id": recorded.course_id, "origin_id": origin_id}
    # Another launch may find it in this moment.
    session.execute(insert_into(dialect_of(session), COPY).values(found).on_conflict_do_nothing())
    return True


def _may_take_over(session: Session, copy: CourseCopy, who: Recorded | Visit) -> bool:
    return who.is_admin or bool(session.scalar(select(_taught(copy.origin_id, who.person_id))))


def _taught(course_id: int | InstrumentedAttribute[int], person_id: int) -> Exists:
    """Whether a person is staff of a course, or was when they left it."""
    return exists().where(
        Enrolment.course_id == course_id, Enrolment.person_id == person_id, Enrolment.role.in_(STAFF)
    )


def _origin(session: Session, recorded: Recorded, history: Sequence[str]) -> int | None:
    """The newest of these courses whose program this person may take over.

    None too where this course has a program of its own.
    """
    planned = exists().where(Program.course_id == Course.id)
    rows = session.execute(
        select(Course.context_id, Course.id).where(
            Course.tenant_id == recorded.tenant_id,
            Course.context_id.in_(history),
            Course.id != recorded.course_id,
            planned,
            true() if recorded.is_admin else _taught(Course.id, recorded.person_id),
        )
    )
    found = dict(iter(rows))
    newest = next((found[context_id] for context_id in history if context_id in found), None)
    if newest is None or session.scalar(select(exists().where(Program.course_id == recorded.course_id))):
        return None
    return newest


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


def undecided(session: Session, visit: Visit) -> CourseCopy | None:
    """The copy that waits for this person's decision, locked."""
    query = select(CourseCopy).where(CourseCopy.course_id == visit.course_id, CourseCopy.decision.is_(None))
    copy = session.scalar(query.with_for_update())
    return copy if copy is not None and _may_take_over(session, copy, visit) else None


def take_over(session: Session, copy: CourseCopy, source: Program, first_session_on: date, actor_id: int) -> Program:
    """Give the course the plan and texts of `source`, a program of its origin; nothing of its people.

    The LMS copied the old program's columns with the course, so the new one's are looked for and never given again.
    """
    course = session.get_one(Course, copy.course_id)
    program = copying.copy(session, source, course, first_session_on, actor_id)
    promises.expect_copies(session, program)
    _decide(session, copy, Copying.TAKEN_OVER, actor_id)
    return program


def start_afresh(session: Session, copy: CourseCopy, actor_id: int) -> None:
    """Leave the old plan where it is."""
    _decide(session, copy, Copying.AFRESH, actor_id)


def _decide(session: Session, copy: CourseCopy, decision: Copying, actor_id: int) -> None:
    copy.decision, copy.decided_at = decision.value, clock.wall()
    audit.record(
        session,
        "copy decided",
        "course",
        copy.course_id,
        course_id=copy.course_id,
        actor_id=actor_id,
        after={"origin": copy.origin_id, "decision": copy.decision},
    )
