"""Rooms of sessions: polling while nothing changes, and pairs made again after a late arrival.

Both go the whole way through the app: visit, gate, database, log. Polling is measured beside a view that opens the
visit and reads one row by its key; the late arrival beside a form that inserts one row. Rooms hold 20 people, and the
sides take turns. A second is one of this process's CPU, since whatever else runs takes time that is not its own.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy import func, insert, select
from werkzeug.test import EnvironBuilder

import config
from benchmarks.__main__ import Row
from lti_tool import clock, logs
from lti_tool.app import create_app
from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.meetings import attendance, pairs, room
from lti_tool.meetings.tables import Meeting, PairSeat, Presence
from lti_tool.roster.tables import Course
from lti_tool.web.gate import Access, allow, current_visit
from tests.support import factories
from tests.support.factories import NOW, Browser

ROUNDS = 9
ROOMS = 50
PEOPLE = 20
POLLS = 200
ARRIVALS = 6
POLL_GOAL = 0.7
STARTED = NOW + timedelta(days=28, hours=2, minutes=5)
PAIRS_GOAL = 1 / 3  # three times the time of a bare insert


def run() -> list[Row]:
    """Requests a second of CPU, as the median of several rounds; the ratio is the median of each round's."""
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as (app, visitors):
        polls = [
            (_poll(app, visitors, "mine/changes"), _poll(app, visitors, "peer")) for _round in range(ROUNDS + 1)
        ][1:]
        arrivals = [
            (_arrive(app, number, meeting_id), _insert(app, browser))
            for number, (browser, meeting_id) in enumerate(visitors[: ROUNDS + 1])
        ][1:]
    return [
        _row(f"polls of {ROOMS} rooms of {PEOPLE}, nothing new", polls, POLL_GOAL),
        _row(f"late arrivals: {PEOPLE} paired again, all stored", arrivals, PAIRS_GOAL),
    ]


def _row(name: str, sides: list[tuple[float, float]], goal: float) -> Row:
    ratio = statistics.median(ours / peer for ours, peer in sides)
    ours, peer = (statistics.median(side) for side in zip(*sides, strict=True))
    return Row(name=name, ours=ours, peer=peer, unit="requests/s of CPU", ratio=ratio, goal=goal, holds=ratio >= goal)


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Flask, list[tuple[Browser, int]]]]:
    """The app with running rooms, and of each room a learner's visit and the session's id."""
    settings = config.Settings(
        database_url=f"sqlite:///{folder / 'peerloop.db'}",
        queue_url=f"sqlite:///{folder / 'queue.db'}",
        keys_dir=folder / "keys",
    )
    with (folder / "log").open("w") as log, mock.patch("sys.stderr", log):
        logs.configure(settings)
        app = create_app(settings.with_secrets())
        app.add_url_rule("/v/<visit>/meetings/<int:meeting_id>/peer", view_func=_read_one_row)
        app.add_url_rule("/v/<visit>/peer", view_func=_insert_one_row, methods=["POST"])
        with app.app_context(), mock.patch.object(clock, "now", return_value=STARTED):
            db.create_all()
            yield app, [_visitor(app, number) for number in range(ROOMS)]
            db.session.remove()
            db.engine.dispose()


@allow(Access.LEARNER)
def _read_one_row(meeting_id: int) -> ResponseReturnValue:
    """The peer of a poll."""
    return "", 204 if db.session.get(Meeting, meeting_id) is not None else 404


@allow(Access.LEARNER)
def _insert_one_row() -> ResponseReturnValue:
    """The peer of an arrival."""
    values = {"action": "bench", "subject": "meeting", "subject_id": 1, "actor_id": current_visit().person_id}
    db.session.execute(insert(AuditEntry).values(**values, course_id=current_visit().course_id, at=clock.wall()))
    return "", 204


def _visitor(app: Flask, number: int) -> tuple[Browser, int]:
    """One room of 20 in its fourth session, in a course of its own."""
    course = factories.make_course(title=f"Course {number}", issuer=f"https://lms-{number}.test")
    program = factories.make_program(course)
    people = factories.make_people(course, PEOPLE)
    factories.make_cohort(program, people)
    *earlier, now = db.session.scalars(select(Meeting.id).order_by(Meeting.id.desc()).limit(4).offset(4)).all()[::-1]
    everybody = {person.id: Presence.PRESENT for person in people}
    for meeting_id in earlier:
        with transaction() as session:
            meeting = session.get_one(Meeting, meeting_id)
            attendance.mark(session, meeting, everybody, None)
            pairs.pair_present(session, meeting)
    with transaction() as session:
        meeting = session.get_one(Meeting, now)
        attendance.mark(session, meeting, everybody, None)
        room.start(session, meeting, None)
    return factories.visit(app, course, people[0], Role.LEARNER), now


def _rate(app: Flask, requests: list[EnvironBuilder], expected: int) -> float:
    """Answers a second; each request in a context of its own, as a server gives it."""
    statuses: list[str] = []

    def start(status: str, _headers: object, _error: object = None) -> Any:
        statuses.append(status)

    environs = [request.get_environ() for request in requests]
    began = time.process_time()
    for environ in environs:
        for _chunk in Context().run(app, environ, start):
            pass
    took = time.process_time() - began
    if {int(status[:3]) for status in statuses} != {expected}:
        raise RuntimeError(f"answered {set(statuses)}, not {expected}")
    return len(requests) / took


def _poll(app: Flask, visitors: list[tuple[Browser, int]], view: str) -> float:
    """Polls a second, room after room, each of which knows the newest version."""
    versions = dict(iter(db.session.execute(select(Meeting.id, Meeting.version))))
    db.session.rollback()
    asked = [
        EnvironBuilder(f"/v/{browser.token}/meetings/{meeting_id}/{view}?version={versions[meeting_id]}")
        for browser, meeting_id in islice(cycle(visitors), POLLS)
    ]
    return _rate(app, asked, 204)


def _insert(app: Flask, browser: Browser) -> float:
    form = {"csrf_token": browser.csrf}
    asked = [EnvironBuilder(f"/v/{browser.token}/peer", method="POST", data=form) for _number in range(ARRIVALS)]
    return _rate(app, asked, 204)


def _arrive(app: Flask, number: int, meeting_id: int) -> float:
    """Arrivals a second: with each a mark, pairs of all who are here, the audit and the version are stored."""
    course = db.session.scalars(select(Course).order_by(Course.id).offset(number)).first()
    assert course is not None
    (assistant,) = factories.make_people(course, [f"Assistant {number}"], role=Role.TEACHING_ASSISTANT)
    browser = factories.visit(app, course, assistant, Role.TEACHING_ASSISTANT)
    address = f"/v/{browser.token}/meetings/{meeting_id}/attendance"
    forms: list[dict[str, Any]] = [
        {"csrf_token": browser.csrf, f"presence-{late}": "late"} for late in _away(meeting_id)
    ]
    asked = [EnvironBuilder(address, method="POST", data=form, headers=[("X-Room", "1")]) for form in forms]
    rate = _rate(app, asked, 200)
    seated = db.session.scalar(select(func.count()).where(PairSeat.meeting_id == meeting_id))
    db.session.rollback()
    if seated != PEOPLE:
        raise RuntimeError(f"{seated} of {PEOPLE} people have a place")
    return rate


def _away(meeting_id: int) -> list[int]:
    """Take the marks of those back who will come late, in a room whose pairs follow. Answers who they are."""
    with transaction() as session:
        meeting = session.get_one(Meeting, meeting_id)
        away = list(pairs.people_here(session, meeting.id))[-ARRIVALS:]
        for person_id in away:
            attendance.unmark(session, meeting, person_id, None)
    return away
