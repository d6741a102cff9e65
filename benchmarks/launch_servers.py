"""The servers that `benchmarks.launches` measures: WSGI factories, each run by one granian worker.

All three keep the platform's keys for two hours, answer the same two addresses, and have the same threads.
"""

# mypy: disable-error-code="attr-defined,no-untyped-call"
# The library's Flask classes have no types.

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, redirect
from flask.typing import ResponseReturnValue
from pylti1p3.contrib.flask import FlaskCacheDataStorage, FlaskMessageLaunch, FlaskOIDCLogin, FlaskRequest
from pylti1p3.tool_config import ToolConfDict
from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, func, insert, select
from sqlalchemy.dialects import sqlite

import config
from lti_tool import logs
from lti_tool.app import create_app
from lti_tool.database import BUSY_TIMEOUT_MS, Base, db, transaction
from lti_tool.lti import registrations

PLATFORMS = "BENCHMARK_PLATFORMS"  # a JSON list of what `ours` registers; the library with rows knows the first alone
MANY = 20_000
CPU = "/cpu"
KEYS_KEPT_SECONDS = 7200
LTI = "https://purl.imsglobal.org/spec/lti/claim/"

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def metered(app: Flask) -> Wsgi:
    """`app`, and one more address that tells the seconds of CPU that this process has used."""

    def wrapped(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != CPU:
            return app(environ, start)
        start("200 OK", [("Content-Type", "text/plain")])
        return [str(time.process_time()).encode()]

    return wrapped


def ours() -> Wsgi:
    """Peerloop as it is served, with the platforms registered."""
    return _ours(others=0)


def ours_among_many() -> Wsgi:
    """The same with MANY more platforms in the database, half of them under the issuer of the first one."""
    return _ours(others=MANY)


def _ours(others: int) -> Wsgi:
    settings = config.load()
    logs.configure(settings)
    app = create_app(settings)
    with app.app_context():
        db.create_all()
        _register_others(others // 2)
        for platform in _platforms():
            with transaction() as session:
                registrations.add(session, name="Benchmark", deployment_ids=["deployment-1"], **platform)
        _register_others(others - others // 2)
        db.session.remove()
    return metered(app)


def _platforms() -> list[dict[str, Any]]:
    platforms: list[dict[str, Any]] = json.loads(os.environ[PLATFORMS])
    return platforms


def _register_others(count: int) -> None:
    """Platforms that nobody launches from, with a deployment and a tenant each."""
    shared, now = _platforms()[0], datetime.now(UTC)
    with transaction() as session:
        begin = (session.scalar(select(func.max(_table("lti_registration").c.id))) or 0) + 1
        numbers = range(begin, begin + count)
        if not numbers:
            return
        rows = [
            {
                **shared,
                "id": number,
                "name": f"Platform {number}",
                "issuer": shared["issuer"] if number % 2 else f"https://lms-{number}.example.edu",
                "client_id": f"client-of-{number}",
                "audience": shared["token_url"],
                "created_at": now,
            }
            for number in numbers
        ]
        session.execute(insert(_table("lti_registration")), rows)
        deployments = [
            {"registration_id": number, "deployment_id": "deployment-1", "status": "active", "created_at": now}
            for number in numbers
        ]
        session.execute(insert(_table("lti_deployment")), deployments)
        tenants = [
            {"registration_id": number, "key": f"guid:{number}", "name": "", "launched_at": now} for number in numbers
        ]
        session.execute(insert(_table("tenant")), tenants)


def library_alone() -> Wsgi:
    """pylti1p3's Flask classes with everything in memory: the launch ends when the library has checked it."""
    return metered(_library(lambda _state, _nonce: None, lambda _state, _claims: "visit"))


def library_and_rows() -> Wsgi:
    """The same, with the rows of `ours` in the database."""
    rows = Rows(_engine(os.environ["PEERLOOP_DATABASE_URL"]))
    return metered(_library(rows.begin, rows.record))


class Memory:
    """The least that the library takes for a cache: a dictionary. Nothing lives long enough here to expire."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def set(self, key: str, value: Any, _seconds: int | None) -> None:
        self._values[key] = value


class NotingLogin(FlaskOIDCLogin):
    """The library's login, which otherwise keeps its state and nonce to itself."""

    def _get_uuid(self) -> str:
        self.uuid: str = super()._get_uuid()
        return self.uuid

    def _generate_nonce(self) -> str:
        self.nonce: str = super()._generate_nonce()
        return self.nonce


def _library(begin: Callable[[str, str], None], record: Callable[[str, dict[str, Any]], str]) -> Flask:
    """The tool that the library's documentation shows. `record` returns the secret of the visit."""
    app = Flask("library")
    cache, tool = Memory(), _tool()
    launch_url = os.environ["PEERLOOP_BASE_URL"] + "/lti/launch"

    def login() -> ResponseReturnValue:
        message = NotingLogin(FlaskRequest(), tool, launch_data_storage=FlaskCacheDataStorage(cache))
        response: ResponseReturnValue = message.redirect(launch_url)
        begin(f"state-{message.uuid}", message.nonce)
        return response

    def launch() -> ResponseReturnValue:
        request, storage = FlaskRequest(), FlaskCacheDataStorage(cache)
        message = FlaskMessageLaunch(request, tool, launch_data_storage=storage)
        message.set_public_key_caching(storage, cache_lifetime=KEYS_KEPT_SECONDS)
        visit = record(request.get_param("state"), dict(message.get_launch_data()))
        return redirect(f"/v/{visit}/", code=303)

    app.add_url_rule("/lti/login", view_func=login, methods=["GET", "POST"])
    app.add_url_rule("/lti/launch", view_func=launch, methods=["POST"])
    return app


def _tool() -> ToolConfDict:
    clients: Any = {
        platform["issuer"]: [
            {
                "default": True,
                "client_id": platform["client_id"],
                "auth_login_url": platform["auth_url"],
                "auth_token_url": platform["token_url"],
                "key_set_url": platform["jwks_url"],
                "deployment_ids": ["deployment-1"],
            }
        ]
        for platform in _platforms()
    }
    return ToolConfDict(clients)


def _engine(url: str) -> Engine:
    """An engine with the settings of `lti_tool.database`, tables and platform included."""
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    Base.metadata.create_all(engine)
    values = {
        **_platforms()[0],
        "name": "Benchmark",
        "audience": "",
        "created_at": datetime.now(UTC),
    }
    with engine.begin() as connection:
        connection.execute(insert(_table("lti_registration")).values(values))
    return engine


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def _upsert(connection: Connection, name: str, keys: list[str], row: dict[str, Any]) -> int:
    """Write a row that may be there already. Returns its id."""
    table = _table(name)
    query = sqlite.insert(table).values(row)
    changes = {column: value for column, value in row.items() if column not in keys}
    query = query.on_conflict_do_update(index_elements=keys, set_=changes)
    return int(connection.execute(query.returning(table.c.id)).scalar_one())


class Rows:
    """The rows of a launch by plain statements: a transaction at login, another at the launch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, state: str, nonce: str) -> None:
        """Write a login down."""
        row = {
            "state_hash": hashlib.sha256(state.encode()).digest(),
            "nonce_hash": hashlib.sha256(nonce.encode()).digest(),
            "registration_id": 1,
            "target_link_uri": os.environ["PEERLOOP_BASE_URL"] + "/",
            "expires_at": datetime.now(UTC) + timedelta(minutes=10),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_table("lti_login_state")).values(row))

    def record(self, state: str, claims: dict[str, Any]) -> str:
        """Use the login up and write down who came where. Returns the secret of the visit."""
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            states = _table("lti_login_state")
            mine = states.c.state_hash == hashlib.sha256(state.encode()).digest()
            used = connection.execute(delete(states).where(mine))
            if used.rowcount != 1:
                raise LookupError("this login is not under way")
            tenant_id = self._platform(connection, claims, now)
            course_id = self._place(connection, claims, tenant_id, now)
            person_id = self._who(connection, claims, tenant_id, course_id, now)
            return self._stay(connection, claims, (tenant_id, course_id, person_id), now)

    def _platform(self, connection: Connection, claims: dict[str, Any], now: datetime) -> int:
        platform = claims[LTI + "tool_platform"]
        row = {
            "registration_id": 1,
            "key": "guid:" + platform["guid"],
            "name": platform["name"],
            "family": platform["product_family_code"],
            "launched_at": now,
        }
        return _upsert(connection, "tenant", ["registration_id", "key"], row)

    def _place(self, connection: Connection, claims: dict[str, Any], tenant_id: int, now: datetime) -> int:
        context, link = claims[LTI + "context"], claims[LTI + "resource_link"]
        grades = claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]
        members = claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"]
        row = {
            "tenant_id": tenant_id,
            "context_id": context["id"],
            "deployment_id": claims[LTI + "deployment_id"],
            "title": context["title"],
            "label": context["label"],
            "zone": "UTC",
            "memberships_url": members["context_memberships_url"],
            "line_items_url": grades["lineitems"],
            "grade_scopes": grades["scope"],
            "launched_at": now,
        }
        course_id = _upsert(connection, "course", ["tenant_id", "context_id"], row)
        row = {"course_id": course_id, "link_id": link["id"], "title": link["title"]}
        _upsert(connection, "course_link", ["course_id", "link_id"], row)
        return course_id

    def _who(
        self, connection: Connection, claims: dict[str, Any], tenant_id: int, course_id: int, now: datetime
    ) -> int:
        row = {
            "tenant_id": tenant_id,
            "subject": claims["sub"],
            "name": claims["name"],
            "email": claims["email"],
            "locale": claims["locale"],
            "zone": claims["zoneinfo"],
        }
        person_id = _upsert(connection, "person", ["tenant_id", "subject"], row)
        row = {
            "course_id": course_id,
            "person_id": person_id,
            "role": "learner",
            "is_test": False,
            "joined_at": now,
            "launched_at": now,
        }
        _upsert(connection, "enrolment", ["course_id", "person_id"], row)
        return person_id

    def _stay(self, connection: Connection, claims: dict[str, Any], ids: tuple[int, int, int], now: datetime) -> str:
        visit, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        tenant_id, course_id, person_id = ids
        row = {
            "token_hash": hashlib.sha256(visit.encode()).hexdigest(),
            "cookie_hash": hashlib.sha256(cookie.encode()).hexdigest(),
            "bound": False,
            "person_id": person_id,
            "course_id": course_id,
            "tenant_id": tenant_id,
            "person_name": claims["name"],
            "role": "learner",
            "is_test": False,
            "is_admin": False,
            "zone": claims["zoneinfo"],
            "locale": claims["locale"],
            "frame_origins": [claims["iss"]],
            "created_at": now,
            "seen_at": now,
        }
        connection.execute(insert(_table("visit")).values(row))
        return visit
