"""Columns and cells: what the LMS should show, what it shows, and closing the gap."""

from __future__ import annotations

from flask import Flask

from lti_tool.gradebook import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
