"""A course whose program is being formed, with learners who may answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.programs.tables import Program
from lti_tool.questions.tables import Answers
from lti_tool.roster.tables import Course, Person
from tests.support import factories
from tests.support.factories import Browser

NAMES = ("Ana Ruiz", "Bilal Aziz", "Tom Weber", "Zoë Ångström")


@dataclass
class Class:
    """One course with an instructor and learners, whose program begins on 9 March 2026."""

    app: Flask
    course: Course
    program: Program
    learners: Sequence[Person]
    instructor: Person

    def visit(self, person: Person) -> Browser:
        role = Role.INSTRUCTOR if person is self.instructor else Role.LEARNER
        return factories.visit(self.app, self.course, person, role)

    def says(self, person: Person, do: str = "save", **fields: Any) -> str:
        """Send the form as this person; what it leads to."""
        answer = self.visit(person).post("answers", do=do, **fields)
        assert answer.status_code == 200, answer.text
        return answer.text

    def kept(self, person: Person) -> Answers | None:
        db.session.rollback()
        return db.session.query(Answers).filter_by(person_id=person.id).one_or_none()


def make_class(app: Flask, title: str = "Giving feedback", names: Sequence[str] = NAMES) -> Class:
    course = factories.make_course(title=title, issuer=f"https://{title.replace(' ', '-').lower()}.test")
    learners = factories.make_people(course, names)
    [instructor] = factories.make_people(course, ["Ines Duarte"], role=Role.INSTRUCTOR)
    return Class(app, course, factories.make_program(course), learners, instructor)


@pytest.fixture
def here(app: Flask) -> Class:
    """The class on SQLite."""
    return make_class(app)


@pytest.fixture
def anywhere(any_app: Flask) -> Class:
    """The class on SQLite, then on PostgreSQL."""
    return make_class(any_app)
