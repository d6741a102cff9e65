"""An instructor edits what a session is; nothing typed is lost, and no other's change is overwritten unseen."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.programs import rules, scripts
from lti_tool.programs.access import WITH_MODULES
from lti_tool.programs.tables import AgendaItem, Module, Program
from lti_tool.roster.tables import Course
from tests.support import factories
from tests.support.factories import Browser
from tests.work.scene import at_once

SEEN = re.compile(r'name="seen" value="(\w+)"')


@dataclass
class Scene:
    app: Flask
    course: Course
    program: Program
    instructor: Browser

    def path(self, number: int = 1) -> str:
        query = select(Module.id).where(Module.program_id == self.program.id, Module.number == number)
        return f"programs/{self.program.id}/modules/{db.session.scalar(query) or 999}/script"

    def form(self, **changes: str) -> dict[str, Any]:
        [seen] = SEEN.findall(self.instructor.get(self.path()).get_data(as_text=True))
        texts = {"title": "New", "micro_teach": "Say", "prompt_a": "One", "prompt_b": "Two", "reflection": "Why?"}
        texts["parts"] = "5 Hello\r\n30 Play"
        return {"seen": seen} | texts | changes

    def script(self, number: int) -> list[tuple[int, str, str]]:
        query = (
            select(AgendaItem.minutes, AgendaItem.title, AgendaItem.tip).join(Module).order_by(AgendaItem.position)
        )
        rows = db.session.execute(query.where(Module.program_id == self.program.id, Module.number == number))
        return [(minutes, title, tip) for minutes, title, tip in rows]


@pytest.fixture
def scene(app: Flask) -> Scene:
    course = factories.make_course()
    [person] = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    program = factories.make_program(course, sessions=2)
    return Scene(app, course, program, factories.visit(app, course, person, Role.INSTRUCTOR))


def test_a_session_is_edited_and_its_parts_stand_where_they_were_put(scene: Scene) -> None:
    fields = scene.form(parts="30 Play\n- Walk <script>round</script> 🙂\n\n - Listen\n5   Hello")
    page = scene.instructor.post(scene.path(), **fields).get_data(as_text=True)
    assert "The session is changed." in page
    assert "Walk &lt;script&gt;round&lt;/script&gt; 🙂" in page
    assert scene.script(1) == [(30, "Play", "Walk <script>round</script> 🙂\nListen"), (5, "Hello", "")]
    assert scene.script(2)[0] == (2, "Welcome", "")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "session text changed")).one()
    assert (entry.before["prompt_a"], entry.after["prompt_a"]) == ("A", "One")


def test_its_parts_can_be_those_of_all_later_sessions(scene: Scene) -> None:
    with transaction() as session:
        later = session.scalars(select(Module).where(Module.program_id == scene.program.id, Module.number == 2)).one()
        for item in session.scalars(select(AgendaItem).where(AgendaItem.module_id == later.id)):
            item.tip = f"{item.title} here"
    scene.instructor.post(scene.path(), **scene.form(later_too="1", parts="5 Welcome\n- Wave\n30 Play"))
    assert scene.script(1) == [(5, "Welcome", "Wave"), (30, "Play", "")]
    assert scene.script(2) == [(5, "Welcome", "Welcome here"), (30, "Play", "")]


def test_a_script_that_comes_with_peerloop_fills_the_form_and_stores_nothing(scene: Scene) -> None:
    before = scene.script(1)
    page = scene.instructor.post(scene.path(), **scene.form(fill="one-page", title="Mine")).get_data(as_text=True)
    assert "Commitments: what, by when, who asks" in page
    assert 'value="Mine"' in page
    assert scene.script(1) == before


def test_who_saves_over_somebody_elses_change_is_told_first_and_keeps_the_text(scene: Scene) -> None:
    fields = scene.form(prompt_a="Mine")
    scene.instructor.post(scene.path(), **scene.form(prompt_a="Theirs"))
    answer = scene.instructor.post(scene.path(), **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Somebody else changed this session while you wrote" in page
    assert "Mine</textarea>" in page
    [seen] = SEEN.findall(page)
    scene.instructor.post(scene.path(), **fields | {"seen": seen})
    assert db.session.scalars(select(Module.prompt_a).where(Module.number == 1)).one() == "Mine"


def test_of_two_who_save_at_the_same_instant_the_second_is_told(any_app: Flask) -> None:
    course = factories.make_course()
    [person] = factories.make_people(course, ["Ines"], role=Role.INSTRUCTOR)
    program_id, person_id = factories.make_program(course, sessions=2).id, person.id
    saved: list[str] = []

    def save(number: int) -> None:
        with transaction() as session:
            program = session.scalars(select(Program).where(Program.id == program_id).options(WITH_MODULES)).one()
            module = program.modules[0]
            text = replace(scripts.of_module(module), title=f"Title {number}")
            with contextlib.suppress(scripts.StaleError):
                scripts.change(session, program, module, text, seen=seen, later_too=False, actor_id=person_id)
                saved.append(text.title)

    query = select(Module).where(Module.program_id == program_id, Module.number == 1)
    seen = scripts.of_module(db.session.scalars(query.options(selectinload(Module.agenda))).one()).mark
    assert at_once(any_app, save) == []
    assert [db.session.scalars(query).one().title] == saved


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parts": "0 Hello"}, "“0 Hello” is no part. Begin a part with its minutes, 1 to 60"),
        ({"parts": "- A tip"}, "“- A tip” is no part"),
        ({"parts": "Hello"}, "“Hello” is no part"),
        ({"parts": "5 Hello\n29 More\n20 Again\n30 Play"}, "take 54 minutes; the session has 45"),
        ({"parts": "\n"}, "Write something here."),
        ({"parts": "1 Hello\n" * 16}, "Write at most 15 parts."),
        ({"prompt_b": " "}, "Write something here."),
        ({"title": "x" * 121}, "shorten it to 120"),
    ],
)
def test_a_wrong_field_is_told_and_nothing_is_stored(scene: Scene, changes: dict[str, str], words: str) -> None:
    before = scene.script(1)
    answer = scene.instructor.post(scene.path(), **scene.form(**changes))
    assert answer.status_code == 400
    assert words in answer.get_data(as_text=True)
    assert "Say</textarea>" in answer.get_data(as_text=True)
    assert scene.script(1) == before


def test_only_instructors_of_the_course_edit(scene: Scene) -> None:
    [learner] = factories.make_people(scene.course, ["Lea"])
    assert factories.visit(scene.app, scene.course, learner, Role.LEARNER).get(scene.path()).status_code == 403
    elsewhere = factories.make_course(title="Elsewhere", issuer="https://elsewhere.test")
    [stranger] = factories.make_people(elsewhere, ["Stan"], role=Role.INSTRUCTOR)
    browser = factories.visit(scene.app, elsewhere, stranger, Role.INSTRUCTOR)
    assert browser.get(scene.path()).status_code == 404
    assert browser.post(scene.path(), **scene.form()).status_code == 404
    assert scene.instructor.get(scene.path(9)).status_code == 404


def test_a_program_can_begin_with_the_one_page_script(scene: Scene) -> None:
    values = {
        "title": "Two",
        "skill": "s",
        "first_session_on": "2026-03-12",
        "session_time": "14:00",
        "session_minutes": "45",
    }
    with transaction() as session:
        made = rules.create(
            session, session.merge(scene.course), values | {"zone": "UTC", "script": "one-page"}, None
        )
        scene.program = made
    assert [(minutes, title) for minutes, title, _tip in scene.script(1)][2::2] == [
        (18, "Practice: role-play with prompts A and B"),
        (5, "Commitments: what, by when, who asks"),
    ]
