"""Peer sessions (people read "session"): schedule, script, attendance, pairs."""

from __future__ import annotations

from flask import Flask

from lti_tool.meetings import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
