"""Columns and cells: what the LMS should show, what it shows, and closing the gap."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_babel import force_locale, lazy_gettext

from lti_tool import jobs, settings
from lti_tool.gradebook import closing, finishing, pages, progress, reading
from lti_tool.gradebook import tables as tables
from lti_tool.web import navigation
from lti_tool.web.navigation import Entry


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.register_blueprint(pages.blueprint)
    navigation.add(app, Entry(40, lazy_gettext("Gradebook"), "gradebook.show"))
    with app.app_context():
        sweep = timedelta(seconds=settings.current().gradebook_sweep_seconds)
    jobs.register(app, jobs.Job(progress.JOB, run, sweep))


def run() -> bool:
    """One unit of whatever is due: a program that has ended, a difference, a reading."""
    with force_locale(progress.LOCALE):
        return finishing.finish_due() or closing.close_due() or reading.read_due()
