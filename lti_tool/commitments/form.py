"""The form in which a commitment is written down, as it is shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import get_timezone
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.commitments import rules
from lti_tool.meetings import pairs
from lti_tool.meetings.tables import Meeting

ALONE = timedelta(days=6)  # by when, where no further session follows


def form_fields(session: Session, meeting: Meeting, person_id: int) -> dict[str, Any]:
    """What the form shows: what is stored, else a day before the next session and the partner as witness."""
    commitment = rules.own(session, meeting.id, person_id)
    partners = [person.id for person in pairs.partners(session, meeting.id, person_id)]
    day = commitment.due_at if commitment else _before_next(session, meeting)
    witness_id = commitment.witness_id if commitment else next(iter(partners), None)
    people = rules.witnesses(session, meeting, person_id)
    return {
        "meeting": meeting,
        "commitment": commitment,
        "text": commitment.text if commitment else "",
        "day": day.astimezone(get_timezone()).date().isoformat(),
        "witness": str(witness_id) if witness_id else rules.FACILITATOR,
        "witnesses": [
            *((str(person.id), person.name) for person in sorted(people, key=lambda one: one.id not in partners)),
            (rules.FACILITATOR, _("your facilitator")),
        ],
        "draft": f"commitment-{person_id}-{meeting.id}",
        "longest": rules.LONGEST_TEXT,
        "errors": {},
    }


def _before_next(session: Session, meeting: Meeting) -> datetime:
    later = select(Meeting.starts_at).where(
        Meeting.cohort_id == meeting.cohort_id, Meeting.starts_at > meeting.starts_at
    )
    following = session.scalar(later.order_by(Meeting.starts_at).limit(1))
    return max(clock.now(), following - timedelta(days=1)) if following else clock.now() + ALONE
