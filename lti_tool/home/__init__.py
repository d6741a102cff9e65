"""The first page of each role: learner, facilitator, instructor, administrator."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _

from lti_tool.home import pages
from lti_tool.web import navigation
from lti_tool.web.navigation import Entry


def register(app: Flask) -> None:
    """Add this room's pages to `app`."""
    app.register_blueprint(pages.blueprint)
    navigation.person_page(app, "home.person")
    navigation.add(app, Entry(order=0, label=_("Board"), endpoint="home.board"))
