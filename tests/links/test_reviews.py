"""Opening a cell of the LMS's gradebook shows the work behind it, to whom it concerns."""

from __future__ import annotations

from pathlib import Path

import pytest

from lti_tool.demo.robot import Page, Robot, RobotError
from tests.links.conftest import COURSE, Planned, Stage, add, staged, where
from tests.support.moments import SetNow
from tests.support.sandbox import SandboxProcess


@pytest.fixture
def graded(stage: Stage, teacher: Robot, program: Planned, set_now: SetNow) -> str:
    """After the first session, with a column for each week; the user id of who was there."""
    add(teacher, stage.add_content(teacher), "Add all 8 weeks", columns="weekly")
    sub = stage.first_session(program, set_now)
    stage.work()
    return sub


def review(stage: Stage, robot: Robot, sub: str, tag: str = "week-1") -> Page:
    item = next(item["id"] for item in stage.items() if item["tag"] == tag)
    return robot.launch(f"/review/{item}/{sub}")


def test_an_instructor_opens_a_cell_and_sees_the_work_and_the_cohort_around_it(
    stage: Stage, teacher: Robot, graded: str
) -> None:
    gradebook = teacher.get(f"/courses/{COURSE}/gradebook")
    ours = tuple(f"/review/{item['id']}/" for item in stage.items())
    offered = [link.href for link in gradebook.links if any(each in link.href for each in ours)]
    assert len(offered) == 4, "two learners in two columns: the week's and completion"
    page = review(stage, teacher, graded)
    assert where(page).startswith("work/")
    assert "I asked first, and listened." in page.text
    assert "was there" in page.text
    assert "1 of 2 done" in page.text
    other = stage.people("learner")[1][:4]
    assert f"Learner {other} 0 of 2 done" in page.text
    assert "absent" in teacher.follow(f"Learner {other}").text


def test_an_assistant_sees_the_same_and_in_completion_every_week_so_far(stage: Stage, graded: str) -> None:
    robot = stage.robot("ta")
    assert "I asked first, and listened." in review(stage, robot, graded).text
    page = review(stage, robot, graded, "completion")
    assert "Week 1: Situation" in page.text
    assert "Week 2" not in page.text


def test_a_learner_opens_their_own_work_from_their_grades_and_sees_nobody_else(stage: Stage, graded: str) -> None:
    robot = stage.sandbox.robot(graded)
    assert "Your work" in robot.get(f"/courses/{COURSE}/grades").text
    page = review(stage, robot, graded)
    assert where(page).endswith("/mine")
    assert "I asked first, and listened." in page.text
    assert stage.people("learner")[1][:4] not in page.text
    other = stage.robot("learner", 1)
    with pytest.raises((RobotError, AssertionError)):
        where(review(stage, other, graded))
    assert "somebody else's work" in other.page.text


def test_on_canvas_the_link_that_came_with_the_first_score_opens_the_work(tmp_path: Path, set_now: SetNow) -> None:
    canvas = SandboxProcess(tmp_path / "canvas", family="canvas")
    with staged(canvas, tmp_path) as stage:
        teacher = stage.robot()
        stage.open(teacher, stage.links()[0]["id"])
        program = stage.plan()
        sub = stage.first_session(program, set_now)
        stage.work()
        assert "I asked first, and listened." in review(stage, teacher, sub, "sessions").text
        assert where(review(stage, stage.sandbox.robot(sub), sub, "sessions")).endswith("/mine")
        attempts = {item["tag"]: item["grades"][sub]["attempts"] for item in stage.items() if sub in item["grades"]}
        assert attempts == {"sessions": 1, "completion": 0}
    canvas.close()
