"""What every page shares: layout, components, visits, the gate before each route, headers, words."""

from __future__ import annotations

from flask import Flask

from lti_tool import clock
from lti_tool.web import errors, face, gallery, gate, headers, health, incidents, navigation, notices, words


def register(app: Flask) -> None:
    """Add to `app` what every page shares. Must come before the rooms."""
    words.register(app)
    face.register(app, now=lambda: clock.now())
    gate.register(app)
    headers.register(app)
    errors.register(app)
    incidents.register(app)
    health.register(app)
    navigation.register(app)
    notices.register(app)
    if app.debug:
        gallery.register(app)
