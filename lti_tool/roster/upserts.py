"""INSERT … ON CONFLICT in the dialect of the session's database: SQLite and PostgreSQL spell it alike."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

Insert = sqlite.Insert | postgresql.Insert


def insert_into(session: Session, table: Table) -> Insert:
    """An INSERT into `table` that knows `on_conflict_do_update`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
