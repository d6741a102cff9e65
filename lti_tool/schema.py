"""The database's version: bring it up to date, or refuse to start on another one."""

from __future__ import annotations

import flask_migrate
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import config
from lti_tool.database import MIGRATIONS, db


def current() -> str | None:
    """The revision that the database is at; None when it is empty."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision that this code is written for."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(settings).get_current_head()
    if head is None:
        raise config.ConfigError(f"no migrations in {MIGRATIONS}")
    return head


def upgrade() -> tuple[str | None, str]:
    """Run what is missing. Returns the revision before and after."""
    before = current()
    flask_migrate.upgrade()
    return before, newest()


def require_current() -> None:
    """Raise ConfigError unless the database fits this code."""
    found, wanted = current(), newest()
    if found != wanted:
        url = db.engine.url.render_as_string(hide_password=True)
        state = f"at {found}" if found else "empty"
        raise config.ConfigError(
            f"the database {url} is {state}, this code needs {wanted}: run `peerloop db upgrade`, or name another "
            "database by PEERLOOP_DATABASE_URL"
        )
