"""Peer feedback: what partners tell each other after they have practised, and what only a facilitator reads."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from lti_tool import jobs
from lti_tool.feedback import measure, pages, room, schedule, staff_pages
from lti_tool.feedback import tables as tables
from lti_tool.gradebook.progress import register_measure
from lti_tool.meetings.cards import Place, register_card
from lti_tool.meetings.signals import meeting_closed, meeting_moved, meetings_planned


def register(app: Flask) -> None:
    """Add this room's pages and jobs to `app`, and its cards to the room of a session."""
    for blueprint in (pages.blueprint, staff_pages.blueprint):
        app.register_blueprint(blueprint)
    register_card(app, Place.LEARNER, room.learners_card)
    register_card(app, Place.FACILITATOR, room.facilitators_card)
    register_measure(app, measure.FEEDBACK)
    jobs.register(app, jobs.Job("feedback", schedule.lapse_next, every=timedelta(minutes=1)))
    meetings_planned.connect(schedule.plan_rounds)
    meeting_moved.connect(schedule.follow_move)
    meeting_closed.connect(schedule.allow_a_day)
