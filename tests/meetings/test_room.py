"""The room of a session: its clock, and pairs that follow who is here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import selectinload

from lti_tool.database import db, transaction
from lti_tool.meetings import pairs, planning, room_view, script
from lti_tool.meetings.tables import Meeting, Presence, Room
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Module
from tests.meetings.scene import NAMES, Scene


def test_a_session_is_started_from_ten_minutes_before(scene: Scene) -> None:
    scene.at(-11)
    with pytest.raises(FormError, match="ten minutes before"):
        scene.start()
    scene.at(-2)
    scene.start()
    assert [part.seconds for part in scene.script()] == [m * 60 for m in (2, 10, 22, 10, 3)]
    scene.at(0)
    scene.start()
    assert scene.script()[0].began == scene.starts_at - timedelta(minutes=2)


def test_of_two_facilitators_who_press_next_at_once_one_moves_the_clock(anywhere: Scene) -> None:
    anywhere.start()
    seen = script.seen(anywhere.script())
    assert [anywhere.step("next", seen), anywhere.step("next", seen)] == [True, False]
    assert script.current(anywhere.script()) == 1


def test_of_many_who_press_next_in_the_same_moment_one_moves_the_clock(anywhere: Scene) -> None:
    anywhere.start()
    seen = script.seen(anywhere.script())
    db.session.rollback()

    def press(_thread: int) -> bool:
        with anywhere.app.app_context():
            return anywhere.step("next", seen)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(press, range(4))) == [False, False, False, True]
    db.session.rollback()
    assert script.current(anywhere.script()) == 1


def test_the_one_who_was_slower_is_told_so(scene: Scene) -> None:
    scene.start()
    browser, path = scene.visit("Mei"), f"{scene.address}/clock"
    assert "Somebody was quicker" not in browser.post(path, step="more", seen="0.0").text
    assert "Somebody was quicker" in browser.post(path, step="more", seen="0.0").text


def test_two_minutes_more_move_the_rest_and_not_the_end(scene: Scene) -> None:
    scene.at(0)
    scene.start()
    scene.step("more")
    assert sum(part.seconds for part in scene.script()) == 45 * 60
    text = scene.visit("Mei").get(scene.address).text
    assert "18 min" in text
    assert "ends late" not in text


def test_a_plan_that_ends_late_says_so(scene: Scene) -> None:
    scene.at(44)
    scene.start()
    assert "By this plan the session ends late" in scene.visit("Mei").get(scene.address).text


def test_a_button_that_the_clock_does_not_have_is_refused(scene: Scene) -> None:
    scene.start()
    browser = scene.visit("Mei")
    for step in ("sideways", "", "next" * 9999):
        assert browser.post(f"{scene.address}/clock", step=step, seen="0.0").status_code == 400


def test_the_clock_of_a_session_that_is_not_under_way_does_not_move(scene: Scene) -> None:
    browser, path = scene.visit("Mei"), f"{scene.address}/clock"
    assert browser.post(path, step="next", seen="0.0").status_code == 400
    scene.start()
    scene.at(45)
    scene.close()
    assert browser.post(path, step="next", seen="0.0").status_code == 400


def test_a_session_that_was_left_open_shows_no_clock_a_day_later(scene: Scene) -> None:
    scene.start()
    scene.at(24 * 60)
    text = scene.visit("Mei").get(scene.address).text
    assert "Next part" not in text
    assert "Close the session" in text


def test_a_session_that_is_moved_to_another_day_is_no_longer_under_way(scene: Scene) -> None:
    scene.start()
    with transaction() as session:
        meeting = session.get_one(Meeting, scene.meeting_id)
        planning.reschedule(session, meeting, scene.starts_at + timedelta(days=1), 45, None)
    assert db.session.get(Room, scene.meeting_id) is None


# Pairs that follow who is here


def test_starting_pairs_those_who_are_here(scene: Scene) -> None:
    scene.mark(Amara=Presence.PRESENT, Bilal=Presence.PRESENT, Chen=Presence.PRESENT)
    scene.start()
    assert scene.groups() == [{"Amara", "Bilal", "Chen"}]


def test_who_comes_late_moves_nobody_but_a_neighbour(anywhere: Scene) -> None:
    anywhere.mark(**dict.fromkeys(NAMES[:4], Presence.PRESENT))
    anywhere.start()
    before = anywhere.groups()
    anywhere.mark(Emil=Presence.LATE)
    assert sorted(map(len, anywhere.groups())) == [2, 3]
    anywhere.mark(Farah=Presence.LATE)
    after = anywhere.groups()
    assert sorted(map(len, after)) == [2, 2, 2]
    assert sum(group in before for group in after) == 1


def test_who_is_left_alone_joins_another_pair(scene: Scene) -> None:
    scene.everybody_here()
    scene.start()
    before = scene.groups()
    scene.mark(Dana=Presence.LEFT)
    after = scene.groups()
    assert set.union(*after) == set(NAMES) - {"Dana"}
    assert sorted(map(len, after)) == [2, 3]
    assert sum(group in before for group in after) == 1


def test_nobody_meets_again_to_keep_others_in_their_place() -> None:
    met = {frozenset("ea"), frozenset("eb")}
    assert pairs.mend([("a", "b"), ("c", "d")], list("abcde"), met) == [("a", "b"), ("c", "d", "e")]
    assert pairs.mend([("a", "b")], list("abe"), met) is None
    assert pairs.mend([("a", "b", "c")], list("abce"), met) == [("a", "b"), ("c", "e")]
    assert pairs.mend([("a", "b")], list("abcd"), set()) is None
    assert pairs.mend([("a", "b")], ["a"], set()) is None


def test_before_the_start_marks_leave_the_planned_pairs_and_after_the_practice_the_real_ones(scene: Scene) -> None:
    with transaction() as session:
        pairs.plan(session, scene.cohort.id)
    planned = scene.groups()
    scene.mark(Amara=Presence.PRESENT)
    assert scene.groups() == planned
    scene.everybody_here()
    scene.start()
    for _part in range(3):
        scene.step("next")
    practised = scene.groups()
    scene.mark(Dana=Presence.LEFT)
    assert scene.groups() == practised


def test_one_person_alone_and_nobody_at_all_are_no_obstacle(scene: Scene) -> None:
    scene.start()
    scene.mark(Amara=Presence.PRESENT)
    scene.visit("Mei").post(f"{scene.address}/pairs")
    assert scene.groups() == [{"Amara"}]
    scene.mark(Amara=Presence.LEFT)
    scene.at(45)
    scene.close()
    assert scene.stored() == dict.fromkeys(NAMES, "absent") | {"Amara": "left"}


def test_in_a_pair_both_practise_and_in_a_trio_all_three(scene: Scene) -> None:
    people = scene.people[:3]
    begun = script.begin(script.of_module(_module(scene), 45), scene.starts_at, scene.meeting.ends_at)
    assert [(turn.prompt, turn.practises.name) for turn in room_view.turns(people, begun)] == [("A", "Amara")]
    practice = script.go_on(script.go_on(begun, scene.starts_at, scene.meeting.ends_at), scene.starts_at,
                            scene.meeting.ends_at)  # fmt: skip
    three = room_view.turns(people, practice)
    assert [(turn.prompt, turn.practises.name, turn.coaches.name, turn.observes[0].name) for turn in three] == [
        ("A", "Amara", "Bilal", "Chen"),
        ("B", "Bilal", "Chen", "Amara"),
        ("A", "Chen", "Amara", "Bilal"),
    ]
    two = room_view.turns(people[:2], practice)
    assert [(turn.prompt, turn.practises.name, turn.coaches.name) for turn in two] == [
        ("A", "Amara", "Bilal"),
        ("B", "Bilal", "Amara"),
    ]
    assert two[0].until == two[1].since == practice[2].swaps(2)[0]
    assert room_view.turns(people[:1], practice) == []


def _module(scene: Scene) -> Module:
    return db.session.get_one(Module, scene.meeting.module_id, options=[selectinload(Module.agenda)])
