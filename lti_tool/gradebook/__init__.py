"""Columns and cells: what the LMS should show, what it shows, and closing the gap."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from lti_tool import jobs, settings
from lti_tool.gradebook import closing, finishing, progress, reading
from lti_tool.gradebook import tables as tables
from lti_tool.gradebook.places import Budget


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.extensions["gradebook_budget"] = Budget()
    with app.app_context():
        sweep = timedelta(seconds=settings.current().gradebook_sweep_seconds)
    jobs.register(app, jobs.Job(progress.JOB, run, sweep))


def run() -> bool:
    """One unit of whatever is due: a program that has ended, a difference, a reading."""
    return finishing.finish_due() or closing.close_due() or reading.read_due()
