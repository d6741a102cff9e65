"""An instructor adds Peerloop from inside the LMS, which gets links, dates and columns, each once."""

from __future__ import annotations

import json

from sqlalchemy import select

from lti_tool.database import transaction
from lti_tool.demo.robot import Robot
from lti_tool.gradebook.tables import Column
from tests.links.conftest import Planned, Stage, add
from tests.support import factories
from tests.support.moments import SetNow


def new_links(stage: Stage) -> list[str]:
    """The titles of the links that came from Peerloop; the first one came with the tool's registration."""
    return [link["title"] for link in stage.links()[1:]]


def columns(stage: Stage) -> list[str]:
    return [item["tag"] for item in stage.items()]


def test_the_whole_program_becomes_a_link_each_week_with_its_column_and_dates(
    stage: Stage, teacher: Robot, program: Planned
) -> None:
    page = stage.add_content(teacher)
    assert "8 links, one for each week" in page.text
    taken = add(teacher, page, "Add all 8 weeks", columns="weekly")
    assert "8 added to Giving feedback" in taken.text, taken.text
    links = stage.links()[1:]
    assert [link["title"].partition(":")[0] for link in links] == [f"Week {n}" for n in range(1, 9)]
    assert json.loads(links[0]["dates"])["submission"] == {
        "startDateTime": "2026-12-07T14:00:00.000Z",
        "endDateTime": "2026-12-13T18:00:00.000Z",
    }
    items = stage.items()
    assert [(item["resource_id"], item["tag"]) for item in items] == [
        (program.resource_id, f"week-{n}") for n in range(1, 9)
    ]
    assert [item["link_id"] for item in items] == [link["id"] for link in links]


def test_columns_that_came_with_links_are_the_ones_that_get_the_scores(
    stage: Stage, teacher: Robot, program: Planned, set_now: SetNow
) -> None:
    add(teacher, stage.add_content(teacher), "Add all 8 weeks", columns="weekly")
    ana = stage.first_session(program, set_now)
    stage.work()
    shown = {item["tag"]: item["grades"].get(ana) for item in stage.items()}
    assert len(stage.items()) == 9
    assert shown["week-1"]["score"] == 100
    assert shown["week-1"]["comment"] == "1 of 2 done"
    assert shown["week-2"] is None
    assert shown["completion"]["comment"] == "1 of 30 done"


def test_a_column_that_the_lms_may_still_be_making_is_waited_for(
    stage: Stage, teacher: Robot, program: Planned, set_now: SetNow
) -> None:
    """An LMS may show its own form first: the answer has gone out, and the columns come later or never."""
    page = stage.add_content(teacher)
    form = page.form("/deep-linking/")
    teacher.submit(form, "Add all 8 weeks", columns="weekly")  # and the answer is not passed on
    stage.first_session(program, set_now)
    stage.work()
    assert columns(stage) == ["completion"]
    with transaction() as session:
        for column in session.scalars(select(Column)):
            column.expected_until = factories.NOW
    stage.work()
    assert columns(stage) == ["completion", "week-1"]


def test_nothing_is_made_twice_when_the_program_is_added_again(
    stage: Stage, teacher: Robot, program: Planned
) -> None:
    week_3 = f"{program.resource_id}/week/3"
    add(teacher, stage.add_content(teacher), "Add what is chosen", choose=[week_3], columns="weekly")
    page = stage.add_content(teacher)
    assert "7 weeks have no link yet" in page.text
    add(teacher, page, "Add the 7 missing weeks")
    assert sorted(title.partition(":")[0] for title in new_links(stage)) == [f"Week {n}" for n in range(1, 9)]
    add(teacher, stage.add_content(teacher), "Add what is chosen", choose=[week_3])
    assert len(new_links(stage)) == 9
    assert sorted(columns(stage)) == [f"week-{n}" for n in range(1, 9)]
