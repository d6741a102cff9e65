"""What an instructor decides about a cell: keep the LMS's grade, send ours, or try again."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit, clock, jobs
from lti_tool.gradebook.events import Keep, SendOurs, TryAgain
from lti_tool.gradebook.progress import JOB
from lti_tool.gradebook.states import State, Values, is_persons, state_of
from lti_tool.gradebook.steps import is_leased, step
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.programs.tables import Program

SUBJECT = "cell"


class OutdatedError(Exception):
    """The cell is no longer in the state that the decision was about."""


def find(session: Session, course_id: int, cell_id: int) -> Cell | None:
    """The cell, locked for the caller's transaction, if it belongs to a program of this course."""
    return session.scalar(
        select(Cell)
        .join(Column, Column.id == Cell.column_id)
        .join(Program, Program.id == Column.program_id)
        .where(Cell.id == cell_id, Program.course_id == course_id)
        .with_for_update(of=Cell)
        .execution_options(populate_existing=True)
    )


def sight(values: Values) -> str:
    """A short name for what the LMS shows, by which a form says what its decision is about."""
    return hashlib.sha256(repr((values.shown, values.shown_comment)).encode()).hexdigest()[:16]


def keep(session: Session, cell: Cell, actor_id: int, seen: str) -> None:
    """Keep what a person set in the LMS, until it is changed there again.

    `seen` is the `sight` that the instructor had. Raises OutdatedError when the LMS shows something else by now.
    """
    _require_persons(cell, seen)
    _record(session, cell, actor_id, "keep the LMS's grade")
    cell.become(step(cell.facts, Keep())[0])


def send_ours(session: Session, cell: Cell, actor_id: int, seen: str) -> None:
    """Replace what a person set in the LMS by ours. Raises OutdatedError as `keep` does."""
    _require_persons(cell, seen)
    _record(session, cell, actor_id, "send Peerloop's grade")
    cell.become(step(cell.facts, SendOurs(clock.wall()))[0])
    jobs.ring(session, JOB)


def try_again(session: Session, cell: Cell, actor_id: int) -> None:
    """Send a refused grade once more. Raises OutdatedError when it is not refused."""
    if state_of(cell.values) is not State.REFUSED:
        raise OutdatedError
    _record(session, cell, actor_id, "try again")
    cell.become(step(cell.facts, TryAgain(clock.wall()))[0])
    jobs.ring(session, JOB)


def _require_persons(cell: Cell, seen: str) -> None:
    if is_leased(cell.facts, clock.wall()) or not is_persons(cell.values) or seen != sight(cell.values):
        raise OutdatedError


def _record(session: Session, cell: Cell, actor_id: int, action: str) -> None:
    course_id = session.scalar(select(Program.course_id).join(Column).where(Column.id == cell.column_id))
    audit.record(
        session,
        action,
        SUBJECT,
        cell.id,
        course_id=course_id,
        actor_id=actor_id,
        before={
            "shown": cell.shown_score,
            "comment": cell.shown_comment,
            "decision": cell.decision,
            "problem": cell.problem,
        },
        after={"wanted": cell.wanted_score},
    )
