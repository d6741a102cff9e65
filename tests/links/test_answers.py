"""What an LMS is answered, by what its request allows and by what the gradebook already has."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_tool.database import db, transaction
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.links.tables import DeepLinkingRequest
from lti_tool.lti import wire
from lti_tool.lti.launch import Role
from lti_tool.meetings import planning
from lti_tool.meetings.tables import Meeting
from lti_tool.programs.tables import Program
from lti_tool.web.visits import VisitRow
from tests.support import factories, world
from tests.support.factories import Browser
from tests.support.world import World

ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
DATA = "https://purl.imsglobal.org/spec/lti-dl/claim/data"


@pytest.fixture
def here(app: Flask) -> World:
    wire.ensure_signing_key()
    return world.build(app)


def asked(here: World, who: str = "instructor", **changes: Any) -> str:
    """The address of the page for a new request of the LMS; `changes` are fields of it."""
    with transaction() as session:
        row = factories.deep_linking_request(session, here.course, here.people[who])
        for name, value in changes.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        return f"deep-linking/{row.id}"


def target(here: World, what: str) -> str:
    return f"{here.program.resource_id}/{what}"


def claims(answer: TestResponse) -> dict[str, Any]:
    """The message that the page's form carries."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'name="JWT" value="([^"]+)"', answer.text)
    assert found is not None
    return dict(jwt.decode(unescape(found[1]), options={"verify_signature": False}))


def items(answer: TestResponse) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = claims(answer)[ITEMS]
    return found


def test_one_session_one_assignment_and_the_first_page_can_be_added_together(here: World) -> None:
    chosen = [target(here, what) for what in ("home", "session/2", "assignment/2")]
    sent = items(here.visit("instructor").post(asked(here), choose=chosen))
    assert [item["title"] for item in sent] == [
        "Giving feedback",
        "Session 2: Module 2",
        "Micro-assignment 2: Try it 2",
    ]
    assert [item["custom"]["peerloop_opens"] for item in sent] == chosen
    assert [item["url"].partition("/lti/launch/")[2] for item in sent] == chosen
    assert [item.get("lineItem", {}).get("tag") for item in sent] == ["completion", None, None]
    assert sent[1]["submission"] == {
        "startDateTime": "2026-03-16T14:00:00.000Z",
        "endDateTime": "2026-03-16T14:45:00.000Z",
    }


def test_the_dates_are_the_cohorts_own_once_they_meet(here: World) -> None:
    with transaction() as session:
        meeting = session.get_one(Meeting, here.ids["meeting_id"])
        planning.reschedule(session, meeting, meeting.starts_at + timedelta(days=1), meeting.minutes, None)
    [item] = items(here.visit("instructor").post(asked(here), choose=target(here, "week/1")))
    assert item["submission"]["startDateTime"] == "2026-03-10T14:00:00.000Z"
    assert item["submission"]["endDateTime"] == "2026-03-16T18:00:00.000Z"


def test_an_lms_that_takes_one_link_is_offered_one_and_sent_one(here: World) -> None:
    browser, page = here.visit("instructor"), asked(here, many=False, title="My title")
    shown = browser.get(page).text
    assert 'type="radio"' in shown
    assert "Add all" not in shown
    two = browser.post(page, choose=[target(here, "week/1"), target(here, "week/2")])
    assert two.status_code == 400
    assert "The LMS takes one link here." in two.text
    assert browser.post(page, what="missing-weeks").status_code == 400
    [item] = items(browser.post(page, choose=target(here, "week/1")))
    assert item["title"] == "My title"


def test_an_lms_that_takes_no_columns_is_sent_none_and_they_are_left_to_the_gradebook(here: World) -> None:
    sent = items(here.visit("instructor").post(asked(here, line_items=False), what="missing-weeks", columns="weekly"))
    assert [item for item in sent if "lineItem" in item] == []
    assert db.session.scalars(select(Column).where(Column.expected_until.is_not(None))).all() == []


def test_weeks_without_columns_leave_the_three_of_the_whole_program(here: World) -> None:
    sent = items(here.visit("instructor").post(asked(here), what="missing-weeks"))
    assert len(sent) == 8
    assert [item for item in sent if "lineItem" in item] == []
    assert db.session.get_one(Program, here.ids["program_id"]).gradebook_plan == "totals"


def test_grades_that_stand_in_totals_already_are_not_counted_twice_by_week(here: World) -> None:
    with transaction() as session:
        session.execute(update(Column).values(line_item_url="https://lms.test/lineitems/1"))
    browser, page = here.visit("instructor"), asked(here)
    assert "stand in its three columns already" in browser.get(page).text
    sent = items(browser.post(page, what="missing-weeks", columns="weekly"))
    assert [item for item in sent if "lineItem" in item] == []


def test_a_first_page_that_brought_completion_leaves_the_plan_open(here: World) -> None:
    browser = here.visit("instructor")
    [home] = items(browser.post(asked(here), choose=target(here, "home")))
    assert home["lineItem"]["tag"] == "completion"
    page = asked(here)
    assert "Each week has its own column" in browser.get(page).text
    sent = items(browser.post(page, choose=[target(here, "home"), target(here, "week/1")], columns="weekly"))
    assert [item.get("lineItem", {}).get("tag") for item in sent] == [None, "week-1"]


def test_choosing_columns_by_week_keeps_what_people_did(here: World) -> None:
    people = set(db.session.scalars(select(Cell.person_id)))
    items(here.visit("instructor").post(asked(here), what="missing-weeks", columns="weekly"))
    measures = db.session.scalars(select(Column.measure).where(Column.program_id == here.ids["program_id"])).all()
    assert sorted(measures) == ["completion", *(f"week-{n}" for n in range(1, 9))]
    assert set(db.session.scalars(select(Cell.person_id))) == people


def test_a_request_is_answered_once(here: World) -> None:
    browser, page = here.visit("instructor"), asked(here)
    items(browser.post(page, choose=target(here, "week/1"), columns="weekly"))
    again = browser.post(page, choose=target(here, "week/2"))
    assert again.status_code == 409
    assert "has been sent to the LMS already" in again.text
    assert browser.get(page).status_code == 409


def test_going_back_without_adding_anything_tells_the_lms_so(here: World) -> None:
    page = asked(here, data="keep \n this")
    sent = claims(here.visit("instructor").post(f"{page}/decline"))
    assert sent[ITEMS] == []
    assert sent[DATA] == "keep \n this"


def test_nothing_chosen_is_said_and_nothing_is_sent(here: World) -> None:
    browser, page = here.visit("instructor"), asked(here)
    assert "Choose what the link should open." in browser.post(page).text
    row = db.session.scalars(select(DeepLinkingRequest).order_by(DeepLinkingRequest.id.desc())).first()
    assert row is not None
    assert row.answered_at is None


def test_what_was_not_offered_cannot_be_chosen(here: World) -> None:
    browser, page = here.visit("instructor"), asked(here)
    for what in ("week/9", "week/0", "secrets", "home/1"):
        assert browser.post(page, choose=target(here, what)).status_code == 400, what


def test_a_program_of_another_course_can_neither_be_seen_nor_chosen(here: World) -> None:
    other = world.build(here.app, title="Another course", issuer="https://other.test")
    browser, page = here.visit("instructor"), asked(here)
    assert browser.get(f"{page}?program_id={other.ids['program_id']}").status_code == 404
    assert browser.get(f"{page}?program_id=99999999999").status_code == 404
    assert browser.post(page, choose=f"{other.program.resource_id}/week/1").status_code == 400


def test_a_request_belongs_to_who_brought_it(here: World) -> None:
    [colleague] = factories.make_people(here.course, ["A colleague"], role=Role.INSTRUCTOR)
    theirs: Browser = factories.visit(here.app, here.course, colleague, Role.INSTRUCTOR)
    assert theirs.get(asked(here)).status_code == 404
    assert theirs.post(asked(here), choose=target(here, "week/1")).status_code == 404


def test_whoever_is_no_instructor_is_told_so_and_led_back(here: World) -> None:
    for who in ("ta", "none"):
        browser, page = here.visit(who), asked(here, who)
        assert "Only an instructor adds" in browser.get(f"{page}/not-yours").text
        assert browser.get(page).status_code == 403
        assert claims(browser.post(f"{page}/decline"))[ITEMS] == []


def test_before_there_is_a_program_the_first_page_can_be_linked(app: Flask) -> None:
    wire.ensure_signing_key()
    course = factories.make_course()
    [teacher] = factories.make_people(course, ["Teacher"], role=Role.INSTRUCTOR)
    with transaction() as session:
        row = factories.deep_linking_request(session, course, teacher)
        session.add(row)
        session.flush()
        page = f"deep-linking/{row.id}"
    browser = factories.visit(app, course, teacher, Role.INSTRUCTOR)
    assert "once there is a program" in browser.get(page).text
    [item] = items(browser.post(page, choose="course/home"))
    assert item["custom"]["peerloop_opens"] == "course/home"
    assert "lineItem" not in item


def test_the_answer_leaves_for_the_lms_alone_and_takes_nothing_of_the_visit_along(here: World) -> None:
    browser = here.visit("instructor")
    answer = browser.post(asked(here), choose=target(here, "week/1"))
    policy = answer.headers["Content-Security-Policy"]
    assert "form-action 'self' https://lms.test;" in policy
    assert browser.csrf not in answer.text
    assert 'action="https://lms.test/deep-linking"' in answer.text


def test_the_lms_may_lead_on_from_the_answer_to_another_of_its_hosts(here: World) -> None:
    browser, page = here.visit("instructor"), asked(here)
    with transaction() as session:
        session.execute(update(VisitRow).values(frame_origins=["https://lms.test", "https://courses.lms.test"]))
    policy = browser.post(page, choose=target(here, "week/1")).headers["Content-Security-Policy"]
    assert "form-action 'self' https://lms.test https://courses.lms.test;" in policy


def test_what_the_lms_says_is_shown_as_text(here: World) -> None:
    page = here.visit("instructor").get(asked(here, text="<script>alert(1)</script>")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_instructor_of_two_programs_chooses_from_either(here: World) -> None:
    second = factories.make_program(here.course, sessions=2)
    second_id, name = second.id, second.resource_id
    browser, page = here.visit("instructor"), asked(here)
    assert f"program_id={second_id}" in browser.get(page).text
    sent = items(browser.post(page, program_id=str(second_id), what="missing-weeks", columns="weekly"))
    assert [item["lineItem"]["resourceId"] for item in sent] == [name, name]
