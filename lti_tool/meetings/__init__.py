"""Peer sessions (people read "session"): schedule, script, attendance, pairs."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext

from lti_tool import jobs
from lti_tool.cohorts.signals import cohorts_published, members_changed
from lti_tool.gradebook.progress import register_measure
from lti_tool.meetings import access, measure, overview, pages, pairs, planning
from lti_tool.meetings import tables as tables
from lti_tool.programs.schedule import register_schedule
from lti_tool.web import gate, navigation


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.register_blueprint(pages.blueprint)
    navigation.add(app, navigation.Entry(20, lazy_gettext("Sessions"), "meetings.sessions"))
    gate.facilitated_by(app, "meeting_id", access.facilitates)
    register_measure(app, measure.SESSIONS)
    register_schedule(app, overview.schedule)
    jobs.register(app, jobs.Job(pairs.JOB, pairs.plan_stale, every=timedelta(minutes=1)))
    members_changed.connect(pairs.plan_soon)
    cohorts_published.connect(planning.plan_meetings)
