"""Platforms, courses, people, enrolments: what the LMS says about them, and when it was last asked."""

from __future__ import annotations

from flask import Flask

from lti_tool.roster import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
