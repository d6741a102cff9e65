"""Platforms, courses, people, enrolments: what the LMS says about them, and when it was last asked."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _

from lti_tool import jobs
from lti_tool.roster import pages, readings
from lti_tool.roster import tables as tables
from lti_tool.web import navigation


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.register_blueprint(pages.blueprint)
    navigation.add(app, navigation.Entry(50, _("People"), "roster.show", needs_program=False))
    jobs.register(app, jobs.Job(readings.JOB, readings.run, every=readings.SWEEP))
