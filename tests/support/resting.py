"""The time for which an LMS is left alone, ended at once."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask
from sqlalchemy import update

from lti_tool.database import db, transaction
from lti_tool.lti import wire
from lti_tool.lti.budget import Budget
from lti_tool.lti.tables import LtiPace
from tests.support import factories


def end_rests(app: Flask) -> None:
    """Let no LMS rest any more, neither by the database nor by what this process remembers."""
    with transaction() as session:
        session.execute(update(LtiPace).values(rests_until=factories.NOW))
    wire.current().budget.close()
    app.extensions["lti"] = replace(wire.current(), budget=Budget(db.engine))
