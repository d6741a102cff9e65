"""What the room of a session shows of feedback: whom one is asked about, and for facilitators how far it is."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.feedback import asking, concerns, exchange
from lti_tool.meetings.access import facilitates
from lti_tool.meetings.cards import Card, Moment
from lti_tool.roster.tables import Person


def learners_card(session: Session, moment: Moment) -> Card | None:
    """Once the practice is over: each partner, with a way to the questions, and what one has received."""
    meeting, me, now = moment.meeting, moment.visit.person_id, clock.now()
    if not (moment.practised or asking.is_over(meeting, now)):
        return None
    told = exchange.of_meeting(session, meeting, now)
    if told is None:
        return None
    asked = session.scalars(select(Person).where(Person.id.in_(told.asked(me))).order_by(Person.name, Person.id))
    given = {receiver for giver, receiver in told.rows if giver == me and told.rows[giver, receiver].given_at}
    return Card(
        "feedback/room_learner.html",
        {
            "asked": [(person, person.id in given) for person in asked],
            "received": len(told.shown_to(me)),
            "due_at": told.due_at,
            "is_over": told.is_over,
        },
    )


def facilitators_card(session: Session, moment: Moment) -> Card | None:
    """How many have given what they are asked for, who gets none, and whether something waits for the facilitator."""
    meeting, visit, now = moment.meeting, moment.visit, clock.now()
    told = exchange.of_meeting(session, meeting, now)
    if told is None or not told.partners or not (moment.practised or asking.is_over(meeting, now)):
        return None
    reads = facilitates(visit, meeting.id)
    written = concerns.of_meeting(session, meeting.id, visit.person_id) if reads else ()
    return Card(
        "feedback/room_facilitator.html",
        {
            "given": len(told.partners) - len(told.open),
            "all": len(told.partners),
            "without": len(asking.without(session, meeting, told.due_at, now)),
            "concerns": sum(1 for one in written if one.taken_up_at is None),
            "to_decide": sum(1 for row in told.rows.values() if row.waits_for_decision) if reads else 0,
        },
    )
