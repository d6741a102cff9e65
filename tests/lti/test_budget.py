"""What a platform has to bear: so many calls at a time and a second from all processes, and none while it rests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti import lanes, registrations
from lti_tool.lti.budget import Budget
from lti_tool.lti.failures import Refused, Resting, Retryable, Throttled
from lti_tool.lti.families import Standard
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiCallCount, LtiLane, LtiPace, LtiRegistration

MakeBudget = Callable[[], Budget]

either = pytest.mark.usefixtures("any_app")
"""For what the two kinds of database do differently: the test runs on both."""


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> Flask:
    """An app, of either kind for tests that are marked so by `either`."""
    either = "any_app" in request.fixturenames
    app: Flask = request.getfixturevalue("any_app" if either else "app")
    return app


@pytest.fixture
def platform(tool: Flask, monkeypatch: pytest.MonkeyPatch) -> Registration:
    """A platform that takes two calls at a time."""
    assert tool
    monkeypatch.setattr(Standard, "concurrency", 2)
    monkeypatch.setattr(Standard, "calls_per_second", 1000.0)
    return register("one")


def register(client_id: str) -> Registration:
    with transaction() as session:
        return registrations.add(
            session,
            name="LMS",
            issuer="https://lms.test",
            client_id=client_id,
            auth_url="https://lms.test/auth",
            token_url="https://lms.test/token",
            jwks_url="https://lms.test/jwks",
        )


@pytest.fixture
def process(tool: Flask) -> Iterator[MakeBudget]:
    """The budget of one more process."""
    assert tool
    with ExitStack() as stack:

        def make() -> Budget:
            budget = Budget(db.engine)
            stack.callback(budget.close)
            return budget

        yield make


class Load:
    """Counts calls under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = self.total = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        with self._lock:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
        yield
        with self._lock:
            self.now -= 1


def call(budget: Budget, platform: Registration, error: Exception | None = None) -> None:
    with budget.call(platform, "grades"):
        if error:
            raise error


def fails(budget: Budget, platform: Registration, error: Exception, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            call(budget, platform, error)


def silent() -> Retryable:
    return Retryable("grades", "no answer")


def the_rest_is_over() -> None:
    with transaction() as session:
        session.execute(update(LtiPace).values(rests_until=clock.wall()))


@either
def test_two_processes_with_many_threads_together_keep_to_what_the_platform_takes(
    platform: Registration, process: MakeBudget
) -> None:
    load, budgets = Load(), [process(), process()]

    def work(number: int) -> None:
        with budgets[number % 2].call(platform, "grades"), load.call():
            time.sleep(0.01)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))
    assert (load.total, load.most) == (60, 2)


@either
def test_a_process_that_is_never_idle_gives_another_its_turn(platform: Registration, process: MakeBudget) -> None:
    busy, other, done = process(), process(), threading.Event()

    def hog() -> None:
        while not done.is_set():
            with busy.call(platform, "grades"):
                time.sleep(0.01)

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(hog) for _ in range(4)]
        while not all_lanes_taken():
            time.sleep(0.01)
        try:
            call(other, platform)
        finally:
            done.set()
        for each in running:
            each.result()


def go_on_calling(budget: Budget, platform: Registration) -> None:
    while True:
        call(budget, platform)
        time.sleep(0.05)


def all_lanes_taken() -> bool:
    db.session.rollback()
    return len(db.session.scalars(select(LtiLane).where(LtiLane.owner.is_not(None))).all()) == 2


def test_a_call_costs_no_statement_while_its_process_has_a_lane(platform: Registration, process: MakeBudget) -> None:
    budget = process()
    call(budget, platform)
    with db.engine.connect() as connection:
        assert connection.execute(select(LtiLane.owner)).scalars().all() != [None]
    began = time.monotonic()
    budget._engine = None  # type: ignore[assignment]  # whatever asked the database would fail
    for _ in range(20):
        call(budget, platform)
    budget._engine = db.engine
    assert time.monotonic() - began < 1


def test_what_a_killed_process_had_is_free_again_when_its_lease_is_over(
    platform: Registration, process: MakeBudget
) -> None:
    with transaction() as session:
        for number in range(2):
            soon = clock.wall() + timedelta(seconds=1 + number)
            row = {"registration_id": platform.id, "number": number, "owner": "killed", "until": soon}
            session.add(LtiLane(**row))
    began = time.monotonic()
    call(process(), platform)
    assert 0.5 < time.monotonic() - began < 4


def test_a_call_that_finds_no_lane_is_put_off_rather_than_made(
    platform: Registration, process: MakeBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lti_tool.lti.budget.WAIT_SECONDS", 0.3)
    one, other = process(), process()
    with one.call(platform, "grades"), one.call(platform, "grades"), pytest.raises(Resting) as error:
        call(other, platform)
    assert error.value.retry_after is not None
    assert not error.value.answer_lost


def test_no_more_calls_a_second_begin_than_the_family_allows(
    platform: Registration, process: MakeBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Standard, "calls_per_second", 20.0)
    budget = process()
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: call(budget, platform), range(12)))
    # Two lanes with ten a second each: the first two at once, ten more in half a second.
    assert time.monotonic() - began >= 0.49


def test_a_platform_that_throttles_one_process_is_left_alone_by_all_for_as_long_as_it_asks(
    platform: Registration, process: MakeBudget
) -> None:
    one, other, elsewhere = process(), process(), register("two")
    fails(one, platform, Throttled("grades", "slow down", status=429, retry_after=70))
    for budget in (one, other):
        with pytest.raises(Resting) as error:
            call(budget, platform)
        assert 60 < (error.value.retry_after or 0) <= 70
    call(one, elsewhere)


def test_a_process_that_has_lanes_learns_within_two_seconds_that_the_platform_rests(
    platform: Registration, process: MakeBudget
) -> None:
    one, other = process(), process()
    call(other, platform)
    fails(one, platform, Throttled("grades", "slow down", status=429, retry_after=70))
    began = time.monotonic()
    with pytest.raises(Resting):
        go_on_calling(other, platform)
    assert time.monotonic() - began < 2.5


@either
def test_a_platform_that_is_down_is_left_alone_and_then_tried_by_one_call(
    platform: Registration, process: MakeBudget
) -> None:
    budget, load = process(), Load()
    fails(budget, platform, silent(), times=6)
    with pytest.raises(Resting):
        call(budget, platform)
    budget.close()
    the_rest_is_over()
    budgets = [process(), process()]
    proven = threading.Event()

    def work(number: int) -> None:
        with budgets[number % 2].call(platform, "grades"), load.call():
            assert proven.is_set() or load.total == 1
            time.sleep(0.3)
            proven.set()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert (load.total, load.most) == (6, 2)


def test_each_trial_that_fails_makes_the_rest_longer(platform: Registration, process: MakeBudget) -> None:
    rests = []
    budget = process()
    fails(budget, platform, silent(), times=6)
    for _trial in range(3):
        budget.close()
        db.session.rollback()
        row = db.session.get_one(LtiPace, platform.id, populate_existing=True)
        assert row.rests_until is not None
        rests.append((row.rests_until - clock.wall()).total_seconds())
        the_rest_is_over()
        budget = process()
        fails(budget, platform, silent())
    assert 3 < rests[0] <= 5
    assert rests[0] < rests[1] < rests[2]


def test_answers_in_between_show_that_the_platform_is_not_down(platform: Registration, process: MakeBudget) -> None:
    budget = process()
    for _ in range(3):
        fails(budget, platform, silent(), times=5)
        fails(budget, platform, Refused("grades", "no such column", status=404))
    call(budget, platform)


@either
def test_calls_are_counted_by_how_they_ended_whichever_process_made_them(
    platform: Registration, process: MakeBudget
) -> None:
    for _ in range(2):
        budget = process()
        call(budget, platform)
        fails(budget, platform, Refused("grades", "no", status=422))
        budget.close()
    found = db.session.execute(select(LtiCallCount.service, LtiCallCount.outcome, LtiCallCount.calls))
    assert sorted(tuple(row) for row in found) == [("grades", "ok", 2), ("grades", "refused", 2)]


def test_a_process_that_ends_leaves_its_lanes_free(platform: Registration, process: MakeBudget) -> None:
    budget = process()
    call(budget, platform)
    budget.close()
    assert set(db.session.scalars(select(LtiLane.owner))) == {None}


@pytest.mark.parametrize("any_app", ["postgresql"], indirect=True)
def test_a_machine_whose_clock_is_ahead_takes_no_lane_that_another_one_has(
    any_app: Flask, platform: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any_app
    with db.engine.begin() as connection:
        assert lanes.take(connection, "one", platform.id, 1)[1] == 0
    ahead = clock.wall() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "wall", lambda: ahead)
    with db.engine.begin() as connection:
        assert lanes.take(connection, "other", platform.id, 1)[1] is None


def test_an_lms_that_is_removed_meanwhile_disturbs_no_other(platform: Registration, process: MakeBudget) -> None:
    budget, other = process(), register("two")
    with budget.call(platform, "grades"):
        with transaction() as session:
            session.execute(delete(LtiRegistration).where(LtiRegistration.id == platform.id))
        call(budget, other)
    budget.close()
    call(process(), other)
