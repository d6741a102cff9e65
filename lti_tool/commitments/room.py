"""What the room of a session shows of commitments: at its beginning those of last time, at its end the new ones."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lti_tool.commitments import queries, rules
from lti_tool.commitments.form import form_fields
from lti_tool.meetings.access import facilitates
from lti_tool.meetings.cards import Card, Moment


def learners_card(session: Session, moment: Moment) -> Card:
    """One's own of last time and those that one has seen; once the practice is over, the next one to write down."""
    meeting, me = moment.meeting, moment.visit.person_id
    before = queries.from_last_time(session, meeting, [person.id for person in moment.people])
    ends = moment.practised or meeting.closed_at is not None
    return Card(
        "commitments/room_learner.html",
        {
            "own": next((one for one in before if one.person_id == me), None),
            "witnessed": [one for one in before if one.witness_id == me],
            "form": form_fields(session, meeting, me) if ends else None,
            "written": rules.own(session, meeting.id, me),
        },
    )


def facilitators_card(session: Session, moment: Moment) -> Card:
    """Those of last time for the opening, and how many have written a new one down.

    Whoever does not facilitate this cohort sees no words of it.
    """
    meeting = moment.meeting
    return Card(
        "commitments/room_facilitator.html",
        {
            "before": queries.from_last_time(session, meeting, [person.id for person in moment.people]),
            "may_read": facilitates(moment.visit, meeting.id),
            "written": len(queries.of_meeting(session, meeting)),
            "people": len(moment.people),
        },
    )
