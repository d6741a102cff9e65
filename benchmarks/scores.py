"""1,000 scores to a platform that takes 50 ms for each, beside pylti1p3's own loop.

Ours is the whole way: claimed from the database, read before sent, sent with 16 in flight, every answer recorded.
The peer sends and records nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask_babel import lazy_gettext
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.grade import Grade
from pylti1p3.lineitem import LineItem
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector
from sqlalchemy import func, select, update

import config
from benchmarks.__main__ import Row
from lti_tool import gradebook
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.gradebook import progress
from lti_tool.gradebook.columns import COMPLETION
from lti_tool.gradebook.progress import Measure, Progress
from lti_tool.gradebook.tables import Cell, differs
from lti_tool.lti import families, grades, wire
from lti_tool.roster.tables import Course
from tests.support import factories

ROUNDS = 3
SCORES = 1000
PEER_SCORES = 100
IN_FLIGHT = 16
GOAL = 10.0


def run() -> list[Row]:
    """Scores a second, as the median of several rounds, each beside its peer."""
    with slow_platform() as address:
        pairs = [(_ours(address), _peer(address)) for _round in range(ROUNDS)]
    ours, peer = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return [
        Row(
            name=f"{SCORES:,} scores, 50 ms each, {IN_FLIGHT} in flight, recorded",
            ours=round(ours, 1),
            peer=round(peer, 1),
            unit="scores/s",
            ratio=round(ratio, 2),
            goal=GOAL,
            holds=ratio >= GOAL,
        )
    ]


@contextmanager
def slow_platform() -> Iterator[str]:
    """The platform in a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.slow_platform"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _ours(address: str) -> float:
    eager = mock.patch.multiple(families.Standard, concurrency=IN_FLIGHT, calls_per_second=1000.0)
    with tempfile.TemporaryDirectory() as folder, eager:
        app = _app(Path(folder))
        with app.app_context():
            db.create_all()
            wire.ensure_signing_key()
            _learners_with_progress(app, address)
            began = time.perf_counter()
            while gradebook.run():
                db.session.remove()
            seconds = time.perf_counter() - began
            assert db.session.scalar(select(func.count(Cell.id)).where(Cell.sent_at.is_not(None))) == SCORES
            assert db.session.scalar(select(func.count(Cell.id)).where(differs())) == 0
            wire.current().close()
            db.session.remove()
            db.engine.dispose()
    return SCORES / seconds


def _app(folder: Path) -> Flask:
    settings = config.Settings(
        database_url=f"sqlite:///{folder / 'peerloop.db'}",
        queue_url=f"sqlite:///{folder / 'queue.db'}",
        keys_dir=folder / "keys",
        allow_private_platforms=True,
        log_level="WARNING",
    )
    app = create_app(settings.with_secrets())
    if "lti" not in app.extensions:
        wire.register(app)
    return app


def _learners_with_progress(app: Flask, address: str) -> None:
    """Two columns with half of the scores each."""
    done = Progress(3, 4, 8)
    measure = Measure(
        "sessions",
        lazy_gettext("Sessions attended"),
        lazy_gettext("sessions"),
        lambda _session, _program, people, _now: dict.fromkeys(people, done),
    )
    app.extensions["measures"] = {}
    progress.register_measure(app, measure)
    columns = ("sessions", COMPLETION)
    course = factories.make_course(issuer=address)
    with transaction() as session:
        scopes = [grades.SCOPE_LINE_ITEM, grades.SCOPE_SCORE, grades.SCOPE_RESULT]
        session.execute(update(Course).values(line_items_url=f"{address}/lineitems", grade_scopes=scopes))
    people = [person.id for person in factories.make_people(course, SCORES // len(columns))]
    program_id = factories.make_program(course).id
    with transaction() as session:
        progress.changed(session, program_id, people)


def _peer(address: str) -> float:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    registration = Registration()
    registration.set_client_id("client").set_auth_token_url(f"{address}/token").set_tool_private_key(pem.decode())
    service = AssignmentsGradesService(
        ServiceConnector(registration),
        {"scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"], "lineitems": f"{address}/lineitems"},
    )
    item = LineItem({"id": f"{address}/lineitems/peer", "label": "Peer", "scoreMaximum": 100})
    service.put_grade(_grade(0), item)  # fetches the token
    began = time.perf_counter()
    for number in range(PEER_SCORES):
        service.put_grade(_grade(number), item)
    return PEER_SCORES / (time.perf_counter() - began)


def _grade(number: int) -> Grade:
    return (
        Grade()
        .set_user_id(f"learner-{number}")
        .set_score_given(75)
        .set_score_maximum(100)
        .set_activity_progress("InProgress")
        .set_grading_progress("FullyGraded")
        .set_comment("3 of 8 sessions")
        .set_timestamp(datetime.now(UTC).isoformat())
    )
