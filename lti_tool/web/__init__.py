"""What every page shares: layout, components, visits, the gate before each route, headers, words."""

from __future__ import annotations

from flask import Flask

from lti_tool.web import gate, headers, navigation, words


def register(app: Flask) -> None:
    """Add to `app` what every page shares. Must come before the rooms."""
    words.register(app)
    gate.register(app)
    headers.register(app)
    navigation.register(app)
