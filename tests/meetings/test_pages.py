"""The page of a session, as facilitators use it on their phones, and the list of all sessions for staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool.cohorts.tables import Cohort
from lti_tool.database import db
from lti_tool.lti.launch import Role
from lti_tool.meetings import pairs
from lti_tool.meetings.overview import attendance_overview, facilitated_meetings, next_meeting_of
from lti_tool.meetings.tables import Attendance, Meeting
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Person
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import SetNow, counted_queries, set_now

__all__ = ["set_now"]


class Scene:
    """A cohort in its first session, facilitated by Mei, who is no member of staff."""

    def __init__(self, app: Flask, set_now: SetNow) -> None:
        self.app = app
        self.set_now = set_now
        self.course: Course = factories.make_course(zone="UTC")
        self.program: Program = factories.make_program(self.course)
        self.people: list[Person] = factories.make_people(self.course, ["Amara", "Bilal", "Chen", "Dana"])
        (self.mei,) = factories.make_people(self.course, ["Mei"])
        self.cohort: Cohort = factories.make_cohort(self.program, self.people, facilitator=self.mei)
        self.meetings = db.session.scalars(select(Meeting.id).order_by(Meeting.starts_at)).all()
        self.address = f"meetings/{self.meetings[0]}"
        start = db.session.get_one(Meeting, self.meetings[0]).starts_at
        set_now(start + timedelta(minutes=5))

    def as_facilitator(self) -> Browser:
        return factories.visit(self.app, self.course, self.mei, Role.LEARNER)

    def as_staff(self, role: Role = Role.INSTRUCTOR) -> Browser:
        (person,) = factories.make_people(self.course, [f"Staff {role}"], role=role)
        return factories.visit(self.app, self.course, person, role)

    def marks(self, *values: str) -> dict[str, Any]:
        return {f"presence-{p.id}": value for p, value in zip(self.people, values, strict=False)}

    def stored(self) -> dict[str, str]:
        rows = db.session.execute(
            select(Person.name, Attendance.presence)
            .join(Attendance, Attendance.person_id == Person.id)
            .where(Attendance.meeting_id == self.meetings[0])
        )
        return dict(iter(rows))


@pytest.fixture
def scene(app: Flask, set_now: SetNow) -> Scene:
    return Scene(app, set_now)


def test_a_facilitator_sees_script_people_and_pairs(scene: Scene) -> None:
    page = scene.as_facilitator().get(scene.address)
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    for words in ("Session 1 · Cohort A", "Micro-teach", "Prompt A", "Here: 0 of 4", "Amara", "Make pairs"):
        assert words in text
    assert "Move it" not in text


def test_one_button_marks_everybody_and_another_makes_pairs(scene: Scene) -> None:
    browser = scene.as_facilitator()
    assert "Here: 4 of 4" in browser.post(f"{scene.address}/attendance", everybody="1").get_data(as_text=True)
    text = browser.post(f"{scene.address}/pairs").get_data(as_text=True)
    assert text.count("first time together") == 2


def test_everybody_else_is_here_keeps_what_was_marked_otherwise(scene: Scene) -> None:
    browser = scene.as_facilitator()
    browser.post(f"{scene.address}/attendance", everybody="1", **scene.marks("excused", "late"))
    assert scene.stored() == {"Amara": "excused", "Bilal": "late", "Chen": "present", "Dana": "present"}


def test_closing_saves_what_was_just_marked(scene: Scene) -> None:
    browser = scene.as_facilitator()
    text = browser.post(f"{scene.address}/close", **scene.marks("present", "late")).get_data(as_text=True)
    assert "closed" in text
    assert "Close the session" not in text
    assert scene.stored() == {"Amara": "present", "Bilal": "late", "Chen": "absent", "Dana": "absent"}


def test_an_old_page_does_not_undo_what_the_other_facilitator_marked(scene: Scene) -> None:
    one, other = scene.as_facilitator(), scene.as_staff(Role.TEACHING_ASSISTANT)
    one.post(f"{scene.address}/attendance", **scene.marks("present", "absent"))
    shown: dict[str, Any] = {f"shown-{p.id}": "" for p in scene.people}
    other.post(f"{scene.address}/attendance", **shown, **scene.marks("", "", "present"))
    assert scene.stored() == {"Amara": "present", "Bilal": "absent", "Chen": "present"}
    shown |= {f"shown-{scene.people[0].id}": "absent"}
    other.post(f"{scene.address}/attendance", **shown, **scene.marks("absent"))
    assert scene.stored()["Amara"] == "present"


@pytest.mark.parametrize(
    ("field", "value"),
    [("presence-{known}", "asleep"), ("presence-999999", "present"), ("presence-x", "present"),
     ("presence-99999999999999999999999", "present"), ("presence-٤", "present"), ("presence-", "present"),
     ("presence-{known}", "x" * 100_000)],
)  # fmt: skip
def test_foreign_and_huge_values_are_refused_and_the_marks_stay_on_the_page(
    scene: Scene, field: str, value: str
) -> None:
    wrong: dict[str, Any] = {field.format(known=scene.people[1].id): value}
    page = scene.as_facilitator().post(f"{scene.address}/attendance", **scene.marks("late") | wrong)
    assert page.status_code == 400
    text = page.get_data(as_text=True)
    assert "One thing to put right" in text
    amara = scene.people[0].id
    assert f'id="field-presence-{amara}-2" name="presence-{amara}" value="late" checked' in text
    assert scene.stored() == {}


def test_who_may_enter_a_session(scene: Scene) -> None:
    amara = factories.visit(scene.app, scene.course, scene.people[0], Role.LEARNER)
    assert amara.get(scene.address).status_code == 403
    assert amara.post(f"{scene.address}/close").status_code == 403
    assistant = scene.as_staff(Role.TEACHING_ASSISTANT)
    assert assistant.get(scene.address).status_code == 200
    assert assistant.post(f"{scene.address}/attendance", **scene.marks("late")).status_code == 200
    assert assistant.post(f"{scene.address}/reopen").status_code == 403
    assert assistant.post(f"{scene.address}/reschedule").status_code == 403
    mei = scene.as_facilitator()
    assert mei.post(f"{scene.address}/reschedule").status_code == 403
    assert mei.get(f"programs/{scene.program.id}/sessions").status_code == 403


def test_a_facilitator_enters_only_their_own_cohorts_sessions(scene: Scene) -> None:
    other = factories.make_cohort(scene.program, [], name="B")
    foreign = db.session.scalars(select(Meeting.id).where(Meeting.cohort_id == other.id)).first()
    assert scene.as_facilitator().get(f"meetings/{foreign}").status_code == 403
    assert scene.as_staff().get(f"meetings/{foreign}").status_code == 200


def test_another_courses_session_is_not_there(scene: Scene) -> None:
    course = factories.make_course(title="Other", issuer="https://other.test")
    (ines,) = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    browser = factories.visit(scene.app, course, ines, Role.INSTRUCTOR)
    for path in ("", "/attendance", "/pairs", "/close", "/reopen", "/reschedule"):
        answer = browser.post(scene.address + path) if path else browser.get(scene.address)
        assert answer.status_code == 404
    assert browser.get(f"programs/{scene.program.id}/sessions").status_code == 404
    assert browser.get("meetings/99999999999").status_code == 404


def test_a_form_from_elsewhere_is_refused(scene: Scene) -> None:
    answer = scene.as_facilitator().post(f"{scene.address}/close", csrf_token="stolen")
    assert answer.status_code == 400
    assert db.session.get_one(Meeting, scene.meetings[0]).closed_at is None


def test_an_instructor_moves_a_session(scene: Scene) -> None:
    browser = scene.as_staff()
    moved: dict[str, Any] = {"day": "2026-03-10", "at": "16:30", "minutes": "50"}
    assert "50 min" in browser.post(f"{scene.address}/reschedule", **moved).get_data(as_text=True)
    assert db.session.get_one(Meeting, scene.meetings[0]).starts_at.isoformat() == "2026-03-10T16:30:00+00:00"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"day": "never"}, "Choose a date"),
        ({"day": "9999-01-01"}, "Choose a date between"),
        ({"at": "99:99"}, "Choose a time"),
        ({"minutes": "400"}, "45 to 60"),
        ({"day": "2026-03-16", "at": "13:30"}, "next session begins"),
        ({"day": None, "at": None, "minutes": None}, "Choose a date"),
    ],
)
def test_a_wrong_time_is_told_and_what_was_typed_stays(scene: Scene, wrong: dict[str, Any], says: str) -> None:
    values = {k: v for k, v in ({"day": "2026-03-10", "at": "16:30", "minutes": "50"} | wrong).items() if v}
    page = scene.as_staff().post(f"{scene.address}/reschedule", **values)
    assert page.status_code == 400
    text = page.get_data(as_text=True)
    assert says in text
    assert all(f'value="{value}"' in text for value in values.values())


def test_an_instructor_opens_a_closed_session_again(scene: Scene) -> None:
    browser = scene.as_staff()
    assert "Open it again" in browser.post(f"{scene.address}/close").get_data(as_text=True)
    assert "Close the session" in browser.post(f"{scene.address}/reopen").get_data(as_text=True)


def test_a_coming_session_cannot_be_closed_by_accident(scene: Scene) -> None:
    later = f"meetings/{scene.meetings[3]}"
    browser = scene.as_facilitator()
    assert "Close the session" not in browser.get(later).get_data(as_text=True)
    page = browser.post(f"{later}/close")
    assert page.status_code == 400
    assert "has not begun yet" in page.get_data(as_text=True)


def test_pairs_that_met_before_are_marked(scene: Scene) -> None:
    browser = scene.as_facilitator()
    for meeting_id in scene.meetings[:4]:
        scene.set_now(db.session.get_one(Meeting, meeting_id).ends_at)
        browser.post(f"meetings/{meeting_id}/attendance", everybody="1")
        text = browser.post(f"meetings/{meeting_id}/pairs").get_data(as_text=True)
        browser.post(f"meetings/{meeting_id}/close")
    assert text.count("met in session 1") == 2
    assert "first time together" not in text


def test_the_page_says_when_pairs_no_longer_fit(scene: Scene) -> None:
    browser = scene.as_facilitator()
    browser.post(f"{scene.address}/pairs", **scene.marks("present", "present"))
    text = browser.post(f"{scene.address}/attendance", **scene.marks("present", "present", "late")).get_data(True)
    assert "These pairs are not those of the people who are here now" in text


def test_staff_see_every_session_with_a_way_to_its_people(scene: Scene) -> None:
    browser = scene.as_staff()
    browser.post(f"{scene.address}/close", **scene.marks("present", "late", "excused"))
    scene.set_now(db.session.get_one(Meeting, scene.meetings[1]).ends_at)
    text = browser.get(f"programs/{scene.program.id}/sessions").get_data(as_text=True)
    assert "One session waits to be closed" in text
    assert f'/{scene.address}">2 of 3</a>' in text
    (first, *_) = attendance_overview(db.session(), scene.program.id)
    assert (first.attended, first.expected, first.members) == (2, 3, 4)


def test_a_program_without_cohorts_has_a_page_that_says_what_comes(scene: Scene) -> None:
    empty = factories.make_program(scene.course)
    text = scene.as_staff().get(f"programs/{empty.id}/sessions").get_data(as_text=True)
    assert "No sessions yet" in text


def test_the_list_asks_the_database_as_often_for_five_cohorts_as_for_one(scene: Scene) -> None:
    browser = scene.as_staff()
    address = f"programs/{scene.program.id}/sessions"
    with counted_queries() as few:
        browser.get(address)
    for name in "BCDE":
        factories.make_cohort(scene.program, factories.make_people(scene.course, [name, f"{name}2"]), name=name)
    with counted_queries() as many:
        assert "5 cohorts" in browser.get(address).get_data(as_text=True)
    assert len(few) == len(many)


def test_the_page_of_a_session_asks_as_often_for_twenty_people_as_for_four(scene: Scene) -> None:
    browser = scene.as_staff()
    browser.post(f"{scene.address}/pairs", everybody="1")
    people = factories.make_people(scene.course, [f"Q{n:02d}" for n in range(20)])
    other = factories.make_cohort(scene.program, people, name="B")
    meeting_id = db.session.scalars(select(Meeting.id).where(Meeting.cohort_id == other.id)).first()
    browser.post(f"meetings/{meeting_id}/pairs", everybody="1")
    with counted_queries() as few:
        browser.get(scene.address)
    with counted_queries() as many:
        assert "Here: 20 of 20" in browser.get(f"meetings/{meeting_id}").get_data(as_text=True)
    assert len(few) == len(many)


def test_home_pages_know_what_comes_next(any_app: Flask, set_now: SetNow) -> None:
    scene = Scene(any_app, set_now)
    now = db.session.get_one(Meeting, scene.meetings[1]).starts_at - timedelta(hours=1)
    coming = next_meeting_of(db.session(), scene.people[0].id, scene.program.id, now)
    assert coming is not None
    assert (coming.id, coming.module.number, coming.cohort.name) == (scene.meetings[1], 2, "A")
    assert next_meeting_of(db.session(), scene.mei.id, scene.program.id, now) is None
    mine = facilitated_meetings(db.session(), scene.mei.id, scene.course.id, now)
    assert [meeting.id for meeting in mine] == list(scene.meetings)
    assert facilitated_meetings(db.session(), scene.people[0].id, scene.course.id, now) == []


def test_during_a_session_it_is_still_the_next_one(any_app: Flask, set_now: SetNow) -> None:
    scene = Scene(any_app, set_now)
    first = db.session.get_one(Meeting, scene.meetings[0])
    found = next_meeting_of(db.session(), scene.people[0].id, scene.program.id, first.ends_at - timedelta(minutes=1))
    assert found is not None
    assert found.id == first.id
    found = next_meeting_of(db.session(), scene.people[0].id, scene.program.id, first.ends_at)
    assert found is not None
    assert found.id == scene.meetings[1]
    assert pairs.partners(db.session(), first.id, scene.people[0].id) == []
