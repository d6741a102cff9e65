"""A roster of 10,000 members over 100 pages, read and stored, beside the bare minimum of the same work; and one
of 100,000 over 1,000 pages on PostgreSQL.

Ours is the job itself: request, claim, token, pages, checks, progress, the guard against losses. The peer
downloads and parses the same pages and stores the same rows in one transaction, and does nothing else. Each
measurement is a fresh process with a fresh database, so that its memory is its own.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select, text

import config
from lti_tool import clock
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.lti import registrations, wire
from lti_tool.lti.registrations import Registration
from lti_tool.roster import readings
from lti_tool.roster.tables import Course, Enrolment, Person, Tenant
from tests.support.postgres import fresh_database, running_server

PAGE = 100
GOAL_MIB = 64.0
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


@dataclass(frozen=True, slots=True)
class Size:
    """How many members are read, how often, and how fast beside the peer."""

    members: int
    rounds: int
    goal: float

    @property
    def words(self) -> str:
        return f"roster of {self.members:,} over {self.members // PAGE:,} pages"


SQLITE, POSTGRESQL = Size(10_000, 9, 0.5), Size(100_000, 3, 0.6)
Rounds = list[dict[str, dict[str, float]]]


def run() -> list[dict[str, Any]]:
    """The rows of the table: speed beside the peer, and growth of memory in MiB."""
    found = []
    with stub(SQLITE) as base:
        rounds = [{what: measured(what, base, SQLITE) for what in WORK} for _ in range(SQLITE.rounds)]
    found.append(speed(f"{SQLITE.words}, read and stored", rounds, "peer", SQLITE, SQLITE.goal))
    found.append(speed("the same beside the driver's executemany", rounds, "driver", SQLITE, None))
    found.append(memory(rounds))
    with stub(POSTGRESQL) as base, tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        rounds = [on_postgresql(base, server) for _ in range(POSTGRESQL.rounds)]
    found.append(speed(f"{POSTGRESQL.words}, on PostgreSQL", rounds, "peer", POSTGRESQL, POSTGRESQL.goal))
    return [*found, memory(rounds)]


def on_postgresql(base: str, server: str) -> dict[str, dict[str, float]]:
    """A round, each in a database of its own."""
    found = {}
    for what in ("ours", "peer"):
        with fresh_database(server) as address:
            found[what] = measured(what, base, POSTGRESQL, address)
    return found


def memory(rounds: Rounds) -> dict[str, Any]:
    """The growth of the process that reads."""
    growth = {what: statistics.median(r[what]["growth"] for r in rounds) for what in ("ours", "peer")}
    return {
        "name": "memory that the same reading adds",
        "ours": growth["ours"],
        "peer": growth["peer"],
        "unit": "MiB, at most",
        "ratio": None,
        "goal": GOAL_MIB,
        "holds": growth["ours"] <= GOAL_MIB,
    }


def speed(name: str, rounds: Rounds, peer: str, size: Size, goal: float | None) -> dict[str, Any]:
    """A row of medians; the ratio is the median of the rounds' own."""
    ratio = statistics.median(r[peer]["seconds"] / r["ours"]["seconds"] for r in rounds)
    return {
        "name": name,
        "ours": statistics.median(size.members / r["ours"]["seconds"] for r in rounds),
        "peer": statistics.median(size.members / r[peer]["seconds"] for r in rounds),
        "unit": "members/s",
        "ratio": ratio,
        "goal": goal,
        "holds": None if goal is None else ratio >= goal,
    }


def measured(what: str, base: str, size: Size, database: str = "") -> dict[str, float]:
    """Do it once in a process of its own: seconds, and MiB by which its peak exceeds where it began."""
    command = [sys.executable, "-m", "benchmarks.roster", what, str(size.members), base, database]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    result: dict[str, float] = json.loads(done.stdout)
    return result


@contextmanager
def stub(size: Size) -> Iterator[str]:
    """The LMS in a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.roster", "stub", str(size.members)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def serve(members: int) -> None:
    """Answer with pages that were made before, so that the LMS costs as little as it can."""
    pages = {n: page(n) for n in range(1, members // PAGE + 1)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            # A client may add a hint to the first address.
            number = int(match[1]) if (match := re.search(r"page=(\d+)", self.path)) else 1
            following = f"{base}/members?page={number + 1}"
            link = {"Link": f'<{following}>; rel="next"'} if number < len(pages) else {}
            self.answer(pages[number], link)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(b'{"access_token": "token", "token_type": "Bearer", "expires_in": 3600}', {})

        def answer(self, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(200)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_port}"
    print(base, flush=True)
    server.serve_forever()


def page(number: int) -> bytes:
    members = [
        {
            "user_id": f"5f2c{n:032d}",
            "status": "Active",
            "name": f"Learner Number {n}",
            "given_name": "Learner",
            "family_name": f"Number {n}",
            "email": f"learner.{n}@example.edu",
            "roles": [ROLE],
        }
        for n in range((number - 1) * PAGE, number * PAGE)
    ]
    return json.dumps({"id": "roster", "context": {"id": "course"}, "members": members}).encode()


def measure(what: Callable[[str], None], members: int, base: str, database: str) -> dict[str, float]:
    """Prepare, then take the time and the memory of `what`; on SQLite where no `database` is given."""
    with tempfile.TemporaryDirectory() as folder:
        settings = config.Settings(
            database_url=database or f"sqlite:///{folder}/bench.db",
            queue_url=f"sqlite:///{folder}/queue.db",
            keys_dir=Path(folder) / "keys",
            allow_private_platforms=True,
        )
        app = create_app(settings.with_secrets())
        with app.app_context():
            db.create_all()
            prepare(base)
            gc.collect()
            before = resident()
            started = time.perf_counter()
            what(f"{base}/members")
            seconds = time.perf_counter() - started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            check(members)
            db.session.remove()
            db.engine.dispose()
    return {"seconds": seconds, "growth": peak - before}


def resident() -> float:
    """Resident memory of this process in MiB. Linux."""
    kilobytes = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert kilobytes is not None
    return int(kilobytes[1]) / 1024


def prepare(base: str) -> None:
    """A course that asks for its first reading."""
    wire.ensure_signing_key()
    with transaction() as session:
        registration: Registration = registrations.add(
            session,
            name="Stub",
            issuer=base,
            client_id="client",
            auth_url=f"{base}/auth",
            token_url=f"{base}/token",
            jwks_url=f"{base}/jwks",
        )
        tenant = Tenant(registration_id=registration.id, key="guid:1", name="Stub", launched_at=clock.now())
        session.add(tenant)
        session.flush()
        course = Course(
            tenant_id=tenant.id,
            context_id="course",
            deployment_id="1",
            title="Course",
            grade_scopes=[],
            memberships_url=f"{base}/members",
        )
        session.add(course)
        session.flush()
        readings.request(session, course.id)
    db.session.remove()


def check(members: int) -> None:
    """Both must have stored the same."""
    db.session.rollback()
    people = db.session.execute(select(Person.subject, Person.name, Person.email)).all()
    assert len(set(people)) == members
    active = select(Enrolment.person_id).where(Enrolment.left_at.is_(None), Enrolment.role == "learner")
    assert len(set(db.session.scalars(active))) == members


def ours(_url: str) -> None:
    """The job's unit."""
    assert readings.run()


def peer(url: str) -> None:
    """Download, parse, one bulk upsert of the same rows by plain SQLAlchemy, nothing else."""
    people, enrolments = downloaded(url)
    with transaction() as session:
        session.execute(text(PEOPLE), people)
        session.execute(text(ENROLMENTS), enrolments)


def driver(url: str) -> None:
    """The same by the driver's executemany, past SQLAlchemy."""
    people, enrolments = downloaded(url)
    with transaction() as session:
        connection = session.connection()
        connection.exec_driver_sql(PEOPLE, people)
        connection.exec_driver_sql(ENROLMENTS, enrolments)


PEOPLE = (
    "INSERT INTO person (tenant_id, subject, name, email) VALUES (1, :user_id, :name, :email) "
    "ON CONFLICT (tenant_id, subject) DO UPDATE SET name = excluded.name, email = excluded.email"
)
ENROLMENTS = (
    "INSERT INTO enrolment "
    "(course_id, person_id, role, roster_role, is_test, joined_at, reading_id, joined_reading_id) "
    "SELECT 1, id, 'learner', 'learner', false, :now, 1, 1 FROM person WHERE tenant_id = 1 AND subject = :user_id "
    "ON CONFLICT (course_id, person_id) DO UPDATE SET role = excluded.role, "
    "roster_role = excluded.roster_role, reading_id = excluded.reading_id, left_at = NULL"
)


def downloaded(url: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All members, then what their enrolments need."""
    session = requests.Session()
    members: list[dict[str, Any]] = []
    following: str | None = url
    while following:
        response = session.get(following, timeout=20)
        members += response.json()["members"]
        following = response.links.get("next", {}).get("url")
    now = clock.now().replace(tzinfo=None).isoformat(" ")
    return members, [{"now": now, "user_id": member["user_id"]} for member in members]


WORK = {"ours": ours, "peer": peer, "driver": driver}

if __name__ == "__main__":
    if sys.argv[1] == "stub":
        serve(int(sys.argv[2]))
    else:
        print(json.dumps(measure(WORK[sys.argv[1]], int(sys.argv[2]), sys.argv[3], sys.argv[4])))
