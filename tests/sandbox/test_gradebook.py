import csv
import io
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from lti_tool.demo.robot import Page, Robot
from tests.sandbox.minitool import MiniTool
from tests.support.sandbox import SandboxProcess

GRADEBOOK = "/courses/ctx-feedback/gradebook"


@pytest.fixture
def instructor(sandbox: SandboxProcess, staff: dict[str, str]) -> Iterator[Robot]:
    robot = sandbox.robot(staff["instructor"])
    yield robot
    robot.close()


def item_number(item: dict[str, str]) -> str:
    return urlsplit(item["id"]).path.rpartition("/")[2]


def type_grade(robot: Robot, item: dict[str, str], sub: str, score: str, comment: str) -> Page:
    """Open one cell of the grid, type, save."""
    number = item_number(item)
    robot.get(f"{GRADEBOOK}?edit={number}.{sub}")
    return robot.submit(robot.form(f"/gradebook/{number}/{sub}"), score=score, comment=comment)


def test_the_instructor_sees_the_columns_and_comments_of_the_tool(
    tool: MiniTool, instructor: Robot, learners: list[str]
) -> None:
    item = tool.create_item(label="Micro-assignments <1>")
    tool.score(item, learners[0], scoreGiven=7.25, comment="5 of 8 & more")
    page = instructor.get(GRADEBOOK)
    assert "Micro-assignments <1>" in page.text
    assert "7.25" in page.text
    assert "5 of 8 & more" in page.text
    assert "Reading quiz" in page.text


def test_a_grade_set_by_a_person_is_in_the_results_with_who_set_it(
    sandbox: SandboxProcess, tool: MiniTool, instructor: Robot, learners: list[str], staff: dict[str, str]
) -> None:
    item = tool.create_item()
    tool.score(item, learners[0], comment="5 of 8")
    page = type_grade(instructor, item, learners[0], "9,5", "Well argued")
    result = tool.result(item, learners[0])
    assert page.status == 200
    assert result is not None
    assert (result["resultScore"], result["comment"]) == (9.5, "Well argued")
    assert result["scoringUserId"] == staff["instructor"]
    kept = sandbox.control.state()["overrides"][-1]
    assert (kept["score_before"], kept["score_after"], kept["by_sub"]) == (8, 9.5, staff["instructor"])
    assert kept["at"].endswith("Z")


def test_saving_a_cell_unchanged_is_no_override(
    sandbox: SandboxProcess, tool: MiniTool, instructor: Robot, learners: list[str]
) -> None:
    item = tool.create_item()
    tool.score(item, learners[0], comment="5 of 8")
    before = len(sandbox.control.state()["overrides"])
    type_grade(instructor, item, learners[0], "8", "5 of 8")
    assert len(sandbox.control.state()["overrides"]) == before


def test_a_later_score_of_the_tool_overwrites_what_a_person_set(
    tool: MiniTool, instructor: Robot, learners: list[str]
) -> None:
    item = tool.create_item()
    type_grade(instructor, item, learners[0], "3", "")
    tool.score(item, learners[0])
    result = tool.result(item, learners[0])
    assert result is not None
    assert result["resultScore"] == 8
    assert "scoringUserId" not in result


@pytest.mark.parametrize("typed", ["-1", "seven", "nan", "inf"])
def test_what_is_no_grade_is_refused_with_a_hint(
    tool: MiniTool, instructor: Robot, learners: list[str], typed: str
) -> None:
    item = tool.create_item()
    page = type_grade(instructor, item, learners[0], typed, "")
    assert page.status == 400
    assert "is not a grade" in page.text
    assert tool.results(item) == []


def test_a_learner_sees_only_their_own_grades(sandbox: SandboxProcess, tool: MiniTool, learners: list[str]) -> None:
    item = tool.create_item(label="Only for you")
    tool.score(item, learners[0], comment="comment of the first")
    tool.score(item, learners[1], comment="comment of the second")
    robot = sandbox.robot(learners[0])
    page = robot.get("/courses/ctx-feedback/grades")
    assert "comment of the first" in page.text
    assert "comment of the second" not in page.text
    assert robot.get(GRADEBOOK).status == 403
    assert robot.get("/courses/ctx-feedback/participants.csv").status == 403
    robot.close()


def test_a_forged_form_changes_nothing(tool: MiniTool, instructor: Robot, learners: list[str]) -> None:
    item = tool.create_item()
    number = item_number(item)
    instructor.get(f"{GRADEBOOK}?edit={number}.{learners[0]}")
    form = instructor.form(f"/gradebook/{number}")
    assert instructor.submit(form, csrf_token="guessed", score="10").status == 400
    assert tool.results(item) == []


def test_the_teaching_assistant_may_look_but_not_grade(
    sandbox: SandboxProcess, tool: MiniTool, staff: dict[str, str], learners: list[str]
) -> None:
    item = tool.create_item()
    robot = sandbox.robot(staff["ta"])
    page = robot.get(f"{GRADEBOOK}?edit={item_number(item)}.{learners[0]}")
    assert page.status == 200
    assert not [form for form in page.forms if "/gradebook/" in form.action]
    robot.close()


def test_the_participants_page_gives_what_no_service_carries_as_a_file(
    instructor: Robot, learners: list[str]
) -> None:
    assert instructor.get("/courses/ctx-feedback/participants").status == 200
    page = instructor.follow("Download as CSV")
    rows = list(csv.DictReader(io.StringIO(page.html)))
    assert {row["user_id"] for row in rows} == set(learners)
    assert list(rows[0]) == ["user_id", "name", "email", "department", "site", "experience"]
    assert all(1 <= float(row["experience"]) <= 5 for row in rows)
    assert len({row["department"] for row in rows}) == 5
    assert len({row["site"] for row in rows}) == 4


def test_names_with_markup_are_shown_as_they_are_written(own_sandbox: SandboxProcess) -> None:
    name = '<script>alert("x")</script>'
    own_sandbox.control.people({"action": "add", "course": "ctx-coaching", "name": name})
    robot = own_sandbox.robot()
    robot.get("/")
    people = own_sandbox.control.state()["courses"]["ctx-coaching"]["people"]
    teacher = next(person["sub"] for person in people if person["role"] == "instructor")
    robot.get(f"/enter/person/{teacher}")
    for path in ("/courses/ctx-coaching/participants", "/courses/ctx-coaching/gradebook"):
        page = robot.get(path)
        assert "<script>alert" not in page.html
    assert name in robot.get("/courses/ctx-coaching/participants").text
    robot.close()


def test_an_instructor_can_place_another_link_with_parameters(tool: MiniTool, instructor: Robot) -> None:
    instructor.get("/courses/ctx-feedback")
    page = instructor.submit(
        instructor.form("/courses/ctx-feedback/links"), title="Week 3", custom="week=3\nwho=$Person.name.full"
    )
    assert "Week 3" in page.text
    opened = [link.href for link in page.links if link.text == "Open"][-1]
    instructor.launch(opened)
    claims = tool.claims()
    custom = claims["https://purl.imsglobal.org/spec/lti/claim/custom"]
    assert claims["https://purl.imsglobal.org/spec/lti/claim/resource_link"]["title"] == "Week 3"
    assert (custom["week"], custom["who"]) == ("3", claims["name"])


def test_people_sign_in_with_one_click_on_the_first_page(sandbox: SandboxProcess, staff: dict[str, str]) -> None:
    robot = sandbox.robot()
    page = robot.get("/")
    form = next(form for form in page.forms if form.value("sub") == staff["instructor"])
    assert "Giving feedback" in robot.submit(form).text
    assert robot.get("/admin/tools").status == 403
    robot.close()


def test_a_tool_form_with_mistakes_names_each_of_them_and_keeps_the_rest(sandbox: SandboxProcess) -> None:
    robot = sandbox.robot()
    robot.get("/enter/admin")
    robot.get("/admin/tools")
    page = robot.submit(robot.form("/admin/tools"), name="Kept", login_url="ftp://x", redirect_uris="")
    assert page.status == 400
    assert "Login URL" in page.text
    assert "Redirect URIs" in page.text
    assert page.form("/admin/tools").value("name") == "Kept"
    robot.close()
