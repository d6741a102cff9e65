"""Fixtures that every test may use: settings, an app on SQLite or PostgreSQL, people in a course."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect

import config
from lti_tool.app import create_app
from lti_tool.database import db
from lti_tool.lti import wire
from tests.support import postgres

pytest_plugins = (
    "tests.support.browser",
    "tests.support.demonstration",
    "tests.support.moments",
    "tests.support.product",
    "tests.support.remembered",
    "tests.support.sharing",
)

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL server of this test run."""
    with postgres.running_server(tmp_path_factory.mktemp("postgres")) as uri:
        yield uri


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str) -> Iterator[str]:
    """The URI of a database that has every table and no row, to make others from."""
    with postgres.fresh_database(postgres_server) as uri:
        _create_tables(uri.replace("postgresql://", "postgresql+psycopg://"))
        yield uri


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database that has every table and no row, to be copied: a copy is made faster than tables."""
    file = tmp_path_factory.mktemp("tables") / "peerloop.db"
    _create_tables(f"sqlite:///{file}")
    return file


def _create_tables(database_url: str) -> None:
    engine = create_engine(database_url)
    db.metadata.create_all(engine)
    engine.dispose()


@pytest.fixture
def make_app(tmp_path: Path, sqlite_tables: Path) -> Iterator[MakeApp]:
    """Make apps on a database of their own; other settings may be given by name."""
    made: list[Flask] = []
    shutil.copy(sqlite_tables, tmp_path / "peerloop.db")

    def make(**values: object) -> Flask:
        chosen = {
            "database_url": f"sqlite:///{tmp_path / 'peerloop.db'}",
            "queue_url": f"sqlite:///{tmp_path / 'queue.db'}",
            "keys_dir": tmp_path / "keys",
            "files_dir": tmp_path / "files",
            "allow_private_platforms": True,
        } | values
        app = create_app(config.Settings(**chosen).with_secrets())  # type: ignore[arg-type]  # checked by pydantic
        app.testing = True
        with app.app_context():
            if not inspect(db.engine).has_table("lti_registration"):  # a queue may have its own tables there already
                db.create_all()
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            wire.current().close()
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def app(make_app: MakeApp) -> Iterator[Flask]:
    """An app on SQLite, with its context pushed."""
    app = make_app()
    with app.app_context():
        yield app


@pytest.fixture(params=["sqlite", "postgresql"])
def any_app(request: pytest.FixtureRequest, make_app: MakeApp) -> Iterator[Flask]:
    """An app on SQLite, then the same on PostgreSQL, with its context pushed."""
    if request.param == "sqlite":
        app = make_app()
        with app.app_context():
            yield app
        return
    server, tables = (request.getfixturevalue(name) for name in ("postgres_server", "postgres_tables"))
    with postgres.fresh_database(server, tables) as uri:
        app = make_app(database_url=uri)
        with app.app_context():
            yield app
            wire.current().close()
            db.session.remove()
            db.engine.dispose()
