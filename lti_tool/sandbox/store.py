"""The sandbox's own database: one SQLite file, many reading threads, one writer at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
  sub TEXT PRIMARY KEY, name TEXT NOT NULL, given_name TEXT NOT NULL, family_name TEXT NOT NULL, email TEXT,
  locale TEXT NOT NULL, tz TEXT NOT NULL, test_user INTEGER NOT NULL DEFAULT 0,
  admin INTEGER NOT NULL DEFAULT 0,
  department TEXT, site TEXT, experience REAL);
CREATE TABLE IF NOT EXISTS courses (id TEXT PRIMARY KEY, label TEXT NOT NULL, title TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS enrolments (
  course_id TEXT NOT NULL REFERENCES courses, sub TEXT NOT NULL REFERENCES people,
  role TEXT NOT NULL CHECK (role IN ('learner', 'instructor', 'ta', 'mentor')),
  active INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (course_id, sub));
CREATE TABLE IF NOT EXISTS group_sets (
  id TEXT PRIMARY KEY, course_id TEXT NOT NULL REFERENCES courses, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS course_groups (
  id INTEGER PRIMARY KEY, course_id TEXT NOT NULL REFERENCES courses, name TEXT NOT NULL,
  set_id TEXT REFERENCES group_sets);
CREATE TABLE IF NOT EXISTS group_members (
  group_id INTEGER NOT NULL REFERENCES course_groups, sub TEXT NOT NULL REFERENCES people,
  PRIMARY KEY (group_id, sub)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tools (
  id INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, deployment_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, login_url TEXT NOT NULL, redirect_uris TEXT NOT NULL, target_link_uri TEXT NOT NULL,
  jwks_url TEXT NOT NULL, privacy TEXT NOT NULL DEFAULT 'public', known_only INTEGER NOT NULL DEFAULT 0,
  asked_scopes TEXT); -- those that a tool asked for when it registered itself; NULL for all of them
CREATE TABLE IF NOT EXISTS arrivals (
  tool_id INTEGER NOT NULL REFERENCES tools, sub TEXT NOT NULL REFERENCES people,
  PRIMARY KEY (tool_id, sub)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS registration_tokens (
  hash TEXT PRIMARY KEY, expires_at REAL NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS links (
  id TEXT PRIMARY KEY, course_id TEXT NOT NULL REFERENCES courses, tool_id INTEGER NOT NULL REFERENCES tools,
  title TEXT NOT NULL, custom TEXT NOT NULL, position INTEGER NOT NULL, url TEXT, dates TEXT);
CREATE TABLE IF NOT EXISTS origins (id TEXT PRIMARY KEY, origin_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deep_linking (
  id TEXT PRIMARY KEY, course_id TEXT NOT NULL REFERENCES courses, tool_id INTEGER NOT NULL REFERENCES tools,
  sub TEXT NOT NULL REFERENCES people, settings TEXT NOT NULL, answered INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS hints (
  hint TEXT PRIMARY KEY, sub TEXT NOT NULL, tool_id INTEGER NOT NULL, link_id TEXT,
  document_target TEXT NOT NULL, expires_at REAL NOT NULL, message TEXT);
CREATE TABLE IF NOT EXISTS assertions (
  client_id TEXT NOT NULL, jti TEXT NOT NULL, PRIMARY KEY (client_id, jti)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS access_tokens (
  hash TEXT PRIMARY KEY, tool_id INTEGER NOT NULL REFERENCES tools,
  scopes TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS line_items (
  id INTEGER PRIMARY KEY AUTOINCREMENT, course_id TEXT NOT NULL REFERENCES courses,
  tool_id INTEGER REFERENCES tools, label TEXT NOT NULL,
  score_maximum REAL NOT NULL CHECK (score_maximum > 0),
  resource_id TEXT, tag TEXT,
  link_id TEXT REFERENCES links, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grades (
  item_id INTEGER NOT NULL REFERENCES line_items ON DELETE CASCADE, sub TEXT NOT NULL REFERENCES people,
  score REAL, comment TEXT, activity_progress TEXT, grading_progress TEXT, submission TEXT, scoring_sub TEXT,
  tool_timestamp INTEGER, attempts INTEGER NOT NULL DEFAULT 0, work_url TEXT,
  overridden_by TEXT REFERENCES people, overridden_at TEXT,
  PRIMARY KEY (item_id, sub));
CREATE TABLE IF NOT EXISTS overrides (
  id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL, sub TEXT NOT NULL, by_sub TEXT NOT NULL, at TEXT NOT NULL,
  score_before REAL, score_after REAL, comment_before TEXT, comment_after TEXT);
CREATE TABLE IF NOT EXISTS score_log (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, item_id INTEGER NOT NULL, sub TEXT, payload TEXT NOT NULL,
  status INTEGER NOT NULL, answer TEXT NOT NULL);
"""


class Store:
    """Connections are one per thread; a lock queues writers so that none waits on SQLite's busy timer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._writing = threading.Lock()
        self._connection().executescript(SCHEMA)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._connection().execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection().execute(sql, values).fetchone()
        return found

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block is kept, or nothing is."""
        connection = self._connection()
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
