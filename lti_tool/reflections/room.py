"""What the room of a session shows of reflections: a place for one's own lines, and how many have written some."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.meetings.access import facilitates
from lti_tool.meetings.cards import Card, Moment
from lti_tool.meetings.tables import Meeting
from lti_tool.reflections import queries, rules


def form_fields(session: Session, meeting: Meeting, person_id: int) -> dict[str, Any]:
    """What the form shows."""
    row = queries.own(session, meeting.id, person_id)
    return {
        "meeting": meeting,
        "written": row is not None,
        "text": row.text if row else "",
        "draft": f"reflection-{person_id}-{meeting.id}",
        "longest": rules.LONGEST_TEXT,
        "errors": {},
    }


def learners_card(session: Session, moment: Moment) -> Card | None:
    """Once the practice is over: one's own lines."""
    meeting = moment.meeting
    if not (moment.practised or clock.now() >= meeting.ends_at or meeting.closed_at is not None):
        return None
    me = moment.visit.person_id
    shown = {
        "form": form_fields(session, meeting, me),
        "away": queries.is_away(session, meeting, me),
        "is_on": meeting.closed_at is None,
    }
    return Card("reflections/room_learner.html", shown)


def facilitators_card(session: Session, moment: Moment) -> Card | None:
    """How many have written something; and for whoever may read it, the way to it."""
    meeting = moment.meeting
    written, away = queries.of_meeting(session, meeting.id), queries.away_from(session, meeting)
    if not written and not away:
        return None
    shown = {
        "written": len(written),
        "people": len(moment.people),
        "away": len(away),
        "caught_up": sum(1 for _person, caught_up in away if caught_up),
        "may_read": facilitates(moment.visit, meeting.id),
    }
    return Card("reflections/room_facilitator.html", shown)
