"""A roster of 10,000 members over 100 pages, read and stored, beside the bare minimum of the same work.

Ours is the job itself: request, claim, token, pages, checks, progress, the guard against losses. The peer
downloads and parses the same pages and stores the same rows in one transaction, and does nothing else. Each
measurement is a fresh process with a fresh SQLite database, so that its memory is its own.
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

MEMBERS = 10_000
PAGES = 100
ROUNDS = 9
GOAL = 0.5
GOAL_MIB = 64.0
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


def run() -> list[dict[str, Any]]:
    """The rows of the table: speed beside the peer, and growth of memory in MiB."""
    with stub() as base:
        rounds = [{what: measured(what, base) for what in ("ours", "peer", "driver")} for _ in range(ROUNDS)]
    growth = {what: statistics.median(r[what]["growth"] for r in rounds) for what in ("ours", "peer")}
    return [
        speed("roster of 10,000 over 100 pages, read and stored", rounds, "peer", GOAL),
        speed("the same beside the driver's executemany", rounds, "driver", None),
        {
            "name": "memory that the same reading adds",
            "ours": growth["ours"],
            "peer": growth["peer"],
            "unit": "MiB, at most",
            "ratio": None,
            "goal": GOAL_MIB,
            "holds": growth["ours"] <= GOAL_MIB,
        },
    ]


def speed(name: str, rounds: list[dict[str, dict[str, float]]], peer: str, goal: float | None) -> dict[str, Any]:
    """A row of medians; the ratio is the median of the rounds' own."""
    ratio = statistics.median(r[peer]["seconds"] / r["ours"]["seconds"] for r in rounds)
    return {
        "name": name,
        "ours": statistics.median(MEMBERS / r["ours"]["seconds"] for r in rounds),
        "peer": statistics.median(MEMBERS / r[peer]["seconds"] for r in rounds),
        "unit": "members/s",
        "ratio": ratio,
        "goal": goal,
        "holds": None if goal is None else ratio >= goal,
    }


def measured(what: str, base: str) -> dict[str, float]:
    """Do it once in a process of its own: seconds, and MiB by which its peak exceeds where it began."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.roster", what, base], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


@contextmanager
def stub() -> Iterator[str]:
    """The LMS in a process of its own; yields its address."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.roster", "stub"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def serve() -> None:
    """Answer with pages that were made before, so that the LMS costs as little as it can."""
    pages = {f"/members?page={n}": page(n) for n in range(1, PAGES + 1)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            # A client may add a hint to the first address.
            number = int(match[1]) if (match := re.search(r"page=(\d+)", self.path)) else 1
            following = f"{base}/members?page={number + 1}"
            link = {"Link": f'<{following}>; rel="next"'} if number < PAGES else {}
            self.answer(pages[f"/members?page={number}"], link)

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
    size = MEMBERS // PAGES
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
        for n in range((number - 1) * size, number * size)
    ]
    return json.dumps({"id": "roster", "context": {"id": "course"}, "members": members}).encode()


def measure(what: Callable[[str], None], base: str) -> dict[str, float]:
    """Prepare, then take the time and the memory of `what`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = config.Settings(
            database_url=f"sqlite:///{folder}/bench.db",
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
            check()
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


def check() -> None:
    """Both must have stored the same."""
    db.session.rollback()
    people = db.session.execute(select(Person.subject, Person.name, Person.email)).all()
    assert len(set(people)) == MEMBERS
    active = select(Enrolment.person_id).where(Enrolment.left_at.is_(None), Enrolment.role == "learner")
    assert len(set(db.session.scalars(active))) == MEMBERS


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
    "SELECT 1, id, 'learner', 'learner', 0, :now, 1, 1 FROM person WHERE tenant_id = 1 AND subject = :user_id "
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


if __name__ == "__main__":
    if sys.argv[1] == "stub":
        serve()
    else:
        print(json.dumps(measure({"ours": ours, "peer": peer, "driver": driver}[sys.argv[1]], sys.argv[2])))
