"""Where a launch leads, for every role and for whatever an LMS may claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.links import doors
from lti_tool.links.doors import HOME, Door
from lti_tool.lti.launch import Context, GradeService, Identity, Launch, ResourceLink, Role, Standing
from lti_tool.lti.launch import Platform as Instance
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.programs.tables import Module
from lti_tool.roster import launches
from lti_tool.roster.tables import CourseLink, Person, Tenant
from tests.support import factories, world
from tests.support.moments import counted_queries
from tests.support.world import World

LINE_ITEM = "https://lms.test/lineitems/1"
BASE = "https://peerloop.test/lti/launch"


@pytest.fixture
def here(app: Flask) -> World:
    """A course with a program; the LMS has a column of it."""
    built = world.build(app)
    with transaction() as session:
        session.execute(update(Column).where(Column.measure == "sessions").values(line_item_url=LINE_ITEM))
        session.execute(update(CourseLink).values(opens="course/home"))
    return built


def launch(here: World, who: str, **changes: Any) -> Launch:
    """Somebody opens a link of the course; `changes` are fields of `Launch`."""
    tenant = db.session.get_one(Tenant, here.course.tenant_id)
    role = {"facilitator": Role.LEARNER}.get(who) or Role(who)
    person = db.session.get_one(Person, here.people[who].id)
    made = Launch(
        registration_id=tenant.registration_id,
        deployment_id="1",
        message_type="LtiResourceLinkRequest",
        target_link_uri=BASE,
        identity=Identity(person.subject, name=person.name),
        standing=Standing(role),
        platform=Instance(guid="test"),
        context=Context(here.course.context_id),
        resource_link=ResourceLink("link-1", "Week 1"),
        memberships_url=None,
        grades=None,
        return_url=None,
        frame_origins=(),
    )
    return replace(made, **changes)


def door(here: World, who: str, **changes: Any) -> Door:
    arriving = launch(here, who, **changes)
    with transaction() as session:
        return doors.door(session, arriving, launches.record(session, arriving))


def module(here: World, number: int) -> int | None:
    query = select(Module.id).where(Module.program_id == here.ids["program_id"], Module.number == number)
    return db.session.scalar(query)


def link(name: str, title: str = "A link") -> ResourceLink:
    return ResourceLink(name, title)


def reviewed(person_id: int) -> dict[str, Any]:
    """The LMS opens a cell of the sessions' column."""
    return {
        "message_type": "LtiSubmissionReviewRequest",
        "resource_link": None,
        "grades": GradeService(None, LINE_ITEM, frozenset()),
        "for_user": db.session.get_one(Person, person_id).subject,
    }


def test_the_courses_own_link_asks_the_database_for_nothing_more(here: World) -> None:
    door(here, "learner")
    with transaction() as session:
        arriving = launch(here, "learner")
        recorded = launches.record(session, arriving)
        with counted_queries() as sent:
            assert doors.door(session, arriving, recorded) == HOME
    assert sent == []


def test_a_link_leads_each_role_to_its_own_page(here: World) -> None:
    name = here.program.resource_id
    week = {"resource_link": link("week-3"), "custom": {"peerloop_opens": f"{name}/week/3"}}
    third = {"module_id": module(here, 3)}
    assert door(here, "instructor", **week) == Door("weeks.week", third)
    assert door(here, "ta", **week) == Door("weeks.week", third)
    assert door(here, "learner", **week) == Door("weeks.own_week", third)
    assert door(here, "mentor", **week) == HOME
    assert door(here, "none", **week) == HOME


def test_a_link_whose_parameters_the_lms_dropped_is_known_by_its_address(here: World) -> None:
    name = here.program.resource_id
    address = f"{BASE}/{name}/assignment/2"
    found = door(here, "learner", resource_link=link("a"), target_link_uri=address)
    assert found == Door("weeks.own_assignment", {"module_id": module(here, 2)})
    # The link stays what it is, even if the address is dropped later.
    assert door(here, "learner", resource_link=link("a")) == found


@pytest.mark.parametrize(
    "said",
    [
        "nobodys-program/week/1",
        "../../admin",
        "week/1",
        "{name}/week/0",
        "{name}/week/1/2",
        "{name}/secrets",
        "a" * 200,
    ],
)
def test_what_is_no_target_of_this_course_opens_the_first_page(here: World, said: str) -> None:
    custom = {"peerloop_opens": said.format(name=here.program.resource_id)}
    assert door(here, "learner", resource_link=link("odd"), custom=custom) == HOME
    assert door(here, "instructor", resource_link=link("odd"), custom=custom).endpoint == "asking.ask"


def test_a_program_of_another_course_is_not_opened_by_its_name(here: World) -> None:
    other = world.build(here.app, title="Another course", issuer="https://other.test")
    custom = {"peerloop_opens": f"{other.program.resource_id}/week/1"}
    assert door(here, "learner", resource_link=link("foreign"), custom=custom) == HOME


def test_the_entry_in_canvas_menu_is_the_first_page_and_is_never_asked_about(here: World) -> None:
    entry = ResourceLink(here.course.context_id, "Peerloop")
    assert door(here, "instructor", resource_link=entry) == HOME


def test_staff_come_to_anybodys_work_and_a_learner_to_their_own(here: World) -> None:
    own = here.people["learner"].id
    for who in ("instructor", "ta"):
        found = door(here, who, **reviewed(own))
        assert found.endpoint == "reviews.work"
    assert door(here, "learner", **reviewed(own)).endpoint == "reviews.own_work"


def test_nobody_else_comes_to_somebodys_work(here: World) -> None:
    for who in ("learner", "facilitator", "mentor", "none"):
        with pytest.raises(LaunchRefused, match="not_your_work"):
            door(here, who, **reviewed(here.ids["person_id"]))


def test_work_in_a_column_that_is_not_ours_leads_to_the_first_page(here: World) -> None:
    review = reviewed(here.people["learner"].id)
    elsewhere = review | {"grades": GradeService(None, "https://lms.test/lineitems/99", frozenset())}
    assert door(here, "instructor", **elsewhere) == HOME
    assert door(here, "learner", **elsewhere) == HOME
    unknown = review | {"for_user": "nobody"}
    assert door(here, "instructor", **unknown) == HOME


def test_the_link_that_canvas_keeps_with_a_score_opens_the_same_work(here: World) -> None:
    cell_id = here.ids["cell_id"]
    assert db.session.get_one(Cell, cell_id).person_id == here.people["learner"].id
    address = {"target_link_uri": f"{BASE}/review/{cell_id}", "resource_link": link("assignment")}
    assert door(here, "instructor", **address) == Door("reviews.work", {"cell_id": cell_id})
    assert door(here, "learner", **address) == Door("reviews.own_work", {"cell_id": cell_id})
    with pytest.raises(LaunchRefused, match="not_your_work"):
        door(here, "facilitator", **address)
    # The assignment's own link has not become a review by that.
    opens = select(CourseLink.opens).where(CourseLink.link_id == "assignment")
    assert db.session.scalar(opens) is None


def test_a_cell_of_another_course_is_not_there(here: World) -> None:
    other = world.build(here.app, title="Another course", issuer="https://other.test")
    address = {"target_link_uri": f"{BASE}/review/{other.ids['cell_id']}", "resource_link": link("x")}
    assert door(here, "instructor", **address) == HOME


def test_the_work_page_shows_the_text_and_the_cohort_to_staff_and_nobody_else_to_the_learner(here: World) -> None:
    person_id = here.ids["person_id"]
    found = door(here, "instructor", **reviewed(person_id))
    page = here.visit("instructor").get(f"work/{found.values['cell_id']}/").text
    assert "I tried it." in page
    assert "Person 03" in page
    owner = factories.visit(here.app, here.course, db.session.get_one(Person, person_id), Role.LEARNER)
    own = owner.get(f"work/{found.values['cell_id']}/mine").text
    assert "I tried it." in own
    assert "Person 03" not in own
    assert here.visit("learner").get(f"work/{found.values['cell_id']}/mine").status_code == 404
