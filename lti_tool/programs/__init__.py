"""The 90-day plan of a course: its template, its modules, the script of each session."""

from __future__ import annotations

from flask import Flask

from lti_tool.programs import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
