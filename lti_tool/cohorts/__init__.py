"""Who learns together: rules, proposals, published cohorts, facilitators."""

from __future__ import annotations

from flask import Flask

from lti_tool.cohorts import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
