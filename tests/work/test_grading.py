"""When micro-assignments count: at once, by points with a rubric, or confirmed by the partner with spot checks."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from lti_tool.cohorts.tables import Facilitator
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Module
from lti_tool.work import rubric
from lti_tool.work.answers import Answer
from lti_tool.work.rows import submission_of
from lti_tool.work.spot_checks import is_drawn
from lti_tool.work.tables import Grade
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import set_now
from tests.work.scene import Scene, ask_for, instructor, quick, scene
from tests.work.test_due import DAY, lapse, late_rule

__all__ = ["quick", "scene", "set_now"]

RUBRIC = "Situation: not told | in part | a camera could film it\nImpact: <b>none</b> | told"


def facilitator(scene: Scene) -> Browser:
    return factories.visit(scene.app, scene.course, scene.mei, Role.LEARNER)


def grade_form(person_id: int, text: str, *levels: int, **more: Any) -> dict[str, Any]:
    chosen = {f"level-{number}": str(level) for number, level in enumerate(levels, start=1)}
    return {"person": str(person_id), "seen": Answer(text).fingerprint, **chosen, **more}


def test_by_completion_a_hand_in_counts_at_once(scene: Scene) -> None:
    ask_for(scene, grading="completion")
    scene.hand_in(scene.amara)
    assert (scene.progress(scene.amara), scene.cell(scene.amara).wanted_score) == ((1, 1, 8), 100)
    with pytest.raises(FormError, match="needs nobody's confirmation"):
        scene.confirm(scene.amara, by=scene.bilal)
    scene.hand_in(scene.amara, "Better.")
    assert scene.progress(scene.amara) == (1, 1, 8)


def test_nothing_is_handed_in_before_its_session_and_counts_for_it(quick: Scene) -> None:
    with transaction() as session:
        session.execute(update(Module).values(assignment_grading="completion"))
    amara, later = quick.browser(0), f"assignments/{quick.later[0]}"
    assert "It opens with the session." in amara.get(later).text
    refused = amara.post(later, text="all at once")
    assert refused.status_code == 400
    assert "once the session has begun" in refused.text
    assert quick.progress(quick.amara) == (0, 0, 8)


def test_points_count_once_they_are_given_and_nobody_loses_any_before(scene: Scene) -> None:
    late_rule(scene, "share", 50)
    ask_for(scene, grading="points", rubric=RUBRIC)
    scene.hand_in(scene.amara)
    scene.hand_in(scene.bilal, after=8 * DAY)
    lapse(scene)
    assert (scene.progress(scene.amara), scene.progress(scene.chen)) == ((0, 0, 8), (0, 1, 8))
    staff, address = instructor(scene), f"{scene.address}/submissions/grade"
    for person_id in (scene.amara, scene.bilal):
        staff.post(address, **grade_form(person_id, "I said it.", 1, 1))
    assert scene.cell(scene.amara).wanted_score == pytest.approx(66.67)
    assert scene.cell(scene.bilal).wanted_score == pytest.approx(33.33)
    staff.post(address, **grade_form(scene.amara, "I said it.", 2, 1))
    assert scene.cell(scene.amara).wanted_score == 100


def test_staff_grade_by_the_levels_of_the_rubric_and_the_learner_reads_them(quick: Scene) -> None:
    ask_for(quick, grading="points", rubric=RUBRIC)
    learner, staff = quick.browser(0), instructor(quick)
    assert "not told → in part → a camera could film it" in learner.get(quick.address).text
    learner.post(quick.address, text="I said it.")
    assert "handed in, waits for its grade" in learner.get(quick.address).text
    page = staff.get(f"{quick.address}/submissions").text
    assert "One hand-in waits for your grade" in page
    assert "&lt;b&gt;none&lt;/b&gt;" in page
    address = f"{quick.address}/submissions/grade"
    for levels in ((), (1,), (3, 0), (-1, 0)):
        refused = staff.post(address, **grade_form(quick.amara, "I said it.", *levels, comment="kept words"))
        assert refused.status_code == 400
        assert "kept words" in refused.text
    assert staff.post(address, **grade_form(quick.amara, "old", 1, 1)).status_code == 400
    assert "Graded." in staff.post(address, **grade_form(quick.amara, "I said it.", 1, 1, comment="Well.")).text
    page = learner.get(quick.address).text
    assert "2 of 3 points" in page
    assert "in part" in page
    assert "Well." in page
    assert "2 of 3 points" in learner.get(f"programs/{quick.program_id}/mine").text
    refused = learner.post(quick.address, text="another text")
    assert "can no longer be changed" in refused.text
    assert "another text" in refused.text
    assert facilitator(quick).post(address, **grade_form(quick.amara, "I said it.", 2, 1)).status_code == 403


def test_what_is_done_together_has_one_grade_for_both(quick: Scene) -> None:
    ask_for(quick, grading="points", rubric=RUBRIC, paired=True)
    quick.hand_in(quick.amara)
    instructor(quick).post(f"{quick.address}/submissions/grade", **grade_form(quick.bilal, "I said it.", 2, 1))
    assert quick.cell(quick.amara).wanted_score == quick.cell(quick.bilal).wanted_score == 100
    assert db.session.query(Grade).count() == 1


@pytest.mark.parametrize("percent", [0, 1, 10, 33, 50, 99, 100])
@pytest.mark.parametrize("assignment_id", [1, 2, 77])
def test_the_share_that_is_drawn_is_right_to_within_one_and_always_the_same(percent: int, assignment_id: int) -> None:
    drawn = 0
    for number in range(1, 201):
        drawn += is_drawn(number, percent, assignment_id)
        assert abs(drawn - number * percent / 100) < 1
    assert percent or not drawn


def test_a_drawn_hand_in_is_looked_at_or_sent_back_and_then_counts_no_more(quick: Scene) -> None:
    ask_for(quick, spot_share=100)
    amara, mei = quick.browser(0), facilitator(quick)
    for person_id, partner_id in ((quick.amara, quick.bilal), (quick.bilal, quick.amara)):
        quick.hand_in(person_id)
        quick.confirm(person_id, by=partner_id)
    page = mei.get(f"{quick.address}/submissions").text
    assert "2 confirmed hand-ins are drawn for you to look at" in page
    form: dict[str, Any] = {"seen": Answer("I said it.").fingerprint}
    address = f"{quick.address}/submissions/look"
    assert "Thank you for looking." in mei.post(address, person=str(quick.bilal), **form).text
    assert mei.post(address, person=str(quick.amara), back="1", why=" ", **form).status_code == 400
    mei.post(address, person=str(quick.amara), back="1", why="Say who <i>answered</i>.", **form)
    assert (quick.progress(quick.amara)[0], quick.progress(quick.bilal)[0]) == (0, 1)
    assert "Say who &lt;i&gt;answered&lt;/i&gt;." in amara.get(quick.address).text
    assert "Your facilitator asks for more" in amara.get("").text
    assert "Your facilitator asks for more" not in quick.browser(1).get("").text
    with pytest.raises(FormError, match="once it has been changed"):
        quick.confirm(quick.amara, by=quick.bilal)
    quick.hand_in(quick.amara, "Bea answered.")
    quick.confirm(quick.amara, by=quick.bilal)
    assert quick.progress(quick.amara)[0] == 1
    assert "Your facilitator asks for more" not in amara.get("").text
    assert "One confirmed hand-in is drawn" in mei.get(f"{quick.address}/submissions").text
    assert quick.browser(1).post(address, person=str(quick.amara)).status_code == 403


def test_a_facilitator_who_is_the_partner_is_looked_at_by_another(quick: Scene) -> None:
    ask_for(quick, spot_share=100)
    quick.hand_in(quick.amara)
    with transaction() as session:
        session.add(Facilitator(cohort_id=quick.cohort.id, person_id=quick.bilal))
    bilal, address, person = quick.browser(1), f"{quick.address}/submissions", str(quick.amara)
    assert "Confirmed." in bilal.post(f"{address}/confirm", person=person).text
    refused = bilal.post(f"{address}/look", person=person, seen=Answer("I said it.").fingerprint)
    assert refused.status_code == 400
    assert "nor at what they confirmed" in refused.text
    assert "It is fine" not in refused.text
    assert "It is fine" in facilitator(quick).get(address).text


def test_what_a_facilitator_confirms_is_not_drawn(quick: Scene) -> None:
    ask_for(quick, spot_share=100)
    quick.hand_in(quick.amara)
    facilitator(quick).post(f"{quick.address}/submissions/confirm", person=str(quick.amara))
    with transaction() as session:
        submission = submission_of(session, quick.first, quick.amara)
        assert submission is not None
        assert (submission.confirmed_by_id, submission.drawn) == (quick.mei.id, None)


def test_an_instructor_chooses_when_it_counts(quick: Scene) -> None:
    module_id = ask_for(quick, kind="text")
    staff, address = instructor(quick), f"modules/{module_id}/assignment"
    asked: dict[str, Any] = {"title": "T", "text": "T", "minutes": "10", "kind": "text", "spot_share": "20"}
    assert "Saved" in staff.post(address, **asked, grading="points", rubric=RUBRIC).text
    assert "a camera could film it" in quick.browser(0).get(quick.address).text
    for wrong in ({"grading": "points", "rubric": "no colon"}, {"grading": "x"}, {"spot_share": "101"}):
        assert staff.post(address, **{**asked, "grading": "partner", **wrong}).status_code == 400


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "one to 6 criteria"),
        ("x: a|b\n" * 7, "one to 6 criteria"),
        ("x: a|b\nx: c|d", "same name"),
        ("no levels", "needs 2 to 6 levels"),
        ("x: one", "needs 2 to 6 levels"),
        ("x: a||b", "needs 2 to 6 levels"),
        (": a|b", "Begin each line"),
        ("x: " + "y" * 201 + "|b", "Shorten the levels"),
    ],
)
@pytest.mark.usefixtures("app")
def test_a_rubric_that_says_too_little_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rubric.parse(text)


def test_a_rubric_is_read_as_it_is_written() -> None:
    criteria = rubric.parse(RUBRIC)
    assert rubric.written(criteria) == RUBRIC
    assert rubric.most_points(RUBRIC) == 3
