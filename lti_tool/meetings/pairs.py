"""Who works with whom: planned for all members, then made from those who are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, delete, exists, insert, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload

from lti_tool import clock, jobs
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.database import transaction
from lti_tool.matching.pairing import meetings as duos_of
from lti_tool.matching.pairing import pair
from lti_tool.matching.planning import plan_run
from lti_tool.matching.turns import in_turn
from lti_tool.meetings.members import enrolment_of_membership, running, running_members
from lti_tool.meetings.mixing import Mixing, mixing_of
from lti_tool.meetings.rows import lock, raise_versions
from lti_tool.meetings.tables import ATTENDED, HERE, Attendance, Meeting, PairSeat
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Module, Program
from lti_tool.roster.tables import Enrolment, Person

JOB = "pairs"

Group = tuple[str, ...]  # the matching room knows people by a text

# Somebody comes late and everybody waits for their pair, so these statements are built once.
_seat_table = cast(Table, PairSeat.__table__)
_CLEAR = delete(_seat_table).where(_seat_table.c.meeting_id.in_(bindparam("meeting_ids", expanding=True)))
_SIT = insert(_seat_table)
_SEATS = (
    select(_seat_table.c.meeting_id, _seat_table.c.number, _seat_table.c.person_id)
    .where(_seat_table.c.meeting_id.in_(bindparam("meeting_ids", expanding=True)))
    .order_by(_seat_table.c.number, _seat_table.c.id)
)
_HERE = (
    select(Attendance.person_id)
    .where(Attendance.meeting_id == bindparam("meeting_id"), Attendance.presence.in_(HERE))
    .order_by(Attendance.person_id)
)
_MET = (
    select(Module.number, PairSeat.number, PairSeat.person_id)
    .join(Meeting, Meeting.id == PairSeat.meeting_id)
    .join(Module, Module.id == Meeting.module_id)
    .join(
        Attendance,
        and_(Attendance.meeting_id == PairSeat.meeting_id, Attendance.person_id == PairSeat.person_id),
    )
    .where(
        Meeting.cohort_id == bindparam("cohort_id"),
        Module.number < select(Module.number).where(Module.id == bindparam("module_id")).scalar_subquery(),
        Attendance.presence.in_(ATTENDED),
    )
    .order_by(Module.number, PairSeat.number, PairSeat.id)
)


def pair_present(session: Session, meeting: Meeting) -> None:
    """Make the pairs of a session from those who are there; pairs that can stay, stay.

    Raises FormError when the session is closed or nobody is marked as here.
    """
    lock(session, meeting)
    if meeting.closed_at is not None:
        raise FormError({"pairs": _("This session is closed: its pairs are what happened.")})
    here = people_here(session, meeting.id)
    if not here:
        raise FormError({"pairs": _("Mark who is here first; pairs are made from them.")})
    meeting.version += 1
    now = seats_of(session, [meeting.id])[meeting.id]
    history = list(met_before(session, meeting).values())
    mixing = mixing_of(session, meeting.cohort_id, here)
    _seat(session, {meeting.id: _paired(here, history, mixing, now, seed=meeting.id)})


def pair_again(session: Session, meeting: Meeting, here: Sequence[int]) -> None:
    """Let the pairs follow who is here (ids), in a session that the caller has locked.

    In mid-practice nobody likes to move: if a place can be found so that nobody meets again, the others stay.
    """
    now = seats_of(session, [meeting.id])[meeting.id]
    if not here or {str(person) for person in here} == {person for group in now for person in group}:
        return
    history = list(met_before(session, meeting).values())
    mixing = mixing_of(session, meeting.cohort_id, here)
    avoided = duos_of([*mixing.apart, *(group for groups in history for group in groups)])
    mended = mend(now, [str(person) for person in here], avoided)
    if mended is None:
        made = _paired(here, history, mixing, now, seed=meeting.id)
    else:
        made = [group if group in now else in_turn([group], history)[0] for group in mended]
    _seat(session, {meeting.id: made})


def people_here(session: Session, meeting_id: int) -> Sequence[int]:
    """Who is in the session now: who came and has not left."""
    return session.scalars(_HERE, {"meeting_id": meeting_id}).all()


def mend(groups: Sequence[Group], here: Sequence[str], avoided: Set[frozenset[str]]) -> list[Group] | None:
    """The same groups after somebody came or left, with a place for one who has none: with somebody out of a group of
    three, else as the third of a pair. None where that is not enough, or where people would meet who have met before
    or must not.
    """
    kept = [tuple(person for person in group if person in here) for group in groups]
    settled = [group for group in kept if len(group) > 1]
    loose = set(here).difference(*settled)
    if len(loose) > 1:
        return None
    for one in loose:
        settled = _joined(settled, one, avoided)
    fits = settled and not avoided & duos_of(settled) and len(here) == sum(map(len, settled))
    return settled if fits else None


def _joined(groups: list[Group], one: str, avoided: Set[frozenset[str]]) -> list[Group]:
    """The groups with one more person, if there is a place."""
    for index, group in enumerate(groups):
        new = next((other for other in group if frozenset((one, other)) not in avoided), None)
        if len(group) > 2 and new is not None:
            stay = tuple(person for person in group if person != new)
            return [*groups[:index], stay, *groups[index + 1 :], (new, one)]
    for index, group in enumerate(groups):
        if len(group) == 2 and not any(frozenset((one, other)) in avoided for other in group):
            return [*groups[:index], (*group, one), *groups[index + 1 :]]
    return groups


def _paired(
    people: Sequence[int], history: Sequence[Sequence[Group]], mixing: Mixing, planned: Iterable[Group], seed: int
) -> list[Group]:
    here = [str(person) for person in people]
    made = pair(here, history, mixing.apart, mixing.liking, planned=planned, seed=seed)
    return [*made.groups, *((alone,) for alone in made.unpaired)]


def plan(session: Session, cohort_id: int) -> None:
    """Plan the pairs of a cohort's coming sessions anew, from what has happened so far."""
    coming = _coming_of(session, cohort_id)
    if not coming:
        return
    people = running_members(session, cohort_id)
    members = [str(person) for person in people]
    history = list(met_before(session, coming[0]).values())
    mixing = mixing_of(session, cohort_id, people)
    run = plan_run(
        members,
        len(coming),
        history=history,
        must_not_meet=mixing.apart,
        preferences=mixing.liking,
        seed=cohort_id,
    )
    away = _away(session, [meeting.id for meeting in coming])
    planned: dict[int, list[Group]] = {}
    for meeting, groups in zip(coming, run.rounds, strict=True):
        expected = [person for person in people if person not in away[meeting.id]]
        planned[meeting.id] = _paired(expected, [*history, *planned.values()], mixing, groups, seed=meeting.id)
    _seat(session, planned)
    raise_versions(session, planned.keys())


def plan_soon(_program: Program, *, session: Session) -> None:
    """Have the pairs planned anew of whatever cohort has changed (a signal's handler)."""
    jobs.ring(session, JOB)


def plan_anew(session: Session, program_id: int) -> None:
    """Have the coming pairs of a program's cohorts planned anew: until then there are none."""
    query = coming_in(program_id).with_for_update(of=Meeting, key_share=True)
    coming = session.scalars(query).all()
    _seat(session, dict.fromkeys(coming, ()))
    raise_versions(session, coming)
    jobs.ring(session, JOB)


def plan_if_repeating(session: Session, cohort_id: int) -> None:
    """Plan a cohort's coming pairs anew if people who have met by now would meet again."""
    coming = _coming_of(session, cohort_id)
    if not coming:
        return
    met = duos_of(group for groups in met_before(session, coming[0]).values() for group in groups)
    seats = seats_of(session, [meeting.id for meeting in coming])
    if met & duos_of(group for groups in seats.values() for group in groups):
        plan(session, cohort_id)


def coming_in(program_id: int) -> Select[int]:
    """The ids of a program's sessions whose pairs may still be planned."""
    query = select(Meeting.id).join(Cohort, Cohort.id == Meeting.cohort_id)
    return query.where(Cohort.program_id == program_id, *_coming())


def _coming_of(session: Session, cohort_id: int) -> Sequence[Meeting]:
    """In order, and held until the transaction ends, so that two who plan at once do not seat people twice."""
    query = select(Meeting).join(Module).where(Meeting.cohort_id == cohort_id, *_coming()).order_by(Module.number)
    return session.scalars(query.with_for_update(of=Meeting, key_share=True)).all()


def _coming() -> tuple[ColumnElement[bool], ...]:
    """Sessions whose pairs may still be planned: later ones, in which nobody has been seen."""
    seen = exists().where(Attendance.meeting_id == Meeting.id, Attendance.presence.in_(ATTENDED))
    return Meeting.closed_at.is_(None), Meeting.starts_at > clock.now(), ~seen


def _away(session: Session, meeting_ids: Sequence[int]) -> Mapping[int, set[int]]:
    """Who will not come: in a session in which nobody has been seen, every mark says so."""
    away: dict[int, set[int]] = defaultdict(set)
    query = select(Attendance.meeting_id, Attendance.person_id).where(Attendance.meeting_id.in_(meeting_ids))
    for meeting_id, person_id in session.execute(query):
        away[meeting_id].add(person_id)
    return away


def _seat(session: Session, groups: Mapping[int, Sequence[Group]]) -> None:
    """Store the groups of sessions (by meeting id) in place of those they had."""
    session.execute(_CLEAR, {"meeting_ids": list(groups)})
    rows = [
        {"meeting_id": meeting_id, "number": number, "person_id": int(person)}
        for meeting_id, made in groups.items()
        for number, group in enumerate(made, start=1)
        for person in group
    ]
    if rows:
        session.execute(_SIT, rows)


def seats_of(session: Session, meeting_ids: Sequence[int]) -> dict[int, list[Group]]:
    """The groups of sessions by meeting id, in the order of their numbers."""
    found: dict[int, dict[int, list[str]]] = {meeting_id: {} for meeting_id in meeting_ids}
    for meeting_id, number, person_id in session.execute(_SEATS, {"meeting_ids": list(meeting_ids)}):
        found[meeting_id].setdefault(number, []).append(str(person_id))
    return {meeting_id: [tuple(group) for group in groups.values()] for meeting_id, groups in found.items()}


def met_before(session: Session, meeting: Meeting) -> dict[int, list[Group]]:
    """By number of each earlier session of the cohort: the groups that really met, those who were there."""
    sessions: dict[int, dict[int, list[str]]] = {}
    this = {"cohort_id": meeting.cohort_id, "module_id": meeting.module_id}
    for number, seat, person_id in session.execute(_MET, this):
        sessions.setdefault(number, {}).setdefault(seat, []).append(str(person_id))
    return {
        number: [tuple(group) for group in groups.values() if len(group) > 1] for number, groups in sessions.items()
    }


def group_of(session: Session, meeting_id: int, person_id: int) -> list[Person]:
    """Somebody's group in a session, in the order of its turns; empty when they have no place."""
    own = select(PairSeat.number).where(PairSeat.meeting_id == meeting_id, PairSeat.person_id == person_id)
    query = select(Person).join(PairSeat, PairSeat.person_id == Person.id)
    seated = query.where(PairSeat.meeting_id == meeting_id, PairSeat.number == own.scalar_subquery())
    return list(session.scalars(seated.order_by(PairSeat.id)))


def partners(session: Session, meeting_id: int, person_id: int) -> list[Person]:
    """With whom somebody works in a session, as planned or as made; empty when alone or not placed."""
    own = aliased(PairSeat)
    query = (
        select(Person)
        .join(PairSeat, PairSeat.person_id == Person.id)
        .join(own, and_(own.meeting_id == PairSeat.meeting_id, own.number == PairSeat.number))
        .where(own.meeting_id == meeting_id, own.person_id == person_id, Person.id != person_id)
        .order_by(Person.name, Person.id)
    )
    return list(session.scalars(query))


@dataclass(frozen=True, slots=True)
class Pair:
    """A group of a session as people see it; `met_in` is the last earlier session in which two of them met."""

    people: tuple[Person, ...]
    met_in: int | None


def pairs_of(session: Session, meeting: Meeting) -> list[Pair]:
    """The groups of a session, with what is notable about each."""
    last_met = {duo: number for number, groups in met_before(session, meeting).items() for duo in duos_of(groups)}
    seats = session.scalars(
        select(PairSeat)
        .where(PairSeat.meeting_id == meeting.id)
        .options(joinedload(PairSeat.person))
        .order_by(PairSeat.number, PairSeat.id)
    )
    groups: dict[int, list[Person]] = {}
    for seat in seats:
        groups.setdefault(seat.number, []).append(seat.person)
    return [Pair(tuple(people), _last_met(people, last_met)) for people in groups.values()]


def _last_met(people: Sequence[Person], last_met: Mapping[frozenset[str], int]) -> int | None:
    duos = duos_of([tuple(str(person.id) for person in people)])
    return max((last_met[duo] for duo in duos if duo in last_met), default=None)


def plan_stale() -> bool:
    """Job: plan the pairs of one cohort whose members are no longer those of its planned pairs."""
    with transaction() as session:
        cohort_id = session.scalar(select(Meeting.cohort_id).where(*_coming(), _is_stale()).limit(1))
        if cohort_id is None:
            return False
        plan(session, cohort_id)
        return True


def _is_stale() -> ColumnElement[bool]:
    """Somebody is expected who has no seat, or somebody has a seat who is not expected."""
    member = (
        select(Membership.person_id)
        .join(Program, Program.id == Membership.program_id)
        .join(Enrolment, enrolment_of_membership())
        .where(Membership.cohort_id == Meeting.cohort_id, *running())
        .correlate(Meeting, PairSeat)
    )
    unseated = member.where(
        ~_marked(Membership.person_id),
        ~exists()
        .where(PairSeat.meeting_id == Meeting.id, PairSeat.person_id == Membership.person_id)
        .correlate(Meeting, Membership),
    )
    unexpected = select(PairSeat.id).where(
        PairSeat.meeting_id == Meeting.id,
        or_(_marked(PairSeat.person_id), ~member.where(Membership.person_id == PairSeat.person_id).exists()),
    )
    return or_(unseated.exists(), unexpected.exists())


def _marked(person: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    mark = exists().where(Attendance.meeting_id == Meeting.id, Attendance.person_id == person)
    return mark.correlate(Meeting, Membership, PairSeat)
