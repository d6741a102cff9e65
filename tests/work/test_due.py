"""When micro-assignments are due for whom, and what late ones count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lti_tool.database import db, transaction
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Program
from lti_tool.work import extensions, overview, schedule
from lti_tool.work.tables import Assignment, Extension
from tests.support.moments import set_now
from tests.work.scene import Scene, ask_for, at_once, instructor, quick, scene

__all__ = ["quick", "scene", "set_now"]

DAY = timedelta(days=1)
COUNTS = {"grading": "partner", "spot_share": "0"}


def late_rule(scene: Scene, rule: str, share: int = 50, days: int | None = None) -> None:
    with transaction() as session:
        values = {"late_rule": rule, "late_share": share, "late_days": days}
        session.execute(update(Program).where(Program.id == scene.program_id).values(values))


def extend(scene: Scene, person_id: int, by: timedelta) -> None:
    with transaction() as session:
        program = session.get_one(Program, scene.program_id)
        day = (scene.due_at + by).date().isoformat()
        assignment = session.merge(scene.assignment)
        extensions.extend(session, program, assignment, person_id, {"day": day}, scene.mei.id, scene.after_session)


def lapse(scene: Scene, after: timedelta = timedelta()) -> None:
    scene.set_now(scene.due_at + after)
    while schedule.lapse_next():
        pass


def test_late_counts_by_a_share_where_the_program_says_so(scene: Scene) -> None:
    late_rule(scene, "share", 40)
    scene.hand_in(scene.amara)
    scene.hand_in(scene.bilal, after=timedelta(days=8))
    scene.confirm(scene.amara, by=scene.bilal)
    scene.confirm(scene.bilal, by=scene.amara)
    assert (scene.cell(scene.amara).wanted_score, scene.cell(scene.bilal).wanted_score) == (100, 40)
    assert scene.cell(scene.bilal).wanted_comment == "1 of 8 assignments"


def test_an_assignments_own_rule_goes_before_the_programs(quick: Scene) -> None:
    late_rule(quick, "nothing")
    quick.hand_in(quick.bilal, after=timedelta(days=8))
    quick.confirm(quick.bilal, by=quick.amara)
    assert (quick.progress(quick.bilal), quick.cell(quick.bilal).wanted_score) == ((0, 1, 8), 0)
    staff = instructor(quick)
    module_id = ask_for(quick, kind="text")
    asked: dict[str, Any] = {
        "title": "T",
        "text": "T",
        "minutes": "10",
        "kind": "text",
        "late_rule": "share",
        **COUNTS,
    }
    assert staff.post(f"modules/{module_id}/assignment", **asked, late_share="120").status_code == 400
    assert staff.post(f"modules/{module_id}/assignment", **asked, late_share="80").status_code == 200
    assert quick.cell(quick.bilal).wanted_score == 80  # counted again at once
    assert "counts 80 %" in staff.get(f"{quick.address}/submissions").text


def test_what_is_closed_takes_nothing_and_loses_nothing(quick: Scene) -> None:
    late_rule(quick, "full", days=2)
    quick.set_now(quick.due_at + 2 * DAY)
    week = f"weeks/{ask_for(quick, kind='text')}/mine"
    for address in (quick.address, week):
        assert "overdue, still welcome" in quick.browser(0).get(address).text
    quick.set_now(quick.due_at + 3 * DAY)
    assert "still welcome" not in quick.browser(0).get(week).text
    following = overview.next_assignment(db.session(), quick.amara, quick.program_id, quick.due_at + 3 * DAY)
    assert following is not None
    assert following.assignment.id == quick.later[0]
    assert "Nothing is taken here any more" in quick.browser(0).get(quick.address).text
    refused = quick.browser(0).post(quick.address, text="too late, but precious")
    assert refused.status_code == 400
    assert "too late, but precious" in refused.text
    assert "This is closed" in refused.text
    extend(quick, quick.amara, 5 * DAY)
    assert "Handed in." in quick.browser(0).post(quick.address, text="in my own time").text


def test_who_was_given_more_time_is_neither_late_nor_due_before(scene: Scene) -> None:
    late_rule(scene, "nothing")
    extend(scene, scene.amara, 3 * DAY)
    lapse(scene)
    assert (scene.progress(scene.amara), scene.progress(scene.bilal)) == ((0, 0, 8), (0, 1, 8))
    scene.hand_in(scene.amara, after=timedelta(days=8))
    scene.confirm(scene.amara, by=scene.bilal)
    assert scene.cell(scene.amara).wanted_score == 100


def test_more_time_lapses_too_and_can_be_taken_back(scene: Scene) -> None:
    lapse(scene)
    extend(scene, scene.amara, 3 * DAY)
    extend(scene, scene.bilal, 9 * DAY)
    assert scene.cell(scene.amara).wanted_score is None
    lapse(scene, 4 * DAY)
    assert (scene.progress(scene.amara), scene.progress(scene.bilal)) == ((0, 1, 8), (0, 0, 8))
    for _twice in range(2):
        with transaction() as session:
            program = session.get_one(Program, scene.program_id)
            extensions.take_back(session, program, session.merge(scene.assignment), scene.bilal, scene.mei.id)
    assert scene.cell(scene.bilal).wanted_score == 0


def test_staff_give_one_person_more_time_on_the_page(quick: Scene) -> None:
    staff, learner = instructor(quick), quick.browser(0)
    address, day = f"{quick.address}/submissions/extend", (quick.due_at + 3 * DAY).date().isoformat()
    assert "They have more time now." in staff.post(address, person=str(quick.amara), day=day).text
    assert "more time, for you alone" in learner.get(quick.address).text
    assert "more time" not in quick.browser(1).get(quick.address).text
    for wrong in ("", "tomorrow", "2020-01-01", quick.after_session.date().isoformat(), "2099-01-01"):
        assert staff.post(address, person=str(quick.amara), day=wrong).status_code == 400
    assert staff.post(address, person=str(quick.mei.id), day=day).status_code == 400
    assert learner.post(address, person=str(quick.amara), day=day).status_code == 403
    assert "Taken back." in staff.post(address, person=str(quick.amara), back="1").text


def test_more_time_given_by_several_taps_is_given_once(scene: Scene) -> None:
    mei, day = scene.mei.id, (scene.due_at + 3 * DAY).date().isoformat()

    def give(_number: int) -> None:
        with transaction() as session:
            program, assignment = session.get_one(Program, scene.program_id), session.get_one(Assignment, scene.first)
            extensions.extend(session, program, assignment, scene.amara, {"day": day}, mei, scene.after_session)

    assert at_once(scene.app, give) == []
    assert db.session.query(Extension).count() == 1


def test_what_is_done_together_is_late_for_each_by_their_own_time(quick: Scene) -> None:
    late_rule(quick, "share", 50)
    ask_for(quick, paired=True)
    extend(quick, quick.amara, 3 * DAY)
    quick.hand_in(quick.amara, after=timedelta(days=8))
    quick.confirm(quick.amara, by=quick.bilal)
    assert (quick.cell(quick.amara).wanted_score, quick.cell(quick.bilal).wanted_score) == (100, 50)


def test_an_instructor_sets_the_programs_late_rule(quick: Scene) -> None:
    staff, address = instructor(quick), f"programs/{quick.program_id}/assignments"
    saved = staff.post(f"{address}/late", late_rule="share", late_share="25", late_days="7")
    assert "A late hand-in counts 25 %; it is taken for 7 days." in saved.text
    refused: list[dict[str, Any]] = [
        {"late_rule": "?"},
        {"late_rule": "share", "late_share": "0"},
        {"late_rule": "full", "late_days": "61"},
    ]
    for wrong in refused:
        assert staff.post(f"{address}/late", **wrong).status_code == 400


def test_no_more_time_than_everybody_has_is_given(quick: Scene) -> None:
    with pytest.raises(FormError, match="no more time than everybody has"):
        extend(quick, quick.amara, -DAY)
