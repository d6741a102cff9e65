"""What was corrected in a session's attendance: who changed what, from the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool.audit import AuditEntry
from lti_tool.roster.tables import Person

MOST = 50


@dataclass(frozen=True, slots=True)
class Correction:
    """One mark that replaced another. `after` is None when it was taken back, `by` None when Peerloop did it."""

    at: datetime
    by: str | None
    of: str
    before: str
    after: str | None


def corrections(session: Session, meeting_id: int, names: Mapping[int, str]) -> list[Correction]:
    """The last corrections of a session, the newest first. `names` are those of its people, by id."""
    query = (
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.actor_id)
        .where(AuditEntry.subject == "meeting", AuditEntry.subject_id == meeting_id)
        .where(AuditEntry.action.in_(("attendance marked", "attendance unmarked")))
        .order_by(AuditEntry.id.desc())
        .limit(MOST)
    )
    return [
        Correction(entry.at, by, names[int(person_id)], before, entry.after.get(person_id))
        for entry, by in session.execute(query)
        for person_id, before in entry.before.items()
        if before is not None and int(person_id) in names
    ]
