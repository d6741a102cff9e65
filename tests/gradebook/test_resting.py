"""A gradebook whose LMS is left alone: nothing is lost, nothing counts as an attempt, and it goes on by itself."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, update

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.gradebook.states import State
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti import wire
from lti_tool.lti.tables import LtiCallCount, LtiPace, LtiRegistration
from tests.gradebook.course import CourseInLms


def rests(seconds: float) -> None:
    """Another process has found that the LMS must be left alone."""
    with transaction() as session:
        registration_id = session.query(LtiRegistration.id).scalar()
        until = clock.wall() + timedelta(seconds=seconds)
        session.merge(LtiPace(registration_id=registration_id, rests_until=until, setbacks=1, cause="down"))


def test_while_another_process_has_the_lms_rest_no_call_is_made_and_no_attempt_counted(
    lms_on_sqlite: CourseInLms,
) -> None:
    lms, ada = lms_on_sqlite, lms_on_sqlite.people[0]
    rests(60)
    lms.did(ada, done=1, due=2)
    lms.work()
    column = lms.column()
    assert lms.items() == []
    assert (column.attempts, column.problem, column.leased_until) == (0, None, None)
    assert timedelta(seconds=50) < column.try_at - clock.wall() <= timedelta(seconds=60)
    assert lms.state(ada) is State.ON_ITS_WAY
    lms.hurry()
    lms.work()
    assert (lms.grade(ada), lms.state(ada)) == (50, State.TRUE)


def test_an_lms_that_is_down_gets_few_calls_and_shows_everything_when_it_is_back(lms_on_sqlite: CourseInLms) -> None:
    lms = lms_on_sqlite
    lms.did(*lms.people, done=1, due=1)
    lms.work()
    lms.did(*lms.people, done=1, due=2)
    before = calls()
    lms.sandbox.control.faults([{"service": each, "kind": "status:503"} for each in ("scores", "results")])
    for _pause in range(20):
        columns_are_due()
        lms.work()
    assert db.session.query(LtiPace.cause).scalar() == "down"
    assert calls() - before == 6
    lms.sandbox.control.clear_faults()
    lms.hurry()
    lms.work()
    assert [(lms.grade(person), lms.state(person)) for person in lms.people] == [(50, State.TRUE)] * 3


def calls() -> int:
    """How many calls the LMS has had."""
    wire.current().budget.close()
    db.session.rollback()
    return int(db.session.query(func.sum(LtiCallCount.calls)).scalar())


def columns_are_due() -> None:
    """The pauses of columns are over, but not the LMS's."""
    with transaction() as session:
        session.execute(update(Column).values(try_at=clock.wall(), read_at=None))
        session.execute(update(Cell).where(Cell.try_at.is_not(None)).values(try_at=clock.wall()))


def test_after_a_rest_the_first_good_call_ends_the_trial(lms_on_sqlite: CourseInLms) -> None:
    lms, ada = lms_on_sqlite, lms_on_sqlite.people[0]
    rests(0.5)
    lms.did(ada, done=1, due=2)
    lms.work()
    assert lms.items() == []
    with transaction() as session:
        session.execute(update(LtiPace).values(rests_until=clock.wall()))
    lms.hurry()
    lms.work()
    assert lms.grade(ada) == 50
    db.session.rollback()
    assert db.session.query(LtiPace.setbacks).scalar() == 0
