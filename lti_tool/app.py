"""The app factory: wires the rooms together and nothing else."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from lti_tool import (
    admin,
    cohorts,
    commitments,
    database,
    feedback,
    gradebook,
    home,
    jobs,
    links,
    logs,
    meetings,
    programs,
    questions,
    reflections,
    roster,
    web,
    work,
)
from lti_tool import audit as audit
from lti_tool.home.arrival import arrive
from lti_tool.lti import blueprint as wire_blueprint
from lti_tool.lti.blueprint import OnLaunch

ROOMS = (
    roster,
    admin,
    programs,
    gradebook,
    questions,
    cohorts,
    meetings,
    work,
    commitments,
    feedback,
    reflections,
    links,
    home,
)
LONGEST_FORM = 2 * 1024 * 1024  # bytes; a file of attributes may be half of it


def create_app(settings: config.Settings, *, on_launch: OnLaunch = arrive) -> Flask:
    """A Flask app with every room registered. `settings` must have its secrets (see `config.load`)."""
    app = Flask("lti_tool", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LONGEST_FORM, MAX_FORM_MEMORY_SIZE=LONGEST_FORM, MAX_FORM_PARTS=2_000)
    app.extensions["settings"] = settings
    database.register(app, settings.database_url)
    jobs.connect_queue(app, settings)
    logs.register(app)
    if settings.trusted_proxies:
        # Only the client's address: everything else about this tool's own address is a setting.
        app.wsgi_app = ProxyFix(app.wsgi_app, settings.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    web.register(app)
    wire_blueprint.register(app, on_launch)
    for room in ROOMS:
        room.register(app)
    return app
