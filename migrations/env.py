"""Alembic's environment: run migrations on the database of the current app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from lti_tool.database import Base, UtcDateTime, db, write_intent


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Write our types as the plain ones they are stored as, so that old migrations need no code of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


@contextmanager
def rows_that_stay(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew; what refers to its rows must not go with the old one."""
    driver = connection.connection.driver_connection
    if driver is None or connection.dialect.name != "sqlite":
        yield
        return
    driver.execute("PRAGMA foreign_keys=OFF")  # heard between transactions only
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def refuse_lost_rows(connection: Connection) -> None:
    """Raises, so that the transaction is rolled back, when a row refers to one that is not there."""
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if lost:
            raise RuntimeError(f"these rows refer to none (table, row, table referred to): {lost[:10]}")


with write_intent(), db.engine.connect() as connection, rows_that_stay(connection):
    options = current_app.extensions["migrate"].configure_args
    context.configure(connection=connection, target_metadata=Base.metadata, render_item=render_item, **options)
    with context.begin_transaction():
        context.run_migrations()
        refuse_lost_rows(connection)
