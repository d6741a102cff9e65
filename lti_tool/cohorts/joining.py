"""Who joined published cohorts: told on the board, and taken back as long as no session was held since.

Who was taken out again waits for a person's word: no reading of the roster places them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lti_tool.audit import AuditEntry
from lti_tool.cohorts import acts, publishing
from lti_tool.cohorts.acts import Act
from lti_tool.cohorts.proposing import StaleError, take
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.cohorts.words import _, listed
from lti_tool.programs.schedule import was_held_since
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

MOST = 5


@dataclass(frozen=True, slots=True)
class Joined:
    """People who were placed at once and are still there; `who` placed them is empty where Peerloop did by itself."""

    entry_id: int
    who: str | None
    at: datetime
    places: list[tuple[Membership, Cohort]]

    @property
    def text(self) -> str:
        """Who joined which cohort, and who placed them."""
        by_cohort: dict[str, list[str]] = {}
        for membership, cohort in self.places:
            by_cohort.setdefault(cohort.name, []).append(membership.person.name)
        joined = [
            _("%(people)s joined Cohort %(cohort)s", people=listed(sorted(people)), cohort=name)
            for name, people in by_cohort.items()
        ]
        return _("%(joined)s, placed by %(who)s.", joined="; ".join(joined), who=self.who or "Peerloop")

    @property
    def alone(self) -> tuple[Membership, Cohort] | None:
        """The only one of them, if there is one alone."""
        return self.places[0] if len(self.places) == 1 else None


def lately(session: Session, program: Program) -> list[Joined]:
    """The last few placements that can be taken back, the newest first."""
    rows = session.execute(
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.actor_id)
        .where(AuditEntry.subject == "program", AuditEntry.subject_id == program.id, AuditEntry.action == Act.PLACED)
        .order_by(AuditEntry.id.desc())
        .limit(MOST)
    ).all()
    running = _running(session, program, [entry for entry, _who in rows])
    found = []
    for entry, who in rows:
        places = [
            running[step.person, step.joins] for step in acts.steps_of(entry) if (step.person, step.joins) in running
        ]
        if not places:
            continue
        if was_held_since(session, program.id, min(membership.since for membership, _cohort in places)):
            break  # and so since all earlier ones
        found.append(Joined(entry.id, who, entry.at, places))
    return found


def _running(
    session: Session, program: Program, entries: Sequence[AuditEntry]
) -> dict[tuple[int, int | None], tuple[Membership, Cohort]]:
    people = {step.person for entry in entries for step in acts.steps_of(entry)}
    if not people:
        return {}
    query = select(Membership, Cohort).join(Cohort, Cohort.id == Membership.cohort_id)
    rows = session.execute(
        query.where(
            Membership.program_id == program.id, Membership.until.is_(None), Membership.person_id.in_(people)
        ).options(joinedload(Membership.person))
    )
    return {(membership.person_id, cohort.id): (membership, cohort) for membership, cohort in rows}


def take_back(session: Session, program: Program, entry_id: int, *, actor_id: int) -> list[str]:
    """Let those who were placed by this entry wait again. Returns their names. Raises StaleError if they cannot."""
    take(session, program.id)
    joined = next((each for each in lately(session, program) if each.entry_id == entry_id), None)
    if joined is None:
        raise StaleError
    steps = publishing.move_members(session, program, [(membership, None) for membership, _cohort in joined.places])
    acts.record(session, program, Act.TAKEN_OUT, steps, actor_id)
    return sorted(membership.person.name for membership, _cohort in joined.places)
