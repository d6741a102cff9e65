"""Alembic's environment: run migrations on the database of the current app."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

from lti_tool.database import Base, UtcDateTime, db, write_intent


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Write our types as the plain ones they are stored as, so that old migrations need no code of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


with write_intent(), db.engine.connect() as connection:
    options = current_app.extensions["migrate"].configure_args
    context.configure(connection=connection, target_metadata=Base.metadata, render_item=render_item, **options)
    with context.begin_transaction():
        context.run_migrations()
