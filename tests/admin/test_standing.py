"""How the exchange with an LMS stands: on the operator's page, in the terminal and for Prometheus, the same facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import select

from lti_tool import clock, jobs
from lti_tool.admin import standing
from lti_tool.cli import sync_status
from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.tables import LtiCallCount, LtiLane, LtiPace
from lti_tool.roster import readings
from lti_tool.roster.tables import Person, Tenant
from tests.admin.test_operating import enter, seen
from tests.conftest import MakeApp
from tests.support import factories
from tests.support.moments import counted_queries

TOKEN = "t" * 32
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def watched(make_app: MakeApp) -> Iterator[Flask]:
    """An installation whose figures may be read."""
    app = make_app(metrics_token=SecretStr(TOKEN))
    with app.app_context():
        yield app


def busy_lms(title: str = "Giving feedback") -> int:
    """An LMS with three grades on their way, one that it refused and one roster to read; its registration's id."""
    course = factories.make_course(title=title)
    people = factories.make_people(course, 4)
    program, now = factories.make_program(course), clock.wall()
    with transaction() as session:
        lms = session.scalars(select(Tenant.registration_id).where(Tenant.id == course.tenant_id)).one()
        session.add(column := a_column(program.id))
        session.flush()
        for number, person in enumerate(people[:3]):
            session.add(a_cell(column.id, person.id, wanted_at=now - timedelta(minutes=number)))
        refused = {"problem_code": "refused-422", "problem": "no", "problem_reference": f"R-{lms}"}
        session.add(a_cell(column.id, people[3].id, wanted_at=now, try_at=None, **refused))
        readings.request(session, course.id)
        for outcome, calls, seconds in (("ok", 7, 3.5), ("refused", 1, 0.5)):
            counted = {"outcome": outcome, "calls": calls, "seconds": seconds}
            session.add(LtiCallCount(registration_id=lms, service="grades", **counted))
        session.add(LtiLane(registration_id=lms, number=0, owner="one", until=now + timedelta(seconds=10)))
        rests_until = now + timedelta(minutes=2)
        session.add(LtiPace(registration_id=lms, rests_until=rests_until, setbacks=1, cause="throttled"))
    return lms


def a_column(program_id: int) -> Column:
    now = clock.wall()
    return Column(
        program_id=program_id, measure="sessions", label="Sessions", maximum=100, resource_id="r", tag="t",
        ends_at=now + timedelta(days=90), try_at=now,
    )  # fmt: skip


def a_cell(column_id: int, person_id: int, **values: object) -> Cell:
    wanted = {"wanted_score": 50.0, "wanted_activity": "InProgress", "wanted_grading": "FullyGraded"}
    return Cell(column_id=column_id, person_id=person_id, **{"try_at": clock.wall(), **wanted, **values})


def figures(app: Flask) -> dict[tuple[str, ...], float]:
    """What Prometheus reads, by name and labels."""
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        (sample.name.removeprefix("peerloop_"), *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_what_waits_is_told_with_the_age_of_the_oldest_and_the_next_try(app: Flask) -> None:
    assert app
    found = standing.of_platform(db.session(), busy_lms())
    now = clock.wall()
    assert found.grades.length == 3
    assert found.grades.oldest_at is not None
    assert timedelta(minutes=2) <= now - found.grades.oldest_at < timedelta(minutes=3)
    assert found.grades.next_at is not None
    assert found.refused == {"refused-422": 1}
    assert (found.rosters.length, found.lanes, found.cause) == (1, 1, "throttled")


def test_figures_are_read_only_with_the_token_and_not_there_without_one(watched: Flask, make_app: MakeApp) -> None:
    assert make_app().test_client().get("/metrics").status_code == 404
    client = watched.test_client()
    for sent in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer ü"}):
        assert client.get("/metrics", headers=sent).status_code == 401


def test_prometheus_reads_the_same_facts(watched: Flask) -> None:
    lms = str(busy_lms())
    jobs.beat("a worker", clock.wall())
    found = figures(watched)
    assert found["grades_waiting", lms] == 3
    assert 120 <= found["grades_oldest_seconds", lms] < 180
    assert found["grades_next_seconds", lms] <= 0
    assert found["grades_refused", lms, "refused-422"] == 1
    assert found["rosters_waiting", lms] == 1
    assert found["calls_total", *sorted([lms, "grades", "ok"])] == 7
    assert found["call_seconds_total", *sorted([lms, "grades", "ok"])] == 3.5
    assert found["calls_in_lanes", lms] == 1
    assert 100 < found["rest_seconds", lms, "throttled"] <= 120
    assert found["workers",] == 1
    assert found["up", "database"] == found["up", "queue"] == 1


def test_no_figure_names_anybody(watched: Flask) -> None:
    busy_lms()
    text = watched.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).get_data(as_text=True)
    people = db.session.scalars(select(Person)).all()
    assert len(people) == 4
    assert not any(str(person.name) in text or person.subject in text for person in people)


def test_many_platforms_cost_as_many_queries_as_one(app: Flask) -> None:
    assert app
    counts = []
    for number in range(3):
        busy_lms(f"Course {number}")
        with counted_queries() as queries:
            assert len(standing.of_all(db.session())) == number + 1
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_the_terminal_tells_the_same(app: Flask) -> None:
    lms = busy_lms()
    runner = app.test_cli_runner()
    [told] = json.loads(runner.invoke(sync_status, ["--json"]).output)
    assert (told["id"], told["grades"]["length"], told["refused"]) == (lms, 3, {"refused-422": 1})
    assert told["cause"] == "throttled"
    printed = runner.invoke(sync_status).output
    assert "3 wait, the oldest since" in printed
    assert "1 grades refused-422" in printed
    assert "left alone until" in printed


def test_the_operators_page_tells_the_same(app: Flask) -> None:
    lms = busy_lms()
    page = seen(enter(app), f"/operator/platforms/{lms}")
    for words in ("Exchange", "slow down", "refused-422: 1", "Calls to this LMS"):
        assert words in page


def test_every_figure_is_explained_to_operators(watched: Flask) -> None:
    busy_lms()
    explained = (DOCS / "operate.md").read_text()
    names = {f"peerloop_{name}" for name, *_labels in figures(watched)}
    unexplained = {name for name in names if f"`{name}" not in explained and "rosters_" not in name}
    assert len(names) > 12
    assert unexplained == set()
