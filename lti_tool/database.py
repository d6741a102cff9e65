"""The database as every room uses it: one base class, one type for times, one way to write.

A request or job that changes something runs inside one transaction, opened in one place (`transaction()`
for jobs and commands, the gate of `web/` for pages). On SQLite a writer takes the write lock when it begins
(`BEGIN IMMEDIATE`): a reader that turns into a writer half-way would be refused at once instead of waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Dialect, Engine, Index, MetaData, event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from lti_tool import clock

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

_writing: ContextVar[bool] = ContextVar("writing", default=False)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. A naive one is a programming error and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: times are stored in UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The parent of every table. Constraint names are fixed so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime()}


def unique_where(name: str, *columns: str, condition: str) -> Index:
    """A unique index over the rows for which `condition` (SQL) holds: at most one current key, one open reading."""
    return Index(name, *columns, unique=True, sqlite_where=text(condition), postgresql_where=text(condition))


# Tables inherit from `Base` rather than `db.Model`: typed, and usable without Flask (in migrations, say).
db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate(directory=str(MIGRATIONS), render_as_batch=True, compare_type=True)


def register(app: Flask, url: str) -> None:
    """Connect `app` to the database at `url` (SQLAlchemy form)."""
    parsed = make_url(url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000}}
    else:
        options = {"pool_pre_ping": True}
    # Errors are logged, and names and e-mail addresses must not be: they are parameters.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True, **options}
    db.init_app(app)
    migrate.init_app(app, db)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy, not the driver, says when a transaction begins
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.connection.cursor().execute("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


@contextmanager
def write_intent() -> Iterator[None]:
    """Transactions that begin inside take the write lock at once (SQLite only; elsewhere nothing changes)."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


@contextmanager
def transaction() -> Iterator[Session]:
    """One write transaction: committed at the end, rolled back on any error.

    Whatever this context has read before is let go first, so never nest it and never hold it during a call
    to an LMS.
    """
    session: Session = db.session()
    session.rollback()
    with write_intent():
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A short write transaction beside the session, from any thread and without an app context.

    Not while the same thread holds a `transaction()`: on SQLite the two would wait for each other.
    """
    with write_intent(), engine.begin() as connection:
        yield connection


def server_time(connection: Connection) -> datetime:
    """This instant by the clock that all processes share: machines' own clocks may differ by minutes."""
    if connection.dialect.name != "postgresql":
        return clock.wall()
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def after_commit(session: Session, key: object, action: Callable[[], None]) -> None:
    """Run `action` once when the present transaction has been committed; drop it if it is rolled back."""
    session.info.setdefault("after_commit", {})[key] = action


@event.listens_for(Session, "after_commit")
def _run_actions(session: Session) -> None:
    for action in session.info.pop("after_commit", {}).values():
        action()


@event.listens_for(Session, "after_soft_rollback")
def _drop_actions(session: Session, _previous: Any) -> None:
    session.info.pop("after_commit", None)
