"""A link that was placed by hand: the instructor is asked once what it opens; learners meanwhile get a page."""

from __future__ import annotations

import secrets

from tests.links.conftest import COURSE, Stage, where


def place(stage: Stage, title: str, custom: str = "") -> str:
    """An instructor adds a link on the LMS's own page; its id."""
    robot = stage.robot()
    page = robot.get(f"/courses/{COURSE}")
    name = f"{title} {secrets.token_hex(3)}"
    robot.submit(page.form("/links"), title=name, tool=str(stage.tool_id), custom=custom)
    robot.close()
    return str(next(link["id"] for link in stage.links() if link["title"] == name))


def test_before_there_is_a_program_a_link_opens_the_first_page_and_stays_so(stage: Stage) -> None:
    link = stage.links()[0]["id"]
    teacher = stage.robot()
    assert where(stage.open(teacher, link)) == ""
    stage.plan()
    assert where(stage.open(teacher, link)) == ""


def test_a_second_link_that_was_opened_before_there_was_a_program_is_asked_about_once_there_is_one(
    stage: Stage,
) -> None:
    teacher = stage.robot()
    first = stage.links()[0]["id"]
    second = place(stage, "Our week 2")
    for link in (first, second, first, second):
        assert where(stage.open(teacher, link)) == ""
    program = stage.plan()
    assert where(stage.open(teacher, first)) == ""
    teacher.submit(stage.open(teacher, second).form("/links/"))
    assert where(stage.open(teacher, second)) == program.weeks[1]


def test_the_instructor_is_asked_once_and_the_link_opens_that_from_then_on(stage: Stage) -> None:
    teacher, learner = stage.robot(), stage.robot("learner")
    stage.open(teacher, stage.links()[0]["id"])
    program = stage.plan()
    link = place(stage, "Our week 3")
    assert where(stage.open(learner, link)) == ""
    page = stage.open(teacher, link)
    assert "What should “Our week 3" in page.text
    assert page.form("/links/").value("opens") == f"{program.resource_id}/week/3"
    told = teacher.submit(page.form("/links/"))
    assert "From now on the link opens: Week 3" in told.text
    assert where(stage.open(teacher, link)) == program.weeks[2]
    assert where(stage.open(stage.robot(number=1), link)) == program.weeks[2]
    assert where(stage.open(stage.robot("ta"), link)) == program.weeks[2]


def test_what_a_link_opens_can_be_changed(stage: Stage) -> None:
    teacher = stage.robot()
    stage.open(teacher, stage.links()[0]["id"])
    program = stage.plan()
    link = place(stage, "Week 2")
    page = teacher.submit(stage.open(teacher, link).form("/links/"))
    again = teacher.get(next(each.href for each in reversed(page.links) if each.text == "Change"))
    teacher.submit(again.form("/links/"), opens=f"{program.resource_id}/session/4")
    assert where(stage.open(teacher, link)) == program.weeks[3]


def test_an_answer_that_is_none_of_the_offered_is_asked_again(stage: Stage) -> None:
    teacher = stage.robot()
    stage.open(teacher, stage.links()[0]["id"])
    stage.plan()
    page = stage.open(teacher, place(stage, "Ours"))
    refused = teacher.submit(page.form("/links/"), opens="another-program/week/1")
    assert refused.status == 400
    assert "Choose what the link should open." in refused.text


def test_parameters_that_name_what_is_not_of_this_course_open_nothing_of_it(stage: Stage) -> None:
    teacher, learner = stage.robot(), stage.robot("learner")
    stage.open(teacher, stage.links()[0]["id"])
    stage.plan()
    for custom in ("peerloop_opens=peerloop-program-of-others/week/1", "peerloop_opens=<script>alert(1)</script>"):
        link = place(stage, "Strange <b>link</b>", custom)
        assert where(stage.open(learner, link)) == ""
        page = stage.open(teacher, link)
        assert where(page).startswith("links/")
        assert "<b>link</b>" not in page.html
