"""What home pages and lists show of micro-assignments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.meetings.members import belongs, members_of
from lti_tool.meetings.overview import takes_place
from lti_tool.meetings.tables import Meeting, PairSeat
from lti_tool.programs.tables import Grading, Module, Program
from lti_tool.roster.tables import Person
from lti_tool.work import terms
from lti_tool.work.due import due_at
from lti_tool.work.rows import WHOLE
from lti_tool.work.tables import Assignment, Credit, Extension, Grade, Submission


@dataclass(frozen=True, slots=True)
class OpenAssignment:
    """An assignment, with its meeting, module and cohort, and when it is due for one person. It is `sent_back` when
    they handed it in and a facilitator asks for more.
    """

    assignment: Assignment
    due_at: datetime
    sent_back: bool


def next_assignment(session: Session, person_id: int, program_id: int, now: datetime) -> OpenAssignment | None:
    """The micro-assignment, of a session that has begun, that is due first for a learner who has not handed it in, or
    whose hand-in was sent back.

    Only those of the learner's own sessions count, as long as hand-ins are taken; what was sent back is taken always.
    """
    own = and_(Credit.assignment_id == Assignment.id, Credit.person_id == person_id)
    query = (
        _assignments()
        .add_columns(Membership, Extension, Module, Program, Credit.submission_id)
        .join(Membership, Membership.cohort_id == Meeting.cohort_id)
        .join(Module, Module.id == Meeting.module_id)
        .join(Program, Program.id == Module.program_id)
        .outerjoin(Credit, own)
        .outerjoin(Submission, Submission.id == Credit.submission_id)
        .outerjoin(Extension, and_(Extension.assignment_id == Assignment.id, Extension.person_id == person_id))
        .where(
            Membership.person_id == person_id,
            Membership.program_id == program_id,
            Membership.until.is_(None),
            Meeting.starts_at <= now,
            or_(Credit.submission_id.is_(None), Submission.sent_back.is_not(None)),
        )
    )
    found = [
        OpenAssignment(assignment, due_at(assignment, extension), sent_back=submission_id is not None)
        for assignment, membership, extension, module, program, submission_id in session.execute(query)
        if belongs(membership, assignment.meeting)
        and (
            submission_id is not None
            or not terms.of_module(program, module).is_closed(due_at(assignment, extension), now)
        )
    ]
    return min(found, key=lambda one: one.due_at, default=None)


def _assignments() -> Select[Assignment]:
    return (
        select(Assignment)
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .options(
            joinedload(Assignment.meeting).joinedload(Meeting.module),
            joinedload(Assignment.meeting).joinedload(Meeting.cohort),
        )
    )


def to_confirm(session: Session, person_id: int, program_id: int) -> list[Submission]:
    """What partners have handed in and this learner has to confirm, the oldest first, with its person."""
    query = _of_partners(person_id).join(Meeting, Meeting.id == Assignment.meeting_id)
    query = query.join(Cohort, Cohort.id == Meeting.cohort_id)
    query = query.join(Module, Module.id == Meeting.module_id)
    query = query.where(
        Cohort.program_id == program_id,
        Module.assignment_grading == Grading.PARTNER,
        Submission.confirmed_at.is_(None),
        Submission.sent_back.is_(None),
    )
    return list(session.scalars(query.order_by(Submission.handed_in_at)))


def of_partners(session: Session, assignment_id: int, person_id: int) -> list[Submission]:
    """What one's partners have handed in for an assignment, with its person."""
    return list(session.scalars(_of_partners(person_id).where(Assignment.id == assignment_id)))


def _of_partners(person_id: int) -> Select[Submission]:
    own, partner = aliased(PairSeat), aliased(PairSeat)
    return (
        select(Submission)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(
            partner,
            and_(partner.meeting_id == Assignment.meeting_id, partner.person_id == Submission.person_id),
        )
        .join(own, and_(own.meeting_id == partner.meeting_id, own.number == partner.number))
        .where(own.person_id == person_id, partner.person_id != person_id)
        .options(*WHOLE)
    )


@dataclass(frozen=True, slots=True)
class WorkCount:
    """One cohort's micro-assignment in numbers; the ones that count are among the `handed_in`. `to_look_at` are drawn
    for a spot check.
    """

    assignment: Assignment
    handed_in: int
    confirmed: int
    to_look_at: int


def work_overview(session: Session, program_id: int) -> list[WorkCount]:
    """All micro-assignments of a program, by cohort, then by due time; in two queries."""
    query = _assignments().join(Cohort, Cohort.id == Meeting.cohort_id)
    query = query.where(Cohort.program_id == program_id, takes_place())
    assignments = session.scalars(query.order_by(Cohort.position, Assignment.due_at)).all()
    counts = session.execute(
        select(Credit.assignment_id, func.count(), func.count(_COUNTS), func.count(_TO_LOOK_AT))
        .join(Submission, Submission.id == Credit.submission_id)
        .join(Assignment, Assignment.id == Credit.assignment_id)
        .join(Meeting, Meeting.id == Assignment.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Module, Module.id == Meeting.module_id)
        .outerjoin(Grade, Grade.submission_id == Submission.id)
        .where(Cohort.program_id == program_id)
        .group_by(Credit.assignment_id)
    )
    by_id = {assignment_id: numbers for assignment_id, *numbers in counts}
    return [WorkCount(assignment, *by_id.get(assignment.id, (0, 0, 0))) for assignment in assignments]


# As `measure.share_of` says it, in SQL.
_COUNTS = case(
    (Module.assignment_grading == Grading.COMPLETION, 1),
    (and_(Module.assignment_grading == Grading.POINTS, Grade.submission_id.is_not(None)), 1),
    (and_(Module.assignment_grading == Grading.PARTNER, Submission.confirmed_at.is_not(None)), 1),
)
_TO_LOOK_AT = case(
    (and_(Submission.drawn.is_(True), Submission.confirmed_at.is_not(None), Submission.looked_at.is_(None)), 1)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one person is with an assignment. `extended_to` is None for who has as much time as everybody."""

    person: Person
    submission: Submission | None
    due_at: datetime
    extended_to: datetime | None

    @property
    def is_late(self) -> bool:
        """Whether it was handed in after it was due."""
        return self.submission is not None and self.submission.handed_in_at > self.due_at


def everybody(session: Session, assignment: Assignment, meeting: Meeting) -> Sequence[Standing]:
    """The people of an assignment with what they have handed in, by name, those who have left since included."""
    rows = session.execute(
        select(Person, Submission)
        .join(Credit, Credit.person_id == Person.id)
        .join(Submission, Submission.id == Credit.submission_id)
        .where(Credit.assignment_id == assignment.id)
        .options(*WHOLE)
    ).all()
    submissions = {person.id: submission for person, submission in rows}
    people = {person.id: person for person in members_of(session, meeting)}
    people |= {person.id: person for person, _submission in rows}
    by_name = sorted(people.values(), key=lambda person: (person.name, person.id))
    given = session.scalars(select(Extension).where(Extension.assignment_id == assignment.id))
    more_time = {extension.person_id: extension for extension in given}
    return [
        Standing(
            person,
            submissions.get(person.id),
            due_at(assignment, extension := more_time.get(person.id)),
            extension.due_at if extension else None,
        )
        for person in by_name
    ]


def is_for(session: Session, assignment_id: int, person_id: int) -> bool:
    """Whether an assignment is one of this learner's: the session was theirs, or they handed something in."""
    rows = session.execute(
        select(Meeting, Membership)
        .join(Assignment, Assignment.meeting_id == Meeting.id)
        .join(Membership, Membership.cohort_id == Meeting.cohort_id)
        .where(Assignment.id == assignment_id, Membership.person_id == person_id)
    )
    if any(belongs(membership, meeting) for meeting, membership in rows):
        return True
    handed_in = select(Credit.submission_id).where(
        Credit.assignment_id == assignment_id, Credit.person_id == person_id
    )
    return session.scalar(handed_in) is not None
