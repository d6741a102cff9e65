"""A course with learners of known departments, and what a test does with its cohorts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask
from flask_babel import force_locale

from lti_tool.cohorts import people, proposing, wishes
from lti_tool.cohorts.proposing import Draft
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Person, PersonAttribute
from tests.support import factories
from tests.support.factories import Browser

DEPARTMENTS = ("Sales", "Support", "Product", "Customer Success")


@dataclass
class House:
    """One course with 24 learners, an instructor, and a program."""

    app: Flask
    course: Course
    program: Program
    learners: list[Person]
    instructor: Person

    def visit(self, role: Role = Role.INSTRUCTOR, person: Person | None = None) -> Browser:
        """A visit in this course."""
        return factories.visit(self.app, self.course, person or self.instructor, role)

    def at(self, what: str = "") -> str:
        """The address of a page about this program's cohorts."""
        return f"programs/{self.program.id}/cohorts{what and '/' + what}"

    def ids(self, *numbers: int) -> tuple[int, ...]:
        """The ids of the learners with these numbers, from 0."""
        return tuple(self.learners[number].id for number in numbers)

    def propose(self, rules: Rules | None = None, seed: int = 1) -> Proposal:
        """Store a proposal by these rules, as the page does."""
        with transaction() as session:
            program = session.get_one(Program, self.program.id)
            problem, draft = self.solved(rules or wishes.usual(program), seed)
            assert draft is not None, problem
            before = proposing.proposal_of(session, program.id)
            version = before.version if before else 0
            return proposing.store(session, program, draft, version=version, actor_id=self.instructor.id)

    def solved(self, rules: Rules, seed: int = 1) -> tuple[object, Draft | None]:
        """The solver's answer, and a draft of it when there are cohorts."""
        placeable = people.placeable(db.session(), self.course.id)
        program = db.session.get_one(Program, self.program.id)
        problem = proposing.question(db.session(), program, rules, placeable)
        solution = proposing.search(problem, seed)
        return solution, Draft(rules, problem, solution.to_json()) if solution.status == "solved" else None

    def draft(self) -> Draft:
        """The stored draft."""
        db.session.rollback()
        proposal = proposing.proposal_of(db.session(), self.program.id)
        assert proposal is not None
        return proposing.draft_of(proposal)

    def version(self) -> int:
        """The version of the stored draft."""
        db.session.rollback()
        proposal = proposing.proposal_of(db.session(), self.program.id)
        return proposal.version if proposal else 0


def make_house(app: Flask, learners: int | Sequence[str] = 24, *, title: str = "Giving feedback") -> House:
    """A house with that many learners."""
    course = factories.make_course(title=title)
    made = factories.make_people(course, learners)
    [instructor] = factories.make_people(course, ["Ines Instructor"], role=Role.INSTRUCTOR)
    return House(app, course, factories.make_program(course), made, instructor)


def know(house: House, name: str, values: Mapping[int, str]) -> None:
    """Say something about people of the course, by person id."""
    with transaction() as session:
        session.add_all(
            PersonAttribute(course_id=house.course.id, person_id=person, name=name, value=value)
            for person, value in values.items()
        )


@pytest.fixture
def house(app: Flask) -> House:
    """A course on SQLite."""
    return make_house(app)


@pytest.fixture
def any_house(any_app: Flask) -> House:
    """The same on SQLite, then on PostgreSQL."""
    return make_house(any_app)


@pytest.fixture
def departments(house: House) -> House:
    """The learners of `house` have a department and a level."""
    know(house, "department", {p.id: DEPARTMENTS[n % 4] for n, p in enumerate(house.learners)})
    know(house, "level", {p.id: str(1 + n % 5) for n, p in enumerate(house.learners)})
    return house


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    """Words without a request, whose language they would be in."""
    with app.app_context(), force_locale("en"):
        yield
