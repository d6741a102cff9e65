"""A hand-in's rows: held while they change, noted when they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lti_tool import audit
from lti_tool.gradebook import progress
from lti_tool.meetings.rows import program_of_meeting
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Module, Program
from lti_tool.work.tables import Assignment, Credit, Submission

# A hand-in as pages show it: with who handed it in, and its grade.
WHOLE = (joinedload(Submission.person), joinedload(Submission.grade))


def submission_of(session: Session, assignment_id: int, person_id: int) -> Submission | None:
    """What somebody has handed in, or their partner for both."""
    own = select(Submission).join(Credit, Credit.submission_id == Submission.id).options(*WHOLE)
    return session.scalar(own.where(Credit.assignment_id == assignment_id, Credit.person_id == person_id))


def credited(session: Session, submission: Submission) -> Sequence[int]:
    """For whom a hand-in counts."""
    return session.scalars(select(Credit.person_id).where(Credit.submission_id == submission.id)).all()


def module_of(session: Session, assignment: Assignment) -> Module:
    """The module that says what an assignment asks for."""
    return session.get_one(Module, session.get_one(Meeting, assignment.meeting_id).module_id)


def program_of(session: Session, assignment: Assignment) -> Program:
    """The program that an assignment belongs to."""
    return program_of_meeting(session, session.get_one(Meeting, assignment.meeting_id))


def lock(session: Session, assignment: Assignment) -> None:
    """Let those who write about one assignment wait for each other: the same form sent twice makes one row."""
    session.refresh(assignment, ["due_at", "lapsed_at"], with_for_update={"key_share": True})


def note(
    session: Session,
    assignment: Assignment,
    submission: Submission,
    action: str,
    actor_id: int,
    what: Mapping[str, object] | None = None,
) -> None:
    """Keep what was done, and let it count for all whose hand-in it is."""
    session.flush()
    program = program_of(session, assignment)
    audit.record(
        session,
        action,
        "assignment",
        assignment.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after={"person": submission.person_id, **(what or {})},
    )
    progress.changed(session, program.id, credited(session, submission))
