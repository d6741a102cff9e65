"""Who is asked about whom: those who really practised together, and stand-ins whom staff have found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from lti_tool.cohorts.tables import Cohort
from lti_tool.feedback.tables import FeedbackConcern, FeedbackRound, PeerFeedback
from lti_tool.meetings.members import running_members
from lti_tool.meetings.mixing import mixing_of
from lti_tool.meetings.tables import ATTENDED, Attendance, Meeting, PairSeat
from lti_tool.programs.tables import Module
from lti_tool.roster.tables import Person

Duo = tuple[int, int]  # who is asked, and about whom


@dataclass(frozen=True, slots=True)
class Ask:
    """One person to say something about, and until when it counts."""

    meeting: Meeting
    receiver: Person
    due_at: datetime
    stand_in: bool


def practised() -> Select[int, int, int]:
    """(meeting, one, other) of people who were there and have the same place in a session; both ways round."""
    one, other = aliased(PairSeat), aliased(PairSeat)
    came, too = aliased(Attendance), aliased(Attendance)
    return (
        select(one.meeting_id, one.person_id.label("giver_id"), other.person_id.label("receiver_id"))
        .join(other, and_(other.meeting_id == one.meeting_id, other.number == one.number))
        .join(came, and_(came.meeting_id == one.meeting_id, came.person_id == one.person_id))
        .join(too, and_(too.meeting_id == one.meeting_id, too.person_id == other.person_id))
        .where(
            one.person_id != other.person_id,
            came.presence.in_(ATTENDED),
            too.presence.in_(ATTENDED),
        )
    )


def duos(session: Session, meeting_id: int) -> list[Duo]:
    """Everybody of a session with each of their partners."""
    found = practised().subquery()
    query = select(found.c.giver_id, found.c.receiver_id).where(found.c.meeting_id == meeting_id)
    return [(giver, receiver) for giver, receiver in session.execute(query.order_by(*found.c))]


def is_asked(session: Session, meeting_id: int, giver_id: int, receiver_id: int) -> bool:
    """Whether somebody practised with somebody, or was asked to stand in."""
    if (giver_id, receiver_id) in duos(session, meeting_id):
        return True
    row = row_of(session, meeting_id, giver_id, receiver_id)
    return row is not None and (row.stand_in or row.given_at is not None)


def row_of(session: Session, meeting_id: int, giver_id: int, receiver_id: int) -> PeerFeedback | None:
    """What one person said about another in a session, or was to say."""
    return session.scalar(
        select(PeerFeedback).where(
            PeerFeedback.meeting_id == meeting_id,
            PeerFeedback.giver_id == giver_id,
            PeerFeedback.receiver_id == receiver_id,
        )
    )


def waiting(session: Session, person_id: int, program_id: int, now: datetime) -> list[Ask]:
    """About whom a person is asked now in a program and has said nothing, the first due first; in two queries."""
    pairs = practised().subquery()
    given = and_(
        PeerFeedback.meeting_id == pairs.c.meeting_id,
        PeerFeedback.giver_id == pairs.c.giver_id,
        PeerFeedback.receiver_id == pairs.c.receiver_id,
    )
    partners = session.execute(
        select(Meeting, Person, FeedbackRound.due_at)
        .select_from(pairs)
        .join(Meeting, Meeting.id == pairs.c.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Person, Person.id == pairs.c.receiver_id)
        .join(FeedbackRound, FeedbackRound.meeting_id == Meeting.id)
        .outerjoin(PeerFeedback, given)
        .where(
            pairs.c.giver_id == person_id,
            Cohort.program_id == program_id,
            FeedbackRound.due_at > now,
            PeerFeedback.id.is_(None),
        )
        .options(joinedload(Meeting.module))
    )
    asked = session.execute(
        select(Meeting, Person, PeerFeedback.due_at)
        .select_from(PeerFeedback)
        .join(Meeting, Meeting.id == PeerFeedback.meeting_id)
        .join(Cohort, Cohort.id == Meeting.cohort_id)
        .join(Person, Person.id == PeerFeedback.receiver_id)
        .where(
            PeerFeedback.giver_id == person_id,
            PeerFeedback.stand_in,
            PeerFeedback.given_at.is_(None),
            PeerFeedback.declined_at.is_(None),
            PeerFeedback.due_at > now,
            Cohort.program_id == program_id,
        )
        .options(joinedload(Meeting.module))
    )
    found = [
        Ask(meeting, person, due_at, stand_in=False) for meeting, person, due_at in partners if is_over(meeting, now)
    ]
    found += [Ask(meeting, person, due_at, stand_in=True) for meeting, person, due_at in asked]
    return sorted(found, key=lambda ask: (ask.due_at, ask.receiver.name))


def is_over(meeting: Meeting, now: datetime) -> bool:
    """Whether a session has come to its end, by its time or because it was closed."""
    return meeting.closed_at is not None or now >= meeting.ends_at


def without(session: Session, meeting: Meeting, due_at: datetime, now: datetime) -> list[Person]:
    """Who was in a session that is over and gets no feedback unless another is found, by name.

    Those who practised alone, and once the time is over those whose partners have said nothing. Whoever a stand-in
    has been asked about is waited for, as long as that one has time.
    """
    if not is_over(meeting, now):
        return []
    partners = {receiver for _giver, receiver in duos(session, meeting.id)}
    rows = session.scalars(select(PeerFeedback).where(PeerFeedback.meeting_id == meeting.id)).all()
    served = {row.receiver_id for row in rows if row.given_at or row.is_awaited(now)}
    people = session.scalars(_came(meeting))
    return [person for person in people if person.id not in served and (now >= due_at or person.id not in partners)]


def _came(meeting: Meeting) -> Select[Person]:
    """Who was there, by name."""
    came = select(Attendance.person_id).where(Attendance.meeting_id == meeting.id, Attendance.presence.in_(ATTENDED))
    return select(Person).where(Person.id.in_(came)).order_by(Person.name, Person.id)


def stand_ins(session: Session, meeting: Meeting, receivers: Sequence[Person]) -> Mapping[int, Person]:
    """For each of these people, who could stand in: somebody of the cohort who was there too, with the least to do.

    Nobody who must be apart from them or between whom there is a concern, nobody with whom they have practised in
    this session, and nobody who was asked already. Each is proposed for one person only, as far as there are
    enough.
    """
    still_here = running_members(session, meeting.cohort_id)
    people = session.scalars(_came(meeting).where(Person.id.in_(still_here))).all()
    taken = set(duos(session, meeting.id))
    rows = session.scalars(select(PeerFeedback).where(PeerFeedback.meeting_id == meeting.id))
    taken |= {(row.giver_id, row.receiver_id) for row in rows}
    apart = _apart(session, meeting, [person.id for person in people])
    load = dict(_load(session, meeting, [person.id for person in people]))
    chosen: dict[int, Person] = {}
    for receiver in receivers:
        free = [
            person
            for person in people
            if person.id != receiver.id
            and (person.id, receiver.id) not in taken
            and frozenset((person.id, receiver.id)) not in apart
        ]
        if free:
            best = min(free, key=lambda person: (load.get(person.id, 0), person.name))
            load[best.id] = load.get(best.id, 0) + 1
            chosen[receiver.id] = best
    return chosen


def _apart(session: Session, meeting: Meeting, people: Collection[int]) -> set[frozenset[int]]:
    """Who must not meet by the rules, or of whom one has told the facilitators a concern about the other."""
    groups: Iterable[Sequence[str]] = mixing_of(session, meeting.cohort_id, people).apart
    ids = [[int(person) for person in group] for group in groups]
    by_rule = {frozenset((one, other)) for group in ids for one in group for other in group if one != other}
    concerns = select(FeedbackConcern.writer_id, FeedbackConcern.about_id).where(
        FeedbackConcern.writer_id.in_(people), FeedbackConcern.about_id.in_(people)
    )
    return by_rule | {frozenset((one, other)) for one, other in session.execute(concerns)}


def _load(session: Session, meeting: Meeting, people: Collection[int]) -> Iterable[tuple[int, int]]:
    """How often each of these people was asked to stand in, and did not decline, in this program."""
    program_id = select(Cohort.program_id).where(Cohort.id == meeting.cohort_id).scalar_subquery()
    query = (
        select(PeerFeedback.giver_id, func.count())
        .join(Meeting, Meeting.id == PeerFeedback.meeting_id)
        .join(Module, Module.id == Meeting.module_id)
        .where(
            Module.program_id == program_id,
            PeerFeedback.giver_id.in_(people),
            PeerFeedback.stand_in,
            PeerFeedback.declined_at.is_(None),
        )
        .group_by(PeerFeedback.giver_id)
    )
    return iter(session.execute(query))
