"""Reflections: a few lines that people write for themselves when they have practised, or when they were not there."""

from __future__ import annotations

from flask import Flask

from lti_tool.meetings.cards import Place, register_card
from lti_tool.meetings.measure import register_made_up
from lti_tool.reflections import pages, queries, room, staff_pages
from lti_tool.reflections import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages to `app`, its cards to the room of a session, and what makes up for an absence."""
    for blueprint in (pages.blueprint, staff_pages.blueprint):
        app.register_blueprint(blueprint)
    register_card(app, Place.LEARNER, room.learners_card)
    register_card(app, Place.FACILITATOR, room.facilitators_card)
    register_made_up(app, queries.weeks_written)
