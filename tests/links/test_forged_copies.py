"""What a link says of its history leads nobody to a plan that they have not seen in its own course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.links import copies
from lti_tool.links.tables import CourseCopy
from lti_tool.lti.launch import Identity, Launch, Platform, Role, Standing
from lti_tool.programs.tables import Program
from lti_tool.roster.launches import Recorded
from lti_tool.roster.tables import Course, Enrolment, Person
from tests.support import factories
from tests.support.factories import Browser


@dataclass
class Copied:
    """A course with a program, its teacher, and a second course whose links say that it is a copy of it."""

    app: Flask
    origin: Course
    course: Course
    teacher: Person
    """Who teaches in both."""
    colleague: Person
    """Who teaches in the second alone."""
    history: str
    """What its links say."""

    def launch(self, session: Session, who: Person, *, is_admin: bool = False) -> int | None:
        """Launch; the course whose plan this person is offered."""
        launch = Launch(
            registration_id=1,
            deployment_id="1",
            message_type="LtiResourceLinkRequest",
            target_link_uri="http://localhost/",
            identity=Identity(who.subject),
            standing=Standing(Role.INSTRUCTOR),
            platform=Platform(),
            context=None,
            resource_link=None,
            memberships_url=None,
            grades=None,
            return_url=None,
            frame_origins=(),
            custom={"context_history": self.history},
        )
        recorded = Recorded(
            tenant_id=self.course.tenant_id,
            course_id=self.course.id,
            link_id=None,
            link_opens=None,
            person_id=who.id,
            person_name=who.name,
            enrolment_id=None,
            role=Role.INSTRUCTOR,
            is_test=False,
            is_admin=is_admin,
            zone="UTC",
            locale=None,
            course_title=self.course.title,
            first_reading=False,
            standing_changed=False,
        )
        return copies.origin_to_offer(session, launch, recorded)

    def offered(self, who: Person, **how: Any) -> int | None:
        with transaction() as session:
            return self.launch(session, who, **how)

    def page(self, what: str = "", origin: Course | None = None) -> str:
        """The address, within a visit, of the offer of a course's plan."""
        return f"copy/{(origin or self.origin).id}/{what}"

    def visit(self, who: Person, **how: Any) -> Browser:
        return factories.visit(self.app, self.course, who, Role.INSTRUCTOR, **how)


@pytest.fixture
def copied(any_app: Flask) -> Copied:
    origin = factories.make_course(title="Old")
    factories.make_program(origin)
    [teacher] = factories.make_people(origin, ["Ana"], role=Role.INSTRUCTOR)
    course = factories.make_course(title="New", tenant_id=origin.tenant_id)
    [colleague] = factories.make_people(course, ["Ben"], role=Role.INSTRUCTOR)
    return Copied(any_app, origin, course, teacher, colleague, f"unknown,{origin.context_id}")


def stands(copied: Copied, role: Role, **more: Any) -> None:
    """What the teacher is in the old course by now."""
    with transaction() as session:
        which = Enrolment.person_id == copied.teacher.id, Enrolment.course_id == copied.origin.id
        session.execute(update(Enrolment).where(*which).values(role=role.value, **more))


def test_who_taught_the_old_course_is_asked_also_when_they_have_left_it(copied: Copied) -> None:
    stands(copied, Role.TEACHING_ASSISTANT, left_at=clock.wall())
    assert copied.offered(copied.teacher) == copied.origin.id
    assert "Take over the plan of “Old”?" in copied.visit(copied.teacher).get(copied.page()).text


@pytest.mark.parametrize("role", [Role.LEARNER, Role.MENTOR, Role.NONE])
def test_who_is_no_teacher_of_the_course_that_a_link_names_gets_nothing_of_it(copied: Copied, role: Role) -> None:
    stands(copied, role)
    for who in (copied.teacher, copied.colleague):
        assert copied.offered(who) is None
        visit = copied.visit(who)
        page = visit.get(copied.page())
        assert page.status_code == 404
        assert "Old" not in page.text
        assert visit.post(copied.page("take-over"), first_session_on="2026-12-07").status_code == 404
    assert db.session.scalars(select(Program.course_id)).all() == [copied.origin.id]


def test_what_waits_for_its_teacher_is_offered_to_no_other(copied: Copied) -> None:
    assert copied.offered(copied.teacher) == copied.origin.id
    assert copied.offered(copied.colleague) is None
    visit = copied.visit(copied.colleague)
    assert "Old" not in visit.get(copied.page()).text
    [program] = db.session.scalars(select(Program)).all()
    visit.post(copied.page("take-over"), program=program.id, first_session_on=program.first_session_on)
    visit.post(copied.page("afresh"))
    assert db.session.scalars(select(CourseCopy.decision)).all() == [None]
    assert copied.offered(copied.teacher) == copied.origin.id


def test_each_teacher_is_offered_the_newest_plan_of_those_that_they_taught(copied: Copied) -> None:
    newer = factories.make_course(title="Newer", tenant_id=copied.origin.tenant_id)
    program = factories.make_program(newer)
    with transaction() as session:
        taught = {"role": Role.INSTRUCTOR.value, "is_test": False, "joined_at": factories.NOW}
        session.add(Enrolment(course_id=newer.id, person_id=copied.colleague.id, **taught))
    copied.history = f"{newer.context_id},{copied.origin.context_id}"
    for _time in range(2):
        assert copied.offered(copied.teacher) == copied.origin.id
        assert copied.offered(copied.colleague) == newer.id
    assert copied.visit(copied.teacher).get(copied.page(origin=newer)).status_code == 404
    visit = copied.visit(copied.colleague)
    assert "Take over the plan of “Newer”?" in visit.get(copied.page(origin=newer)).text
    day = program.first_session_on
    done = visit.post(copied.page("take-over", newer), program=program.id, first_session_on=day)
    assert "The plan is taken over." in done.text
    assert db.session.scalars(select(CourseCopy.origin_id)).all() == [newer.id]
    assert copied.offered(copied.teacher) is None


def test_nothing_is_offered_any_more_once_the_course_has_a_program_of_its_own(copied: Copied) -> None:
    assert copied.offered(copied.teacher) == copied.origin.id
    visit = copied.visit(copied.teacher)
    own = factories.make_program(copied.course)
    assert copied.offered(copied.teacher) is None
    assert "Old" not in visit.get(copied.page(), follow_redirects=True).text
    visit.post(copied.page("take-over"), first_session_on=own.first_session_on)
    assert db.session.scalars(select(Program.id).where(Program.course_id == copied.course.id)).all() == [own.id]


def test_an_administrator_of_the_institution_may_take_over_the_plan_of_any_course(copied: Copied) -> None:
    assert copied.offered(copied.colleague, is_admin=True) == copied.origin.id
    page = copied.visit(copied.colleague, is_admin=True).get(copied.page())
    assert "Take over the plan of “Old”?" in page.text


@pytest.mark.parametrize("any_app", ["postgresql"], indirect=True)  # SQLite lets one launch write at a time
def test_two_launches_that_find_the_copy_at_once_are_both_answered(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = copies._origin

    def meanwhile(*arguments: Any) -> int | None:
        monkeypatch.undo()
        with Session(db.engine) as other:
            assert copied.launch(other, copied.teacher) == copied.origin.id
            other.commit()
        return found(*arguments)

    monkeypatch.setattr(copies, "_origin", meanwhile)
    assert copied.offered(copied.teacher) == copied.origin.id
    assert db.session.scalars(select(CourseCopy.origin_id)).all() == [copied.origin.id]
