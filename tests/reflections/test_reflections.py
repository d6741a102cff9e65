"""Reflections: a few lines for oneself, read by the facilitators too; whoever was away catches up by them."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.database import db
from lti_tool.gradebook.tables import Cell, Column
from lti_tool.lti.launch import Role
from lti_tool.meetings.tables import Presence
from lti_tool.reflections.tables import Reflection
from tests.meetings.scene import Scene
from tests.support import factories
from tests.support.moments import SetNow, set_now

__all__ = ["set_now"]

WORDS = "I wanted to advise after ten seconds. שלום 🙂 <script>alert(1)</script>"
SHOWN = "I wanted to advise after ten seconds."


def held(app: Flask, set_now: SetNow) -> Scene:
    """Everybody but Farah was in the first session, which is closed."""
    scene = Scene(app, set_now)
    scene.at(0)
    scene.everybody_here()
    scene.mark(Farah=Presence.ABSENT)
    scene.start()
    for minute in (2, 12, 33):
        scene.at(minute)
        scene.step("next")
    return scene


def write(scene: Scene, who: str, text: str = WORDS) -> int:
    return scene.visit(who).post(f"{scene.address}/reflection", text=text).status_code


def sessions_of(scene: Scene, name: str) -> tuple[float | None, str | None]:
    db.session.rollback()
    query = select(Cell).join(Column).where(Column.measure == "sessions", Cell.person_id == scene.person(name).id)
    wanted = db.session.scalars(query).one().values.wanted
    return wanted.score, wanted.comment


def test_in_the_reflection_everybody_writes_for_themselves_and_finds_it_again(
    any_app: Flask, set_now: SetNow
) -> None:
    scene = held(any_app, set_now)
    assert "A few lines for yourself" in scene.visit("Amara").get(f"{scene.address}/mine").text
    assert write(scene, "Amara", "  ") == 400
    assert write(scene, "Amara", "First.") == 200
    assert write(scene, "Amara") == 200
    assert db.session.scalars(select(Reflection.text)).all() == [WORDS]
    own = scene.visit("Amara").get(f"{scene.address}/mine").text
    assert SHOWN in own
    assert "<script>alert" not in own
    assert SHOWN in scene.visit("Amara").get(f"programs/{scene.program.id}/reflections/mine").text
    assert "1 of 6 have written a reflection" in scene.visit("Mei").get(scene.address).text
    assert SHOWN in scene.visit("Mei").get(f"{scene.address}/reflections").text


def test_nobody_else_reads_them(app: Flask, set_now: SetNow) -> None:
    scene = held(app, set_now)
    write(scene, "Amara")
    for path in (
        f"{scene.address}/mine",
        f"{scene.address}/reflection",
        f"programs/{scene.program.id}/reflections/mine",
    ):
        assert SHOWN not in scene.visit("Bilal").get(path).text
    assert scene.visit("Bilal").get(f"{scene.address}/reflections").status_code == 403
    (tova, zoe) = (
        factories.make_people(scene.course, [n], role=r)[0]
        for n, r in (("Tova", Role.INSTRUCTOR), ("Zoe", Role.LEARNER))
    )
    teacher = factories.visit(scene.app, scene.course, tova, Role.INSTRUCTOR)
    for path in (scene.address, f"{scene.address}/reflections"):
        page = teacher.get(path).text
        assert "1 of 6 have written a reflection" in page
        assert SHOWN not in page
    stranger = factories.visit(scene.app, scene.course, zoe, Role.LEARNER)
    assert stranger.post(f"{scene.address}/reflection", text=WORDS).status_code == 404
    assert stranger.get(f"{scene.address}/reflection").status_code == 404
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.subject == "reflection")).one()
    assert SHOWN not in str((entry.before, entry.after, entry.why))


def test_who_was_away_catches_up_and_is_excused_only_where_the_program_says_so(app: Flask, set_now: SetNow) -> None:
    scene = held(app, set_now)
    assert "Catch up" not in scene.visit("Farah").get("").text
    scene.at(45)
    scene.close()
    assert "You missed session 1" in scene.visit("Farah").get("").text
    assert "You missed" not in scene.visit("Amara").get("").text
    page = scene.visit("Farah").get(f"{scene.address}/reflection").text
    for part in ("Teach", "Prompt A", "Reflect", "Try it 1", "does not turn your absence into presence"):
        assert part in page
    (tova,) = factories.make_people(scene.course, ["Tova"], role=Role.INSTRUCTOR)
    teacher = factories.visit(scene.app, scene.course, tova, Role.INSTRUCTOR)
    address = f"programs/{scene.program.id}/catching-up"
    assert "0 of 1 who were away have caught up" in teacher.get(address).text
    assert write(scene, "Farah") == 200
    assert "You missed" not in scene.visit("Farah").get("").text
    assert "1 of 1 who were away have caught up" in teacher.get(address).text
    assert "caught up" in scene.visit("Mei").get(f"{scene.address}/reflections").text
    assert sessions_of(scene, "Farah") == (0, "0 of 8 sessions")
    assert teacher.post(address, excuses="1").status_code == 200
    assert sessions_of(scene, "Farah") == (None, None)
    assert sessions_of(scene, "Amara") == (100, "1 of 8 sessions")
    assert scene.visit("Mei").post(address).status_code == 403
    teacher.post(address)
    assert sessions_of(scene, "Farah") == (0, "0 of 8 sessions")


@pytest.mark.parametrize("minute", [-20, 3 * 7 * 24 * 60])
def test_nothing_is_written_before_a_session_and_an_old_one_is_no_longer_asked_for(
    app: Flask, set_now: SetNow, minute: int
) -> None:
    scene = held(app, set_now)
    if minute < 0:
        scene.at(minute)
        assert write(scene, "Amara") == 400
        return
    scene.close()
    scene.at(minute)
    assert "You missed" not in scene.visit("Farah").get("").text
    assert write(scene, "Farah") == 200
