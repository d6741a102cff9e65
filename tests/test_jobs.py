"""The queue is only a bell: work is found in the database, once, whoever rings or does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import StatementError
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from lti_tool import clock, jobs
from lti_tool.database import db, transaction
from lti_tool.jobs import Job


@pytest.fixture
def rung(app: Flask) -> list[str]:
    """The names that the bell was rung for."""
    names: list[str] = []
    app.extensions["bell"] = names.append
    return names


def _ring_and_fail() -> None:
    with transaction() as session:
        jobs.ring(session, "grades")
        raise RuntimeError


def test_the_bell_rings_only_when_the_change_is_committed(app: Flask, rung: list[str]) -> None:
    assert app
    with pytest.raises(RuntimeError):
        _ring_and_fail()
    assert rung == []
    with transaction() as session:
        jobs.ring(session, "grades")
        assert rung == []
    assert rung == ["grades"]


def test_the_bell_rings_once_however_many_changes_a_transaction_makes(app: Flask, rung: list[str]) -> None:
    assert app
    with transaction() as session:
        for _change in range(3):
            jobs.ring(session, "grades")
    assert rung == ["grades"]


def test_a_queue_that_is_away_does_not_undo_the_change(app: Flask) -> None:
    def broken(_name: str) -> None:
        raise ConnectionError

    app.extensions["bell"] = broken
    with transaction() as session:
        jobs.ring(session, "grades")


def test_work_goes_on_until_nothing_is_due_even_when_one_job_makes_work_for_another(app: Flask) -> None:
    waiting = {"first": 3, "second": 0}

    def first() -> bool:
        if waiting["first"]:
            waiting["first"] -= 1
            waiting["second"] += 1
            return True
        return False

    def second() -> bool:
        if waiting["second"]:
            waiting["second"] -= 1
            return True
        return False

    app.extensions["jobs"] = {}
    jobs.register(app, Job("second", second, timedelta(minutes=1)))
    jobs.register(app, Job("first", first, timedelta(minutes=1)))
    assert jobs.run_until_idle() == {"second": 3, "first": 3}
    assert waiting == {"first": 0, "second": 0}


def test_a_sweep_is_done_by_one_worker_when_it_is_due(any_app: Flask) -> None:
    any_app.extensions["jobs"] = {}
    job = Job("roster", lambda: False, timedelta(hours=1))
    jobs.register(any_app, job)
    assert [jobs.claim_sweep(job), jobs.claim_sweep(job)] == [True, False]


def test_what_was_rung_is_done_by_a_worker_and_a_killed_queue_by_the_sweep(app: Flask, rung: list[str]) -> None:
    app.extensions["jobs"] = {}
    jobs.register(app, Job("roster", lambda: False, timedelta(hours=1)))
    jobs.sweep(app)
    assert rung == ["roster"]
    jobs.sweep(app)
    assert rung == ["roster"]


def test_a_worker_is_seen_while_it_lives_and_forgotten_when_it_stops(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any_app
    now = clock.wall()
    jobs.beat("one", now)
    jobs.beat("other", now)
    jobs.beat("one", now)
    assert jobs.living(db.session()) == 2
    jobs.leave("other")
    assert jobs.living(db.session()) == 1
    monkeypatch.setattr(clock, "wall", lambda: now + timedelta(minutes=5))
    assert jobs.living(db.session()) == 0


def test_what_is_logged_during_a_job_bears_its_name_and_one_id(app: Flask) -> None:
    def run() -> bool:
        structlog.get_logger().info("at work")
        return len(logged) == 1

    app.extensions["jobs"] = {}
    jobs.register(app, Job("roster", run, timedelta(hours=1)))
    with capture_logs(processors=[merge_contextvars]) as logged:
        jobs.run_once()
    assert [entry["event"] for entry in logged] == ["at work", "at work", "job done"]
    assert {entry["job"] for entry in logged} == {"roster"}
    assert len({entry["job_id"] for entry in logged}) == 1
    assert logged[-1]["units"] == 1


def test_an_error_of_the_database_is_logged_without_what_was_stored(app: Flask) -> None:
    assert app
    with pytest.raises(StatementError) as error:
        db.session.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "Zoë Ångström"})
    assert "Zoë" not in str(error.value)
