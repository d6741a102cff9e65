"""INSERT … ON CONFLICT in the dialect of the session's database: SQLite and PostgreSQL spell it alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

Insert = sqlite.Insert | postgresql.Insert


def dialect_of(session: Session) -> str:
    """The name of the database's dialect."""
    return session.get_bind().dialect.name


def insert_into(dialect: str, table: Table) -> Insert:
    """An INSERT into `table` that knows `on_conflict_do_update`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def upsert(dialect: str, table: Table, keys: tuple[str, ...], changed: tuple[str, ...]) -> ReturningInsert[Any]:
    """An INSERT that takes `changed` over where the row with these `keys` is there already. Returns the row.

    Built once for each shape, since building it costs more than running it.
    """
    query = insert_into(dialect, table)
    changes = {name: query.excluded[name] for name in changed}
    return query.on_conflict_do_update(index_elements=keys, set_=changes).returning(*table.c)


@dataclass(frozen=True, slots=True)
class ManyTimes:
    """A statement that is compiled once and executed by the driver for many rows.

    SQLAlchemy's own way spends more on each row's parameters than the database on the row. Values reach the
    driver as they are, so only texts, numbers, booleans and None may be given.
    """

    sql: str
    names: tuple[str, ...]  # in the order of a driver's positional parameters; empty where they go by name

    @classmethod
    def compiled(cls, statement: Insert, dialect: Dialect, names: Sequence[str]) -> ManyTimes:
        """`names` are the keys of each row and the statement's only parameters."""
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        order = tuple(compiled.positiontup or ())
        return cls(str(compiled), order)

    def execute(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of `rows`."""
        given: Any = list(map(itemgetter(*self.names), rows)) if self.names else rows
        session.connection().exec_driver_sql(self.sql, given)
