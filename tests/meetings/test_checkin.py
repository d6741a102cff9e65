"""Who is here: checking in, being excused, leaving early, and what was once true staying so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.meetings import checkin, measure
from lti_tool.meetings.members import members_of
from lti_tool.meetings.tables import Presence
from tests.meetings.scene import NAMES, Scene, check_in
from tests.support import factories


def test_a_learner_checks_in_with_the_code_of_the_room_however_it_is_typed(scene: Scene) -> None:
    code = checkin.code_of(scene.meeting_id)
    assert check_in(scene, "Amara", f" {code[:2].lower()} {code[2:]} ") == 200
    assert check_in(scene, "Amara") == 200
    scene.at(0)
    scene.start()
    scene.at(4)
    assert check_in(scene, "Bilal") == 200
    scene.at(6)
    assert check_in(scene, "Chen") == 200
    assert scene.stored() == {"Amara": "present", "Bilal": "present", "Chen": "late"}


def test_late_is_late_after_the_real_beginning(scene: Scene) -> None:
    scene.at(10)
    scene.start()
    scene.at(14)
    check_in(scene, "Amara")
    scene.at(16)
    check_in(scene, "Bilal")
    assert scene.stored() == {"Amara": "present", "Bilal": "late"}


def test_a_wrong_code_lets_nobody_in(scene: Scene) -> None:
    amara = scene.visit("Amara")
    for code in ("", "XXXXX", "0000", "\0", "é" * 9999):
        answer = amara.post(f"{scene.address}/check-in", code=code)
        assert answer.status_code == 400
        assert "not the code of this session" in answer.text
    assert scene.stored() == {}


def test_nobody_checks_in_too_early_or_into_a_closed_session(scene: Scene) -> None:
    scene.at(-11)
    assert check_in(scene, "Amara") == 400
    scene.at(45)
    scene.close()
    assert check_in(scene, "Amara") == 400
    assert scene.stored()["Amara"] == "absent"


@pytest.mark.usefixtures("app")
def test_codes_differ_from_session_to_session() -> None:
    codes = {checkin.code_of(number) for number in range(1, 200)}
    assert len(codes) > 190
    assert all(len(code) == 4 and set(code) <= set(checkin.LETTERS) for code in codes)


def test_a_learner_excuses_themselves_beforehand_and_may_take_it_back(anywhere: Scene) -> None:
    amara = anywhere.visit("Amara")
    assert "You are excused from this session" in amara.post(f"{anywhere.address}/excuse").text
    assert anywhere.stored() == {"Amara": "excused"}
    assert "I cannot come" in amara.post(f"{anywhere.address}/come-after-all").text
    assert anywhere.stored() == {}


def test_once_it_has_begun_only_the_facilitator_excuses(scene: Scene) -> None:
    scene.at(1)
    answer = scene.visit("Amara").post(f"{scene.address}/excuse")
    assert answer.status_code == 400
    assert "Tell your facilitator" in answer.text
    scene.at(-5)
    scene.start()
    assert scene.visit("Amara").post(f"{scene.address}/excuse").status_code == 400
    assert scene.stored() == {}


def test_what_a_facilitator_marked_no_learner_takes_back(scene: Scene) -> None:
    scene.mark(Amara=Presence.ABSENT, Bilal=Presence.EXCUSED)
    for name in ("Amara", "Bilal"):
        scene.visit(name).post(f"{scene.address}/excuse")
        scene.visit(name).post(f"{scene.address}/come-after-all")
    assert scene.stored() == {"Amara": "absent", "Bilal": "excused"}


def test_who_was_excused_and_comes_nevertheless_is_here(scene: Scene) -> None:
    scene.visit("Amara").post(f"{scene.address}/excuse")
    scene.at(2)
    check_in(scene, "Amara")
    assert scene.stored() == {"Amara": "present"}


def test_who_left_early_was_there(scene: Scene) -> None:
    scene.at(45)
    scene.mark(Amara=Presence.LEFT)
    scene.close()
    ids = [person.id for person in scene.people[:2]]
    counted = measure.count(db.session(), scene.program.id, ids, scene.starts_at)
    assert [(counted[person].done, counted[person].due) for person in ids] == [(1, 1), (0, 1)]


def test_corrections_are_told_with_who_made_them(scene: Scene) -> None:
    scene.mark(Amara=Presence.ABSENT)
    scene.mark(Amara=Presence.LATE)
    text = " ".join(scene.visit("Mei").get(scene.address).text.split())
    assert "1 mark was corrected" in text
    assert "Amara: absent → late" in text
    assert "Mei ·" in text


# Who belongs to it


def move(scene: Scene, name: str, other: Cohort, minutes: float) -> None:
    at = scene.starts_at + timedelta(minutes=minutes)
    person_id = scene.person(name).id
    with transaction() as session:
        session.scalars(select(Membership).where(Membership.person_id == person_id)).one().until = at
        session.flush()
        new = {"program_id": scene.program.id, "cohort_id": other.id, "person_id": person_id}
        session.add(Membership(**new, since=at))


def test_who_is_moved_to_another_cohort_in_mid_session_stays_in_the_room(scene: Scene) -> None:
    other = factories.make_cohort(scene.program, factories.make_people(scene.course, ["Xu"]), name="B")
    scene.at(0)
    move(scene, "Amara", other, minutes=20)
    names = [person.name for person in members_of(db.session(), scene.meeting)]
    assert names == list(NAMES)
    scene.at(25)
    assert check_in(scene, "Amara") == 200


def test_moving_somebody_later_rewrites_nothing_of_a_closed_session(anywhere: Scene) -> None:
    other = factories.make_cohort(anywhere.program, factories.make_people(anywhere.course, ["Xu"]), name="B")
    anywhere.everybody_here()
    anywhere.at(45)
    anywhere.close()
    move(anywhere, "Amara", other, minutes=-60)  # even when it is said to have been so before
    assert [person.name for person in members_of(db.session(), anywhere.meeting)] == list(NAMES)
    with transaction() as session:
        start, late = anywhere.starts_at - timedelta(days=1), factories.make_people(anywhere.course, ["Late"])[0]
        session.add(Membership(program_id=anywhere.program.id, cohort_id=anywhere.cohort.id, person_id=late.id,
                               since=start))  # fmt: skip
    assert late not in members_of(db.session(), anywhere.meeting)
    assert late.id not in measure.by_week(db.session(), anywhere.program.id, [late.id], start) or (
        1 not in measure.by_week(db.session(), anywhere.program.id, [late.id], start)[late.id]
    )


def test_another_cohorts_session_is_not_there_for_a_learner(scene: Scene) -> None:
    (xu,) = factories.make_people(scene.course, ["Xu"])
    factories.make_cohort(scene.program, [xu], name="B")
    stranger = factories.visit(scene.app, scene.course, xu, Role.LEARNER)
    assert stranger.get(f"{scene.address}/mine").status_code == 404
    assert stranger.get(f"{scene.address}/mine/changes").status_code == 404
    code = checkin.code_of(scene.meeting_id)
    assert stranger.post(f"{scene.address}/check-in", code=code).status_code == 404
    assert stranger.post(f"{scene.address}/excuse").status_code == 404
