"""What the links in a course open: chosen by deep linking, asked once, named by a review, or found in a copy."""

from __future__ import annotations

from flask import Flask

from lti_tool.links import choosing_pages, week_pages
from lti_tool.links import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages to `app`."""
    app.register_blueprint(choosing_pages.blueprint)
    app.register_blueprint(week_pages.blueprint)
