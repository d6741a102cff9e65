"""Peer sessions (people read "session"): schedule, script, attendance, pairs."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Flask
from flask_babel import lazy_gettext

from lti_tool import jobs
from lti_tool.cohorts.signals import cohort_hour_changed, cohorts_published, members_changed
from lti_tool.gradebook.progress import register_measure
from lti_tool.meetings import (
    access,
    learner_pages,
    measure,
    overview,
    pages,
    pairing_pages,
    pairs,
    planning,
    room_view,
    screen,
)
from lti_tool.meetings import tables as tables
from lti_tool.programs.schedule import register_schedule
from lti_tool.web import gate, navigation


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    for blueprint in (pages.blueprint, pairing_pages.blueprint, learner_pages.blueprint, screen.blueprint):
        app.register_blueprint(blueprint)
    app.jinja_env.filters.update(clock_time=room_view.told, time_of_day=room_view.time_of_day, zone=ZoneInfo)
    navigation.add(app, navigation.Entry(20, lazy_gettext("Sessions"), "meetings.sessions"))
    gate.facilitated_by(app, "meeting_id", access.facilitates)
    register_measure(app, measure.SESSIONS)
    register_schedule(app, overview.schedule, overview.held_since)
    jobs.register(app, jobs.Job(pairs.JOB, pairs.plan_stale, every=timedelta(minutes=1)))
    members_changed.connect(pairs.plan_soon)
    cohorts_published.connect(planning.plan_meetings)
    cohort_hour_changed.connect(planning.follow_hour)
