"""A cohort just after its first session, for the tests of micro-assignments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.meetings.tables import Meeting, PairSeat
from lti_tool.programs.tables import Module, Program
from lti_tool.roster.tables import Course, Person
from lti_tool.work import measure, rules
from lti_tool.work.rows import submission_of
from lti_tool.work.tables import Assignment, Submission
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import SetNow

AT_ONCE = 4


def at_once(app: Flask, deed: Callable[[int], None]) -> list[Exception]:
    """Do a deed in several threads at the same instant; returns what went wrong."""
    db.session.remove()
    barrier, failures = Barrier(AT_ONCE), []

    def run(number: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                deed(number)
            except Exception as failure:
                failures.append(failure)
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


class Scene:
    """A pair (Amara, Bilal) and a trio (Chen, Dana, Eli) of a cohort, just after the first session."""

    def __init__(self, app: Flask, set_now: SetNow) -> None:
        self.app = app
        self.set_now = set_now
        self.course: Course = factories.make_course()
        self.program: Program = factories.make_program(self.course)
        self.program_id = self.program.id
        self.people: list[Person] = factories.make_people(self.course, ["Amara", "Bilal", "Chen", "Dana", "Eli"])
        self.amara, self.bilal, self.chen, self.dana, self.eli = (person.id for person in self.people)
        (self.mei,) = factories.make_people(self.course, ["Mei"])
        self.cohort: Cohort = factories.make_cohort(self.program, self.people, facilitator=self.mei)
        query = select(Assignment).join(Meeting).order_by(Meeting.starts_at)
        self.first, *self.later = (assignment.id for assignment in db.session.scalars(query))
        meeting = db.session.get_one(Meeting, self.assignment.meeting_id)
        self.after_session, self.due_at = meeting.ends_at, self.assignment.due_at
        with transaction() as session:
            for number, names in enumerate(((self.amara, self.bilal), (self.chen, self.dana, self.eli)), start=1):
                for person_id in names:
                    session.add(PairSeat(meeting_id=meeting.id, number=number, person_id=person_id))
        set_now(self.after_session)
        self.address = f"assignments/{self.first}"

    @property
    def assignment(self) -> Assignment:
        return db.session.get_one(Assignment, self.first)

    def hand_in(self, person_id: int, text: str = "I said it.", after: timedelta = timedelta(hours=1)) -> Submission:
        with transaction() as session:
            assignment = session.get_one(Assignment, self.first)
            return rules.hand_in(session, assignment, person_id, {"text": text}, self.after_session + after)

    def confirm(self, person_id: int, by: int) -> None:
        with transaction() as session:
            submission = submission_of(session, self.first, person_id)
            assert submission is not None
            rules.confirm_as_partner(session, submission, by, self.after_session + timedelta(hours=2))

    def progress(self, person_id: int) -> tuple[int, int, int]:
        found = measure.count(db.session(), self.program_id, [person_id], factories.NOW)[person_id]
        return found.done, found.due, found.total

    def cell(self, person_id: int) -> Cell:
        query = select(Cell).join(Column).where(Column.measure == "assignments", Cell.person_id == person_id)
        return db.session.scalars(query).one()

    def browser(self, index: int) -> Browser:
        return factories.visit(self.app, self.course, self.people[index], Role.LEARNER)


@pytest.fixture
def scene(any_app: Flask, set_now: SetNow) -> Scene:
    return Scene(any_app, set_now)


@pytest.fixture
def quick(app: Flask, set_now: SetNow) -> Scene:
    """The scene on SQLite alone, for what does not depend on the database."""
    return Scene(app, set_now)


def ask_for(scene: Scene, **asked: Any) -> int:
    """Let the first assignment ask for something; returns its module."""
    module_id = db.session.get_one(Meeting, scene.assignment.meeting_id).module_id
    values = {f"assignment_{name}": value for name, value in asked.items()}
    with transaction() as session:
        session.execute(update(Module).where(Module.id == module_id).values(values))
    return module_id


def instructor(scene: Scene) -> Browser:
    (ines,) = factories.make_people(scene.course, ["Ines"], role=Role.INSTRUCTOR)
    return factories.visit(scene.app, scene.course, ines, Role.INSTRUCTOR)
