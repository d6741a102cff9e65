"""The 90-day plan of a course: its template, its modules, the script of each session."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext

from lti_tool.programs import pages, script_pages
from lti_tool.programs import tables as tables
from lti_tool.web import navigation


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(script_pages.blueprint)
    navigation.add(app, navigation.Entry(30, lazy_gettext("Plan"), "programs.plan"))
