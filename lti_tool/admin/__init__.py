"""What administrators and operators see: whether each LMS and Peerloop work together, and what to do if not."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _

from lti_tool import jobs
from lti_tool.admin import checking, connection, metrics, operating
from lti_tool.admin import entering as entering
from lti_tool.admin import inviting as inviting
from lti_tool.admin import tables as tables
from lti_tool.web import navigation


def register(app: Flask) -> None:
    """Add this room's pages and jobs to `app`."""
    app.register_blueprint(connection.blueprint)
    app.register_blueprint(operating.blueprint)
    app.register_blueprint(metrics.blueprint)
    navigation.add(app, navigation.Entry(90, _("LMS connection"), "connection.show", needs_program=False))
    jobs.register(app, jobs.Job(checking.JOB, checking.run, every=checking.SWEEP))
