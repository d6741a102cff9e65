"""The first page of each role: learner, facilitator, instructor, administrator."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
    from lti_tool.home import pages

    app.register_blueprint(pages.blueprint)
