"""A program is planned in one step, and its sessions are at the right time all year round."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.programs import rules
from lti_tool.programs.fields import FormError
from lti_tool.programs.schedule import fitted, local_time, session_start
from lti_tool.programs.tables import AgendaItem, Module, Program
from lti_tool.programs.templates import SHORT, template
from tests.support import factories
from tests.support.moments import SetNow, counted_queries, set_now

__all__ = ["set_now"]

VALUES: dict[str, Any] = {
    "title": "Giving feedback, spring",
    "skill": "giving feedback",
    "first_session_on": "2026-03-12",
    "session_time": "14:00",
    "session_minutes": "60",
    "zone": "Europe/Lisbon",
}


@pytest.fixture(autouse=True)
def _early_march(set_now: SetNow) -> None:
    set_now(factories.NOW)


def _create(**values: str) -> Program:
    course = factories.make_course()
    with transaction() as session:
        return rules.create(session, session.merge(course), VALUES | values, None)


def test_the_template_is_a_complete_program_of_eight_sessions() -> None:
    source = template()
    assert len(source.modules) == 8
    assert [(part.key, part.minutes) for part in source.scripts[SHORT]] == [
        ("welcome", 2),
        ("teach", 10),
        ("practice", 20),
        ("reflection", 10),
        ("close", 3),
    ]
    for module in source.modules:
        assert 5 <= module.assignment_minutes <= 15
        assert len(module.micro_teach) > 300
        assert len(module.reflection) >= 3
        assert all((module.prompt_a, module.prompt_b, module.assignment_text))
        assert module.tips.keys() <= {part.key for part in source.scripts[SHORT]}


@pytest.mark.usefixtures("any_app")
def test_one_step_makes_the_program_with_its_modules_and_scripts() -> None:
    program = _create()
    assert db.session.scalar(select(func.count()).select_from(Module).where(Module.program_id == program.id)) == 8
    minutes = db.session.execute(
        select(Module.number, func.sum(AgendaItem.minutes)).join(AgendaItem).group_by(Module.number)
    )
    assert {total for _number, total in minutes} == {60}
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_id) == ("program created", program.id)


def test_a_longer_session_gives_its_minutes_to_the_practice() -> None:
    assert [minutes for _part, minutes in fitted(template().scripts[SHORT], 60)] == [2, 10, 35, 10, 3]
    assert [minutes for _part, minutes in fitted(template().scripts[SHORT], 45)] == [2, 10, 20, 10, 3]


@pytest.mark.usefixtures("any_app")
def test_the_same_form_sent_twice_makes_one_program() -> None:
    course = factories.make_course()
    made = []
    for _time in range(2):
        with transaction() as session:
            made.append(rules.create(session, session.merge(course), VALUES, None).id)
    assert made[0] == made[1]
    assert db.session.query(Program).count() == 1


@pytest.mark.usefixtures("app")
def test_a_second_program_needs_another_title() -> None:
    course = factories.make_course()
    with transaction() as session:
        rules.create(session, session.merge(course), VALUES, None)
    with transaction() as session, pytest.raises(FormError, match="another title"):
        rules.create(session, session.merge(course), VALUES | {"session_time": "15:00"}, None)


@pytest.mark.usefixtures("app")
def test_the_zone_is_the_courses_unless_another_is_chosen() -> None:
    course = factories.make_course(zone="Asia/Tokyo")
    values = {name: value for name, value in VALUES.items() if name != "zone"}
    with transaction() as session:
        program = rules.create(session, session.merge(course), values, None)
    assert program.zone == "Asia/Tokyo"


@pytest.mark.usefixtures("app")
def test_a_program_that_already_runs_may_begin_in_the_past() -> None:
    assert _create(first_session_on="2026-01-15").first_session_on == date(2026, 1, 15)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("title", "", "Write something"),
        ("title", "   ", "Write something"),
        ("title", "x" * 121, "shorten it to 120"),
        ("title", "a\0b", "cannot be stored"),
        ("skill", "x" * 2000, "shorten it to 120"),
        ("first_session_on", "soon", "Choose a date"),
        ("first_session_on", "9999-12-31", "between"),
        ("first_session_on", "0001-01-01", "between"),
        ("first_session_on", "2026-02-30", "Choose a date"),
        ("session_time", "25:00", "Choose a time"),
        ("session_time", "", "Choose a time"),
        ("session_minutes", "44", "45 to 60"),
        ("session_minutes", "61", "45 to 60"),
        ("session_minutes", "9" * 5000, "45 to 60"),
        ("session_minutes", "٤٥", "45 to 60"),
        ("session_minutes", "-50", "45 to 60"),
        ("zone", "Mars/Olympus", "time zone from the list"),
        ("zone", "../../etc/passwd", "time zone from the list"),
        ("zone", "", "time zone from the list"),
    ],
)
@pytest.mark.usefixtures("app")
def test_a_wrong_field_is_told_at_that_field(field: str, value: str, says: str) -> None:
    with pytest.raises(FormError) as wrong:
        rules.read_wish(VALUES | {field: value}, factories.NOW)
    assert list(wrong.value.errors) == [field]
    assert says in wrong.value.errors[field]


def test_sessions_stay_at_the_same_time_of_day_when_summer_time_begins() -> None:
    program = Program(first_session_on=date(2026, 3, 26), session_time=time(14, 0), zone="Europe/Lisbon")
    assert session_start(program, 1) == datetime(2026, 3, 26, 14, 0, tzinfo=UTC)
    assert session_start(program, 2) == datetime(2026, 4, 2, 13, 0, tzinfo=UTC)
    assert {session_start(program, n).astimezone(ZoneInfo("Europe/Lisbon")).hour for n in range(1, 9)} == {14}


def test_a_time_that_the_clocks_skip_is_taken_an_hour_later() -> None:
    assert local_time(date(2026, 3, 29), time(2, 30), "Europe/Berlin") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_time_that_the_clocks_show_twice_is_taken_the_first_time() -> None:
    assert local_time(date(2026, 10, 25), time(2, 30), "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_instructor_plans_a_program_on_the_page(app: Flask) -> None:
    course = factories.make_course(zone="Europe/Lisbon")
    (ines,) = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    browser = factories.visit(app, course, ines, Role.INSTRUCTOR)
    form = browser.get("programs/new").get_data(as_text=True)
    assert 'value="Giving feedback"' in form
    assert '<option value="Europe/Lisbon" selected>' in form
    page = browser.post("programs/new", **VALUES)
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "Next: session 1, Situation, behaviour, impact" in text
    assert "Prompt A" in text
    assert text.count("Welcome") == 8


def test_a_wrong_form_comes_back_with_what_was_typed(app: Flask) -> None:
    course = factories.make_course()
    (ines,) = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    browser = factories.visit(app, course, ines, Role.INSTRUCTOR)
    markup = '"><script>alert(1)</script>'
    page = browser.post("programs/new", **VALUES | {"zone": "Mars/Olympus", "title": markup})
    assert page.status_code == 400
    text = page.get_data(as_text=True)
    assert "Choose a time zone from the list" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert browser.post("programs/new").status_code == 400
    assert db.session.query(Program).count() == 0


def test_only_instructors_plan_and_only_staff_see_the_plan(app: Flask) -> None:
    course = factories.make_course()
    program = factories.make_program(course)
    wanted = {
        Role.INSTRUCTOR: (200, 200),
        Role.TEACHING_ASSISTANT: (403, 200),
        Role.LEARNER: (403, 403),
    }
    for role, statuses in wanted.items():
        (person,) = factories.make_people(course, ["P"], role=role)
        browser = factories.visit(app, course, person, role)
        answers = (browser.get("programs/new"), browser.get(f"programs/{program.id}/plan"))
        assert tuple(answer.status_code for answer in answers) == statuses


def test_a_program_of_another_course_is_not_there(app: Flask) -> None:
    course = factories.make_course()
    other = factories.make_program(factories.make_course(title="Other", issuer="https://other.test"))
    (ines,) = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    browser = factories.visit(app, course, ines, Role.INSTRUCTOR)
    assert browser.get(f"programs/{other.id}/plan").status_code == 404
    assert browser.get("programs/99999999999999999999/plan").status_code == 404


def test_a_form_from_elsewhere_is_refused(app: Flask) -> None:
    course = factories.make_course()
    (ines,) = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    browser = factories.visit(app, course, ines, Role.INSTRUCTOR)
    assert browser.post("programs/new", **VALUES | {"csrf_token": "stolen"}).status_code == 400
    assert db.session.query(Program).count() == 0


def test_the_plan_asks_the_database_as_often_for_five_cohorts_as_for_one(app: Flask) -> None:
    course = factories.make_course()
    program = factories.make_program(course)
    (ines,) = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    browser = factories.visit(app, course, ines, Role.INSTRUCTOR)
    factories.make_cohort(program, [], name="A")
    with counted_queries() as few:
        assert "Cohort A" in browser.get(f"programs/{program.id}/plan").get_data(as_text=True)
    for name in "BCDE":
        factories.make_cohort(program, [], name=name)
    with counted_queries() as many:
        assert "Cohort E" in browser.get(f"programs/{program.id}/plan").get_data(as_text=True)
    assert len(few) == len(many)
