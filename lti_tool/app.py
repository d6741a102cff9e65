"""The app factory: wires the rooms together and nothing else."""

from __future__ import annotations

from flask import Flask

import config
from lti_tool import audit as audit
from lti_tool import cohorts, database, gradebook, home, jobs, logs, meetings, programs, roster, web, work

ROOMS = (roster, programs, gradebook, cohorts, meetings, work, home)


def create_app(settings: config.Settings) -> Flask:
    """A Flask app with every room registered. `settings` must have its secrets (see `config.load`)."""
    app = Flask("lti_tool", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=2 * 1024 * 1024, MAX_FORM_PARTS=2_000)
    app.extensions["settings"] = settings
    database.register(app, settings.database_url)
    jobs.connect_queue(app, settings)
    logs.register(app)
    web.register(app)
    for room in ROOMS:
        room.register(app)
    return app
