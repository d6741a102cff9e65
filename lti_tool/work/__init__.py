"""Micro-assignments: handed in by a learner, confirmed by the partner."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from lti_tool import jobs
from lti_tool.gradebook.progress import register_measure
from lti_tool.meetings.signals import meeting_moved, meetings_planned
from lti_tool.web import gate
from lti_tool.work import access, asking_pages, files, measure, schedule, words
from lti_tool.work import pages as pages
from lti_tool.work import staff_pages as staff_pages
from lti_tool.work import tables as tables
from lti_tool.work.blueprint import blueprint


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.register_blueprint(blueprint)
    app.register_blueprint(asking_pages.blueprint)
    app.jinja_env.globals.update(hand_in_state=words.state)
    gate.facilitated_by(app, "assignment_id", access.facilitates_assignment)
    register_measure(app, measure.ASSIGNMENTS)
    jobs.register(app, jobs.Job("work", schedule.lapse_next, every=timedelta(minutes=1)))
    jobs.register(app, jobs.Job("files", files.sweep, every=timedelta(hours=1)))
    meetings_planned.connect(schedule.plan_assignments)
    meeting_moved.connect(schedule.move_assignment)
