"""The pages about people and about the connection, as those who look at them see them."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.roster import people, readings
from lti_tool.roster.tables import Course, Enrolment, ReadingState, RosterReading
from tests.roster.lms import Lms, class_of, member, person, present, reading
from tests.support import factories
from tests.support.factories import NOW, Browser


@pytest.fixture
def course(app: Flask) -> Course:
    assert app
    return factories.make_course(title="Giving feedback")


@pytest.fixture
def teacher(app: Flask, course: Course) -> Browser:
    person = factories.make_people(course, ["Ines Duarte"], role=Role.INSTRUCTOR)[0]
    return factories.visit(app, course, person, Role.INSTRUCTOR)


def seen(browser: Browser, path: str = "people", **query: object) -> str:
    response = browser.get(path, query_string=query)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def state(course: Course, state: ReadingState, **values: object) -> int:
    with transaction() as session:
        row = RosterReading(course_id=course.id, state=state.value, requested_at=NOW, try_at=NOW, **values)
        session.add(row)
        session.flush()
        return row.id


def test_the_title_says_how_many_can_be_placed(course: Course, teacher: Browser) -> None:
    factories.make_people(course, 3)
    factories.make_people(course, ["Preview"], is_test=True)
    factories.make_people(course, ["Mei Tanaka"], role=Role.MENTOR)
    page = seen(teacher)
    assert "3 learners can be placed" in page
    assert "Test user: never placed or graded" in page
    assert "Observers are never placed" in page


def test_before_the_first_reading_the_page_says_so(teacher: Browser) -> None:
    assert "The roster has not been read yet" in seen(teacher)


def test_markup_in_a_name_is_shown_as_text(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["<script>alert(1)</script>", "O'Brien & <b>Sons</b>"])
    page = seen(teacher)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>Sons" not in page


def test_people_are_found_by_a_part_of_their_name_without_its_accents(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["Zoë Ångström", "Lin Wei", "100%"])
    assert "Zoë Ångström" in seen(teacher, q="angstrom")
    assert "Lin Wei" not in seen(teacher, q="angstrom")
    assert "Lin Wei" not in seen(teacher, q="%")
    assert "Nobody here has such a name" in seen(teacher, q="nobody")


def test_a_long_list_comes_in_pages_of_fifty(course: Course, teacher: Browser) -> None:
    factories.make_people(course, 120)
    assert "Page 1 of 3" in seen(teacher, show="placeable")
    last = seen(teacher, show="placeable", page=3)
    assert "Person 99" in last
    assert "Person 99" not in seen(teacher, show="placeable", page=1)
    assert "Page 3 of 3" in seen(teacher, show="placeable", page=99)
    assert seen(teacher, show="nonsense", page="x")


def test_who_has_left_is_listed_among_the_gone(course: Course, teacher: Browser) -> None:
    gone = factories.make_people(course, ["Tomasz Kowalski"])[0]
    with transaction() as session:
        session.execute(update(Enrolment).where(Enrolment.person_id == gone.id).values(left_at=NOW))
    assert "Tomasz Kowalski" in seen(teacher, show="gone")
    assert "Tomasz Kowalski" not in seen(teacher, show="placeable")


@pytest.mark.parametrize(
    ("which", "values", "words"),
    [
        (ReadingState.RUNNING, {"pages": 3, "members": 300}, "page 3, 300 people so far"),
        (ReadingState.REQUESTED, {}, "The roster is being read."),
        (ReadingState.REQUESTED, {"problem": "At page 2, the LMS has a problem."}, "The roster is read again soon"),
        (
            ReadingState.FAILED,
            {"problem": "At page 2, the answer is not JSON."},
            "At page 2, the answer is not JSON.",
        ),
        (ReadingState.HELD, {"leaving": 9}, "9 people who were in the course are missing"),
        (ReadingState.COMPLETE, {"skipped": 2}, "2 entries of the roster could not be understood"),
    ],
)
def test_the_page_says_how_the_reading_goes(
    course: Course, teacher: Browser, which: ReadingState, values: dict[str, object], words: str
) -> None:
    state(course, which, **values)
    assert words in seen(teacher)


def test_an_assistant_sees_a_held_reading_and_does_not_decide(app: Flask, course: Course) -> None:
    held = state(course, ReadingState.HELD, leaving=9)
    person = factories.make_people(course, ["Kim"], role=Role.TEACHING_ASSISTANT)[0]
    assistant = factories.visit(app, course, person, Role.TEACHING_ASSISTANT)
    page = seen(assistant)
    assert "An instructor of this course decides" in page
    assert "CSV file" not in page
    assert assistant.post(f"people/readings/{held}/confirm").status_code == 403


def test_a_learner_does_not_see_the_list(app: Flask, course: Course) -> None:
    learner = factories.make_people(course, 1)[0]
    assert factories.visit(app, course, learner, Role.LEARNER).get("people").status_code == 403


def test_another_courses_reading_is_not_there(course: Course, teacher: Browser) -> None:
    other = factories.make_course(title="Other")
    held = state(other, ReadingState.HELD, leaving=9)
    assert course.id != other.id
    for answer in ("confirm", "dismiss"):
        assert teacher.post(f"people/readings/{held}/{answer}").status_code == 404


def test_an_answer_that_comes_too_late_changes_nothing(course: Course, teacher: Browser) -> None:
    held = state(course, ReadingState.HELD, leaving=9)
    state(course, ReadingState.COMPLETE)
    assert teacher.post(f"people/readings/{held}/confirm").status_code == 409
    assert teacher.post(f"people/readings/{held}/dismiss").status_code == 409


def test_the_button_reads_the_roster_and_the_question_about_the_missing_is_answered(lms_on_sqlite: Lms) -> None:
    lms = lms_on_sqlite
    lms.people = [member("teacher", "Ines Duarte", "Instructor"), *class_of(24)]
    recorded = lms.arrives()
    readings.run()
    lms.people = lms.people[:16]
    course = db.session.get_one(Course, recorded.course_id)
    teacher = factories.visit(lms.app, course, person("teacher"), Role.INSTRUCTOR)
    assert "The roster is being read" in teacher.post("people/read").get_data(as_text=True)
    readings.run()
    assert reading().state == "held"
    done = teacher.post(f"people/readings/{reading().id}/confirm").get_data(as_text=True)
    assert "9 people are marked as gone" in done
    assert "15 learners can be placed" in done
    assert len(present()) == 16


def take_what_is_shown(browser: Browser, page: str) -> TestResponse:
    """Press the button of a preview, as a browser does."""
    fields: dict[str, Any] = {
        name: html.unescape(value) for name, value in re.findall(r'name="(text|seen)" value="([^"]*)"', page)
    }
    return browser.post("people/attributes/take", **fields)


def test_a_file_is_shown_before_it_is_taken_and_stands_beside_the_names(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["Ana Ruiz"])
    file = (io.BytesIO('\ufeffname;"the ""site"""\nAna Ruiz;<Lisbon>\nNobody;Porto\n'.encode()), "people.csv")
    page = teacher.post("people/attributes", file=file).get_data(as_text=True)
    assert "The file changes 1 attribute" in page
    assert "1 line is about nobody in this course" in page
    assert "line 3: Nobody" in page
    assert "New, known of nobody so far: the &#34;site&#34;." in page
    assert people.attributes(db.session(), course.id) == {}
    taken = take_what_is_shown(teacher, page)
    assert "1 attribute is taken." in taken.text
    assert "the &#34;site&#34;: &lt;Lisbon&gt;" in taken.text
    assert db.session.scalars(select(AuditEntry.action)).one() == "roster.attributes"


def test_what_was_not_shown_is_not_taken(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["Ana Ruiz"])
    shown = teacher.post("people/attributes", text="name,site\nAna Ruiz,Lisbon\n").text
    other = teacher.post("people/attributes", text="name,site\nAna Ruiz,Porto\n").text
    take_what_is_shown(teacher, other)
    again = take_what_is_shown(teacher, shown)
    assert again.status_code == 409
    assert "Something changed since you looked" in again.text
    assert "Porto" in again.text
    assert list(people.attributes(db.session(), course.id).values()) == [{"site": "Porto"}]
    assert "1 attribute is taken." in take_what_is_shown(teacher, again.text).text
    assert teacher.post("people/attributes/take", text="name,site\nAna Ruiz,Faro\n", seen="").status_code == 409
    assert teacher.post("people/attributes/take", text="nonsense", seen="x").status_code == 400


def test_a_file_that_changes_nothing_says_so(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["Ana Ruiz"])
    page = teacher.post("people/attributes", text="name,site\nAna Ruiz,\nNobody,x\n").text
    assert "The file changes nothing" in page
    assert "Take it" not in page


def test_a_file_of_nearly_a_megabyte_is_carried_through_both_steps(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["Ana Ruiz"])
    lines = "".join(f"Somebody {n:05},{'x' * 90}\n" for n in range(9_000))
    page = teacher.post("people/attributes", text=f"name,site\nAna Ruiz,Lisbon\n{lines}").text
    assert "9000 lines are about nobody in this course" in page
    assert "1 attribute is taken." in take_what_is_shown(teacher, page).text


def test_a_wrong_file_is_shown_again_with_what_to_do(course: Course, teacher: Browser) -> None:
    factories.make_people(course, ["Ana Ruiz"])
    answer = teacher.post("people/attributes", text="name,site\nAna Ruiz\n<b>,x\n")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "Line 2: it has 1 cells and the header has 2." in page
    assert "&lt;b&gt;,x" in page
    assert people.attributes(db.session(), course.id) == {}
