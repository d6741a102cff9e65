"""The settings of the app that serves the present request, job or command."""

from __future__ import annotations

from flask import current_app

import config


def current() -> config.Settings:
    """The checked settings, secrets included."""
    settings: config.Settings = current_app.extensions["settings"]
    return settings
