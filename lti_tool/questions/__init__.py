"""What learners say about themselves: goal, experience, languages, free hours, and with whom they would learn."""

from __future__ import annotations

from flask import Flask

from lti_tool.questions import pages
from lti_tool.questions import staff_pages as staff_pages
from lti_tool.questions import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages to `app`."""
    app.register_blueprint(pages.blueprint)
