"""What the links in a course open: chosen by deep linking, asked once, named by a review, or found in a copy."""

from __future__ import annotations

from flask import Flask

from lti_tool.links import asking_pages, choosing_pages, copy_pages, review_pages, week_pages
from lti_tool.links import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages to `app`."""
    for pages in (choosing_pages, week_pages, review_pages, asking_pages, copy_pages):
        app.register_blueprint(pages.blueprint)
