"""Micro-assignments: handed in by a learner, confirmed by the partner."""

from __future__ import annotations

from flask import Flask

from lti_tool.work import tables as tables


def register(app: Flask) -> None:
    """Add this room's pages, commands and jobs to `app`."""
