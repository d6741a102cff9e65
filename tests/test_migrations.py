"""The database can be brought up, and down again, on both kinds, and is then what the code expects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect

import config
from lti_tool import schema
from lti_tool.app import create_app
from lti_tool.database import Base, db
from tests.support import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app whose database holds nothing."""

    def made(url: str) -> Flask:
        values = {"database_url": url, "queue_url": f"sqlite:///{tmp_path / 'queue.db'}", "keys_dir": tmp_path}
        return create_app(config.Settings(**values).with_secrets())  # type: ignore[arg-type]  # checked by pydantic

    if request.param == "sqlite":
        app = made(f"sqlite:///{tmp_path / 'empty.db'}")
        with app.app_context():
            yield app
            db.engine.dispose()
        return
    with postgres.fresh_database(request.getfixturevalue("postgres_server")) as uri:
        app = made(uri)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


def test_an_empty_database_refuses_to_serve_and_says_what_to_run(empty_app: Flask) -> None:
    assert empty_app
    with pytest.raises(config.ConfigError, match="peerloop db upgrade"):
        schema.require_current()


def test_the_migrations_make_exactly_the_tables_that_the_code_expects(empty_app: Flask) -> None:
    assert empty_app
    schema.upgrade()
    schema.require_current()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_run_down_to_nothing_and_up_again(empty_app: Flask) -> None:
    assert empty_app
    schema.upgrade()
    flask_migrate.downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version", *QUEUE_TABLES}
    before, after = schema.upgrade()
    assert before is None
    assert after == schema.newest()


QUEUE_TABLES = {"huey_kv", "huey_schedule", "huey_task", "huey_counter"}
