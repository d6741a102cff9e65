"""What a learner needs first: one next thing, with whom, by when, and what already counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.cohorts import queries, words
from lti_tool.cohorts.tables import Cohort
from lti_tool.commitments import queries as commitments
from lti_tool.commitments.tables import Commitment
from lti_tool.feedback.asking import Ask, waiting
from lti_tool.feedback.exchange import to_judge
from lti_tool.feedback.tables import PeerFeedback
from lti_tool.gradebook import overview as grades
from lti_tool.gradebook import progress
from lti_tool.gradebook.progress import Progress
from lti_tool.gradebook.states import State
from lti_tool.meetings import room
from lti_tool.meetings.overview import next_meeting_of
from lti_tool.meetings.pairs import partners
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.schedule import own_hour
from lti_tool.programs.tables import Module, Program
from lti_tool.reflections.queries import to_catch_up
from lti_tool.roster.tables import Person
from lti_tool.work.overview import OpenAssignment, next_assignment, to_confirm
from lti_tool.work.tables import Submission


class Next(StrEnum):
    """What kind of thing comes first."""

    SESSION = "session"
    FEEDBACK = "feedback"  # tell a partner what one saw
    CATCH_UP = "catch-up"  # read what one missed
    ASSIGNMENT = "assignment"
    CONFIRM = "confirm"
    WORD = "word"  # say how it went with what one took on
    WITNESS = "witness"  # confirm what somebody else took on
    RECEIVED = "received"  # read what a partner saw
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class LearnerHome:
    """All that the page shows. `week` is the next session's number, or the last one's; `hour` is when the cohort
    meets each week, on the program's clocks.
    """

    first: Next
    week: int | None
    sessions: int
    cohort: Cohort | None
    hour: str | None
    meeting: Meeting | None
    meeting_partners: Sequence[Person]
    assignment: OpenAssignment | None
    assignment_partners: Sequence[Person]
    to_confirm: Sequence[Submission]
    taken_on: Sequence[Commitment]
    to_witness: Sequence[Commitment]
    to_tell: Sequence[Ask]
    received: Sequence[PeerFeedback]
    missed: Sequence[Meeting]
    counts: Mapping[str, Progress]
    grades: Sequence[grades.Standing]

    def next_at(self, now: datetime) -> datetime:
        """By when the one next thing is to be done."""
        match self.first:
            case Next.CONFIRM | Next.WITNESS | Next.RECEIVED | Next.CATCH_UP:
                return now  # somebody waits for it
            case Next.FEEDBACK:
                return self.to_tell[0].due_at
            case Next.WORD:
                return self.taken_on[0].due_at
            case Next.ASSIGNMENT if self.assignment is not None:
                return self.assignment.due_at
            case Next.SESSION if self.meeting is not None:
                return self.meeting.starts_at
            case _:
                return datetime.max.replace(tzinfo=UTC)

    @property
    def everything_in_gradebook(self) -> bool:
        """Whether the LMS shows all that counts so far."""
        told = [cell for cell in self.grades if not cell.is_nothing]
        return bool(told) and all(cell.state in {State.TRUE, State.KEPT} for cell in told)


def home_of(session: Session, person_id: int, program: Program, now: datetime) -> LearnerHome:
    """Gather a learner's page by a fixed number of queries."""
    meeting = next_meeting_of(session, person_id, program.id, now)
    assignment = next_assignment(session, person_id, program.id, now)
    confirms = to_confirm(session, person_id, program.id)
    taken_on = commitments.waiting_for_word(session, person_id, program.id)
    to_witness = commitments.to_confirm(session, person_id, program.id)
    to_tell = waiting(session, person_id, program.id, now)
    received = to_judge(session, person_id, program.id, now)
    missed = to_catch_up(session, person_id, program.id, now)
    cohort = queries.cohort_of(session, program.id, person_id)
    numbers = dict(session.execute(select(Module.id, Module.number).where(Module.program_id == program.id)).all())
    candidates = {
        Next.SESSION: meeting is not None and room.is_open(meeting, now),
        Next.FEEDBACK: bool(to_tell),
        Next.WORD: bool(taken_on) and taken_on[0].due_at <= now,
        Next.CATCH_UP: bool(missed),
        Next.ASSIGNMENT: assignment is not None,
        Next.CONFIRM: bool(confirms),
        Next.WITNESS: bool(to_witness),
        Next.RECEIVED: bool(received),
    }
    otherwise = Next.SESSION if meeting is not None else Next.NOTHING
    return LearnerHome(
        first=next((each for each, is_there in candidates.items() if is_there), otherwise),
        week=numbers[meeting.module_id] if meeting else None,
        sessions=len(numbers),
        cohort=cohort,
        hour=words.hour(cohort.hour or own_hour(program)) if cohort else None,
        meeting=meeting,
        meeting_partners=partners(session, meeting.id, person_id) if meeting else (),
        assignment=assignment,
        assignment_partners=partners(session, assignment.assignment.meeting_id, person_id) if assignment else (),
        to_confirm=confirms,
        taken_on=taken_on,
        to_witness=to_witness,
        to_tell=to_tell,
        received=received,
        missed=missed,
        counts=progress.of_person(session, program.id, person_id, now),
        grades=grades.cells_of(session, program.id, person_id),
    )
