"""Commitments: what people take on at the end of a session, seen by a witness, asked for at the next one."""

from __future__ import annotations

from flask import Flask

from lti_tool.commitments import measure, pages, room
from lti_tool.commitments import tables as tables
from lti_tool.gradebook.progress import register_measure
from lti_tool.meetings.cards import Place, register_card


def register(app: Flask) -> None:
    """Add this room's pages to `app`, and its cards to the room of a session."""
    app.register_blueprint(pages.blueprint)
    register_card(app, Place.LEARNER, room.learners_card)
    register_card(app, Place.FACILITATOR, room.facilitators_card)
    register_measure(app, measure.COMMITMENTS)
