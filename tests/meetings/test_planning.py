"""Published cohorts get their sessions by themselves, and a session can be moved between its neighbours."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.cohorts.signals import cohorts_published
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.database import db, transaction
from lti_tool.gradebook import progress
from lti_tool.gradebook.tables import Column
from lti_tool.meetings import pairs
from lti_tool.meetings.planning import reschedule
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person
from lti_tool.work.tables import Assignment
from tests.support import factories
from tests.support.moments import SetNow, set_now

__all__ = ["set_now"]


@pytest.fixture(autouse=True)
def _before_the_program(set_now: SetNow) -> None:
    set_now(factories.NOW)


def _publish(program: Program, people: list[Person], name: str = "A", position: int = 0) -> Cohort:
    with transaction() as session:
        program = session.merge(program)
        cohort = Cohort(program_id=program.id, position=position, name=name, published_at=factories.NOW)
        session.add(cohort)
        session.flush()
        session.add_all(
            Membership(program_id=program.id, cohort_id=cohort.id, person_id=p.id, since=factories.NOW)
            for p in people
        )
        session.flush()
        cohorts_published.send(program, session=session, cohorts=[cohort])
    return cohort


def _meetings(cohort: Cohort) -> list[Meeting]:
    query = select(Meeting).where(Meeting.cohort_id == cohort.id).order_by(Meeting.starts_at)
    return list(db.session.scalars(query))


def _program_in_lisbon() -> tuple[Program, list[Person]]:
    course = factories.make_course(zone="Europe/Lisbon")
    program = factories.make_program(course)
    with transaction() as session:
        session.merge(program).zone = "Europe/Lisbon"
    return program, factories.make_people(course, 12)


@pytest.mark.usefixtures("any_app")
def test_a_published_cohort_meets_eight_times_at_the_same_local_time() -> None:
    program, people = _program_in_lisbon()
    meetings = _meetings(_publish(program, people))
    assert len(meetings) == 8
    assert [m.starts_at.hour for m in meetings] == [14, 14, 14, 13, 13, 13, 13, 13]
    assert meetings[0].starts_at == datetime(2026, 3, 9, 14, 0, tzinfo=UTC)


@pytest.mark.usefixtures("any_app")
def test_everybody_knows_their_partner_of_every_session_and_meets_nobody_twice() -> None:
    program, people = _program_in_lisbon()
    meetings = _meetings(_publish(program, people))
    amara = people[0]
    met = [pairs.partners(db.session(), meeting.id, amara.id) for meeting in meetings]
    assert all(len(partners) == 1 for partners in met)
    assert len({partners[0].id for partners in met}) == 8


@pytest.mark.usefixtures("any_app")
def test_each_session_has_a_micro_assignment_due_six_days_later_at_six_in_the_evening() -> None:
    program, people = _program_in_lisbon()
    cohort = _publish(program, people)
    due = db.session.scalars(
        select(Assignment.due_at).join(Meeting).where(Meeting.cohort_id == cohort.id).order_by(Assignment.due_at)
    ).all()
    assert len(due) == 8
    assert due[0] == datetime(2026, 3, 15, 18, 0, tzinfo=UTC)
    assert due[2] == datetime(2026, 3, 29, 17, 0, tzinfo=UTC)  # summer time began that morning


@pytest.mark.usefixtures("app")
def test_what_was_over_when_the_cohorts_were_published_waits_for_nobody() -> None:
    program, people = _program_in_lisbon()
    with transaction() as session:
        session.merge(program).first_session_on -= timedelta(weeks=3)
    meetings = _meetings(_publish(program, people))
    assert [meeting.closed_at is not None for meeting in meetings] == [True] * 2 + [False] * 6


@pytest.mark.usefixtures("any_app")
def test_a_moved_session_takes_its_assignment_along() -> None:
    program, people = _program_in_lisbon()
    first = _meetings(_publish(program, people))[0]
    with transaction() as session:
        reschedule(session, session.merge(first), first.starts_at + timedelta(days=1, hours=2), 60, people[0].id)
    moved = db.session.scalars(select(Assignment).where(Assignment.meeting_id == first.id)).one()
    assert moved.due_at == datetime(2026, 3, 16, 18, 0, tzinfo=UTC)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "session moved")).one()
    assert entry.before["starts_at"].startswith("2026-03-09T14:00")
    assert entry.after == {"starts_at": "2026-03-10T16:00:00+00:00", "minutes": 60}


@pytest.mark.usefixtures("any_app")
def test_a_program_ends_a_week_after_its_last_session_also_when_that_is_moved() -> None:
    program, people = _program_in_lisbon()
    last = _meetings(_publish(program, people))[-1]
    with transaction() as session:
        progress.changed(session, program.id, [people[0].id])
        moved = session.merge(last)
        reschedule(session, moved, last.starts_at + timedelta(weeks=4), 45, None)
        ends = set(session.scalars(select(Column.ends_at).where(Column.program_id == program.id)))
        assert ends == {moved.starts_at + timedelta(weeks=1)}


@pytest.mark.usefixtures("app")
def test_an_assignment_that_has_counted_stays_when_its_session_moves() -> None:
    program, people = _program_in_lisbon()
    first = _meetings(_publish(program, people))[0]
    with transaction() as session:
        assignment = session.scalars(select(Assignment).where(Assignment.meeting_id == first.id)).one()
        assignment.lapsed_at = due = assignment.due_at
        session.flush()
        reschedule(session, session.merge(first), first.starts_at + timedelta(days=1), 45, None)
        assert assignment.due_at == due


@pytest.mark.parametrize(("days", "says"), [(-8, "previous session ends"), (7, "next session begins")])
@pytest.mark.usefixtures("app")
def test_a_session_stays_between_its_neighbours(days: int, says: str) -> None:
    program, people = _program_in_lisbon()
    second = _meetings(_publish(program, people))[1]
    wanted = second.starts_at + timedelta(days=days)
    with transaction() as session, pytest.raises(FormError, match=says):
        reschedule(session, session.merge(second), wanted, 45, None)
    assert db.session.get_one(Meeting, second.id).starts_at == wanted - timedelta(days=days)


def test_two_neighbours_that_move_at_once_do_not_pass_each_other(any_app: Flask) -> None:
    program, people = _program_in_lisbon()
    first, second, *_rest = _meetings(_publish(program, people))
    first_id, second_id = first.id, second.id
    refused: list[FormError] = []

    def move_second() -> None:
        with any_app.app_context():
            try:
                with transaction() as session:
                    meeting = session.get_one(Meeting, second_id)
                    reschedule(session, meeting, meeting.starts_at - timedelta(days=4), 45, None)
            except FormError as error:
                refused.append(error)

    thread = threading.Thread(target=move_second)
    with transaction() as session:
        meeting = session.get_one(Meeting, first_id)
        reschedule(session, meeting, meeting.starts_at + timedelta(days=4), 45, None)
        thread.start()
        thread.join(0.3)
    thread.join(10)
    assert len(refused) == 1
    db.session.rollback()
    assert db.session.get_one(Meeting, first_id).ends_at <= db.session.get_one(Meeting, second_id).starts_at


@pytest.mark.usefixtures("app")
def test_a_closed_session_is_not_moved() -> None:
    program, people = _program_in_lisbon()
    first = _meetings(_publish(program, people))[0]
    with transaction() as session:
        meeting = session.merge(first)
        meeting.closed_at = meeting.starts_at
        session.flush()
        with pytest.raises(FormError, match="closed"):
            reschedule(session, meeting, meeting.starts_at + timedelta(hours=1), 45, None)
