"""What the room of a session shows of commitments: at its beginning those of last time, at its end the new ones."""

from __future__ import annotations

from collections import Counter

from sqlalchemy.orm import Session

from lti_tool.commitments import queries
from lti_tool.commitments.form import form_fields
from lti_tool.commitments.tables import Commitment
from lti_tool.meetings.access import facilitated
from lti_tool.meetings.cards import Card, Moment


def learners_card(session: Session, moment: Moment) -> Card:
    """One's own of last time and those that one has seen; once the practice is over, the next one to write down."""
    meeting, me = moment.meeting, moment.visit.person_id
    before = queries.from_last_time(session, meeting, [person.id for person in moment.people])
    ends = moment.practised or meeting.closed_at is not None
    return Card(
        "commitments/room_learner.html",
        {
            "own": [one for one in before if one.person_id == me],
            "witnessed": [one for one in before if one.witness_id == me],
            "form": form_fields(session, meeting, me) if ends else None,
        },
    )


def facilitators_card(session: Session, moment: Moment) -> Card:
    """Those of last time for the opening, and how many have written a new one down.

    The words are for the facilitators of the cohort in which they were written: whoever came from another one since
    is counted alone.
    """
    meeting, visit = moment.meeting, moment.visit
    before = queries.from_last_time(session, meeting, [person.id for person in moment.people])
    mine = facilitated(visit, {one.meeting_id for one in before})
    read = [one for one in before if one.meeting_id in mine]
    return Card(
        "commitments/room_facilitator.html",
        {
            "before": before,
            "read": read,
            "to_confirm": Counter(one.meeting_id for one in read if _waits_for(one, visit.person_id)),
            "written": len(queries.of_meeting(session, meeting)),
            "people": len(moment.people),
        },
    )


def _waits_for(one: Commitment, facilitator_id: int) -> bool:
    return one.waits_for_witness and one.witness_id is None and one.person_id != facilitator_id
