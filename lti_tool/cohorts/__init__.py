"""Who learns together: rules, proposals, published cohorts, facilitators."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext

from lti_tool import jobs
from lti_tool.cohorts import cohort_pages as cohort_pages
from lti_tool.cohorts import draft_pages as draft_pages
from lti_tool.cohorts import explaining, facilitating, pages, publishing, searching, usual
from lti_tool.cohorts import file_pages as file_pages
from lti_tool.cohorts import hour_pages as hour_pages
from lti_tool.cohorts import reason_pages as reason_pages
from lti_tool.cohorts import reform_pages as reform_pages
from lti_tool.cohorts import tables as tables
from lti_tool.roster.signals import roster_read
from lti_tool.web import gate, navigation


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.register_blueprint(pages.blueprint)
    navigation.usual_program(app, usual.name_of_program)
    navigation.add(app, navigation.Entry(10, lazy_gettext("Cohorts"), "cohorts.index"))
    gate.facilitated_by(app, "cohort_id", facilitating.facilitates)
    jobs.register(app, jobs.Job(searching.JOB, searching.run, searching.SWEEP))
    jobs.register(app, jobs.Job(explaining.JOB, explaining.run, explaining.SWEEP))
    roster_read.connect(publishing.follow_roster)
