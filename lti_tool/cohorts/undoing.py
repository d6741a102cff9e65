"""Taking back what was last done to the people of published cohorts, as long as no session was held since.

Nothing is erased: who was moved goes back from now on, and the history tells both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from lti_tool.audit import AuditEntry
from lti_tool.cohorts import acts, hours, publishing, standing
from lti_tool.cohorts.acts import Act, Step
from lti_tool.cohorts.proposing import StaleError, take
from lti_tool.cohorts.queries import CohortMembers
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.programs.schedule import WeeklyHour, own_hour, was_held_since
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person


@dataclass(frozen=True, slots=True)
class Undoable:
    """The last act of a person, which can be taken back: its entry, who did it and when, how many would go back, and
    the rules that would be broken then.
    """

    entry_id: int
    who: str
    at: datetime
    count: int
    breaks: list[str]


def undoable(session: Session, program: Program) -> Undoable | None:
    """What can be taken back now; None where nothing was done, or it is too late."""
    found = _last(session, program)
    if found is None:
        return None
    entry, who = found
    back = _going_back(session, program, entry)
    if not back or _was_held_since(session, program, back):
        return None
    return Undoable(entry.id, who, entry.at, len(back), _broken_by(session, program, entry, back))


def without_undone(session: Session, program: Program, entries: Sequence[CohortMembers]) -> list[CohortMembers]:
    """The same cohorts without those among who was there before whose place was taken back."""
    if not any(entry.former for entry in entries):
        return list(entries)
    undone = acts.places_undone(session, program.id)

    def is_told(gone: Membership) -> bool:
        taken_back = undone.get((gone.person_id, gone.cohort_id))
        return taken_back is None or gone.until is None or gone.until > taken_back

    return [replace(entry, former=[gone for gone in entry.former if is_told(gone)]) for entry in entries]


def undo(session: Session, program: Program, entry_id: int, *, actor_id: int) -> int:
    """Take the act of this entry back. Returns how many people went back.

    Raises StaleError if it cannot be (now), FormError if a cohort cannot meet at its old hour.
    """
    take(session, program.id)
    offered = undoable(session, program)
    if offered is None or offered.entry_id != entry_id:
        raise StaleError
    entry = session.get_one(AuditEntry, entry_id)
    told = acts.told(entry) or acts.Told([], [], {})
    back = _going_back(session, program, entry)
    cohorts = session.scalars(select(Cohort).where(Cohort.program_id == program.id)).all()
    by_id = {cohort.id: cohort for cohort in cohorts}
    for cohort_id in told.ended:
        by_id[cohort_id].ended_at = None
    for cohort_id, (before, then) in told.hours.items():
        if str(by_id[cohort_id].hour or own_hour(program)) == then:
            hours.change(session, program, by_id[cohort_id], WeeklyHour.parse(before), actor_id=actor_id)
    moves = [(running, by_id[step.leaves] if step.leaves else None) for running, step in back]
    steps = publishing.move_members(session, program, moves)
    acts.record(session, program, Act.UNDONE, steps, actor_id, ended=told.ended, why=" ".join(offered.breaks) or None)
    return len(steps)


def _last(session: Session, program: Program) -> tuple[AuditEntry, str] | None:
    """What a person did last to who is in which cohort, unless it is that they took something back.

    Who was placed has their place by the rules: taken back, the next reading of the roster would give it again.
    """
    by_hand = and_(AuditEntry.action.in_((Act.ANEW, Act.MOVED)), AuditEntry.actor_id.is_not(None))
    row = session.execute(
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.actor_id)
        .where(
            AuditEntry.subject == "program",
            AuditEntry.subject_id == program.id,
            or_(by_hand, AuditEntry.action == Act.UNDONE),
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).first()
    return None if row is None or row[0].action == Act.UNDONE else (row[0], row[1])


def _going_back(session: Session, program: Program, entry: AuditEntry) -> list[tuple[Membership, Step]]:
    """The memberships that the act began and that go on; who has left the course since is not among them."""
    told = acts.told(entry)
    if told is None:
        return []
    running = session.scalars(
        select(Membership).where(
            Membership.program_id == program.id,
            Membership.until.is_(None),
            Membership.person_id.in_([step.person for step in told.steps]),
        )
    )
    by_person = {membership.person_id: membership for membership in running}
    return [
        (by_person[step.person], step)
        for step in told.steps
        if step.person in by_person and by_person[step.person].cohort_id == step.joins
    ]


def _broken_by(
    session: Session, program: Program, entry: AuditEntry, back: Sequence[tuple[Membership, Step]]
) -> list[str]:
    """The rules that hold now and would be broken if these people went back."""
    now, told = standing.of(session, program).unlocked(), acts.told(entry)
    ended = session.scalars(select(Cohort).where(Cohort.id.in_(told.ended if told else ()))).all()
    known = replace(now, cohorts=[*now.cohorts, *ended], members=[*now.members, *([] for _cohort in ended)])
    goes = {str(step.person): step.leaves for _membership, step in back}
    return known.newly_broken(
        [
            [person for person in members if person not in goes]
            + [person for person, place in goes.items() if place == cohort.id]
            for cohort, members in zip(known.cohorts, known.members, strict=True)
        ]
    )


def _was_held_since(session: Session, program: Program, back: Sequence[tuple[Membership, Step]]) -> bool:
    return was_held_since(session, program.id, min(membership.since for membership, _step in back))
