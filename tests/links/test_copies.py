"""A copied course is recognised; its instructor takes over plan and texts, or starts afresh."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db, transaction
from lti_tool.demo.robot import Robot
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.programs.tables import Module, Program
from lti_tool.roster.tables import Course
from lti_tool.work.tables import Submission
from tests.links.conftest import COURSE, Planned, Stage, add, where
from tests.support.moments import SetNow


@pytest.fixture
def old(stage: Stage, teacher: Robot, program: Planned, set_now: SetNow) -> Planned:
    """The program of the old course, with weekly links and columns, and people who did something."""
    add(teacher, stage.add_content(teacher), "Add all 8 weeks", columns="weekly")
    stage.first_session(program, set_now)
    stage.work()
    with transaction() as session:
        module = session.scalars(select(Module).where(Module.program_id == program.id, Module.number == 3)).one()
        module.title, module.prompt_a = "Asking, our way", "Our own prompt"
    return program


def copy(stage: Stage, teacher: Robot, course: str = COURSE) -> str:
    """The instructor copies the course in the LMS; the copy's id."""
    before = set(stage.sandbox.control.state()["courses"])
    teacher.submit(teacher.get(f"/courses/{course}").form("/copy"))
    [made] = set(stage.sandbox.control.state()["courses"]) - before
    return str(made)


def programs(course: str) -> list[Program]:
    db.session.rollback()
    query = select(Program).join(Course, Course.id == Program.course_id).where(Course.context_id == course)
    return list(db.session.scalars(query))


def week_page(program: Program, number: int) -> str:
    """The path of a week's page, as staff see it."""
    query = select(Module.id).where(Module.program_id == program.id, Module.number == number)
    return f"weeks/{db.session.scalar(query)}/"


def opened(stage: Stage, course: str, title: str) -> str:
    return str(next(link["id"] for link in stage.links(course) if link["title"].startswith(title)))


def test_the_plan_is_taken_over_with_its_texts_and_nothing_that_people_did(
    stage: Stage, teacher: Robot, old: Planned
) -> None:
    new = copy(stage, teacher)
    page = stage.open(teacher, opened(stage, new, "Week 1"))
    assert "Take over the plan of “Giving feedback”?" in page.text
    done = teacher.submit(page.form("/take-over"), first_session_on="2027-03-01")
    assert "The plan is taken over." in done.text
    assert "still carry the due dates of the old course" in done.text
    [taken] = programs(new)
    modules = db.session.scalars(select(Module).where(Module.program_id == taken.id).order_by(Module.number)).all()
    assert [module.number for module in modules] == list(range(1, 9))
    assert (modules[2].title, modules[2].prompt_a) == ("Asking, our way", "Our own prompt")
    assert taken.first_session_on.isoformat() == "2027-03-01"
    assert (taken.title, taken.gradebook_plan) == (old.title, "weeks")
    assert db.session.scalar(select(func.count(Cohort.id)).where(Cohort.program_id == taken.id)) == 0
    assert db.session.scalar(select(func.count(Cell.id)).join(Column).where(Column.program_id == taken.id)) == 0
    assert db.session.scalar(select(func.count(Submission.id))) == 1


def test_copied_links_open_the_new_plan_and_copied_columns_are_used_again(
    stage: Stage, teacher: Robot, old: Planned
) -> None:
    new = copy(stage, teacher)
    teacher.submit(stage.open(teacher, opened(stage, new, "Week 1")).form("/take-over"))
    [taken] = programs(new)
    assert where(stage.open(teacher, opened(stage, new, "Week 3"))) == week_page(taken, 3)
    columns = [(item["resource_id"], item["tag"]) for item in stage.items(new)]
    page = stage.add_content(teacher, new)
    week = f"{old.resource_id}/week/5"
    add(teacher, page, "Add what is chosen", choose=[week], columns="weekly")
    assert [(item["resource_id"], item["tag"]) for item in stage.items(new)] == columns


def test_whoever_starts_afresh_is_asked_no_more_and_gets_nothing_of_the_old_course(
    stage: Stage, teacher: Robot, old: Planned
) -> None:
    new = copy(stage, teacher)
    link = opened(stage, new, "Week 1")
    page = teacher.submit(stage.open(teacher, link).form("/afresh"))
    assert "Three steps to your first session" in page.text
    assert where(stage.open(teacher, link)) == ""
    assert programs(new) == []
    assert old.id
    # The copied link names a program that is not here: once there is one, the instructor says what it opens.
    stage.plan(new)
    assert where(stage.open(teacher, link)).startswith("links/")


def test_a_copy_of_a_copy_offers_the_newest_plan(stage: Stage, teacher: Robot, old: Planned) -> None:
    second = copy(stage, teacher)
    teacher.submit(stage.open(teacher, opened(stage, second, "Week 1")).form("/take-over"))
    third = copy(stage, teacher, second)
    page = stage.open(teacher, opened(stage, third, "Week 1"))
    assert "Take over the plan of “Giving feedback (copy)”?" in page.text
    teacher.submit(page.form("/take-over"))
    [taken] = programs(third)
    assert taken.resource_id == old.resource_id
    assert where(stage.open(teacher, opened(stage, third, "Week 8"))) == week_page(taken, 8)


def test_a_learner_of_the_copy_is_not_asked(stage: Stage, teacher: Robot, old: Planned) -> None:
    new = copy(stage, teacher)
    sub = stage.people("learner")[5]
    stage.sandbox.control.people({"action": "add", "course": new, "name": "Nia Neu", "sub": f"{sub}-new"})
    learner = stage.sandbox.robot(f"{sub}-new")
    assert where(stage.open(learner, opened(stage, new, "Week 1"))) == ""
    assert programs(new) == []
    assert old.id


def test_a_day_that_is_none_is_asked_for_again(stage: Stage, teacher: Robot, old: Planned) -> None:
    new = copy(stage, teacher)
    page = stage.open(teacher, opened(stage, new, "Week 1"))
    refused = teacher.submit(page.form("/take-over"), first_session_on="someday", program=str(old.id + 1))
    assert refused.status == 400
    assert "Choose a date" in refused.text
    assert programs(new) == []


def test_a_link_that_was_told_by_hand_opens_the_same_in_the_copy(stage: Stage, teacher: Robot, old: Planned) -> None:
    page = teacher.get(f"/courses/{COURSE}")
    teacher.submit(page.form("/links"), title="By hand 6", tool=str(stage.tool_id))
    asked = stage.open(teacher, opened(stage, COURSE, "By hand 6"))
    teacher.submit(asked.form("/links/"), opens=f"{old.resource_id}/week/6")
    new = copy(stage, teacher)
    link = opened(stage, new, "By hand 6")
    assert "peerloop_opens" not in json.loads(next(each["custom"] for each in stage.links(new) if each["id"] == link))
    teacher.submit(stage.open(teacher, link).form("/take-over"))
    [taken] = programs(new)
    assert where(stage.open(teacher, link)) == week_page(taken, 6)
