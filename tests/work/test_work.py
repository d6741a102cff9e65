"""Micro-assignments: handed in as text, confirmed by the partner, counted in the transaction of the deed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lti_tool.cohorts.tables import Membership
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.programs.fields import FormError
from lti_tool.work import measure, overview, rules, schedule
from lti_tool.work.answers import Answer
from lti_tool.work.due import due_of
from lti_tool.work.rows import submission_of
from lti_tool.work.tables import Submission
from tests.support import factories
from tests.support.moments import counted_queries, set_now
from tests.work.scene import Scene, quick, scene

__all__ = ["quick", "scene", "set_now"]


def test_what_the_partner_confirms_counts_at_once(scene: Scene) -> None:
    scene.hand_in(scene.amara)
    assert scene.progress(scene.amara) == (0, 0, 8)
    scene.confirm(scene.amara, by=scene.bilal)
    assert scene.progress(scene.amara) == (1, 1, 8)
    cell = scene.cell(scene.amara)
    assert (cell.wanted_score, cell.wanted_comment) == (100, "1 of 8 assignments")


def test_in_a_trio_any_of_the_two_others_confirms(scene: Scene) -> None:
    scene.hand_in(scene.chen)
    scene.confirm(scene.chen, by=scene.eli)
    scene.hand_in(scene.eli)
    scene.confirm(scene.eli, by=scene.dana)
    assert scene.progress(scene.chen)[0] == scene.progress(scene.eli)[0] == 1


def test_nobody_confirms_their_own_or_another_pairs_work(quick: Scene) -> None:
    scene = quick
    scene.hand_in(scene.amara)
    for stranger in (scene.amara, scene.chen):
        with pytest.raises(FormError, match="Only the partner"):
            scene.confirm(scene.amara, by=stranger)
    with transaction() as session:
        submission = submission_of(session, scene.first, scene.amara)
        assert submission is not None
        with pytest.raises(FormError, match="their own work"):
            rules.confirm(session, submission, scene.amara, scene.after_session)
    assert scene.progress(scene.amara) == (0, 0, 8)


def test_a_text_can_be_changed_until_it_is_confirmed(scene: Scene) -> None:
    first = scene.hand_in(scene.amara, "draft")
    again = scene.hand_in(scene.amara, "better", after=timedelta(hours=3))
    assert (again.id, again.text) == (first.id, "better")
    assert again.handed_in_at == scene.after_session + timedelta(hours=1)
    scene.confirm(scene.amara, by=scene.bilal)
    with pytest.raises(FormError, match="can no longer be changed"):
        scene.hand_in(scene.amara, "other")
    scene.hand_in(scene.amara, "better")  # the same form sent twice does no harm
    assert db.session.query(Submission).count() == 1


def test_what_is_confirmed_is_what_was_read(quick: Scene) -> None:
    scene = quick
    scene.hand_in(scene.amara, "first words")
    seen = Answer("first words").fingerprint
    scene.hand_in(scene.amara, "other words")
    with transaction() as session:
        submission = submission_of(session, scene.first, scene.amara)
        assert submission is not None
        with pytest.raises(FormError, match="changed in the meantime"):
            rules.confirm_as_partner(session, submission, scene.bilal, scene.after_session, seen)


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "Write something"), (" \n\t ", "Write something"), ("x" * 10_001, "shorten it to 10000"), ("a\0b", "NUL")],
)
def test_an_empty_or_endless_text_is_not_accepted(quick: Scene, text: str, says: str) -> None:
    with pytest.raises(FormError, match=says):
        quick.hand_in(quick.amara, text)
    assert quick.hand_in(quick.amara, "x" * 10_000).text == "x" * 10_000


def test_when_the_due_time_has_passed_what_is_undone_counts_as_due(scene: Scene) -> None:
    scene.hand_in(scene.amara)
    scene.confirm(scene.amara, by=scene.bilal)
    assert not schedule.lapse_next()
    scene.set_now(scene.due_at)
    assert schedule.lapse_next()
    assert not schedule.lapse_next()
    assert scene.assignment.lapsed_at == scene.due_at
    assert scene.progress(scene.amara) == (1, 1, 8)
    assert scene.progress(scene.bilal) == (0, 1, 8)
    assert scene.cell(scene.bilal).wanted_score == 0


def test_late_is_accepted_and_counts(scene: Scene) -> None:
    scene.set_now(scene.due_at)
    assert scene.app.extensions["jobs"]["work"].run()
    late = scene.hand_in(scene.bilal, after=timedelta(days=10))
    assert late.handed_in_at > due_of(db.session(), scene.assignment, scene.bilal)
    scene.confirm(scene.bilal, by=scene.amara)
    assert scene.progress(scene.bilal) == (1, 1, 8)
    assert scene.cell(scene.bilal).wanted_score == 100


def test_who_joins_later_owes_only_what_follows(scene: Scene) -> None:
    (late,) = factories.make_people(scene.course, ["Late Joiner"])
    with transaction() as session:
        since = scene.after_session + timedelta(days=1)
        cohort_id = scene.cohort.id
        session.add(Membership(program_id=scene.program_id, cohort_id=cohort_id, person_id=late.id, since=since))
    scene.set_now(scene.due_at)
    schedule.lapse_next()
    assert scene.progress(late.id) == (0, 0, 7)
    assert not overview.is_for(db.session(), scene.first, late.id)
    assert overview.is_for(db.session(), scene.later[0], late.id)


def test_counting_asks_the_database_as_often_for_many_people_as_for_one(scene: Scene) -> None:
    sent = []
    for people in ([scene.amara], [scene.amara, scene.bilal, scene.chen, scene.dana, scene.eli]):
        with counted_queries() as queries:
            measure.count(db.session(), scene.program_id, people, factories.NOW)
        sent.append(len(queries))
    assert sent == [4, 4]


def test_home_pages_know_what_to_do_next(scene: Scene) -> None:
    session, now = db.session(), scene.after_session
    found = overview.next_assignment(session, scene.amara, scene.program_id, now)
    assert found is not None
    assignment = found.assignment
    assert (assignment.id, assignment.meeting.module.number, assignment.meeting.cohort.name) == (scene.first, 1, "A")
    assert overview.next_assignment(session, scene.mei.id, scene.program_id, now) is None
    scene.hand_in(scene.amara)
    assert overview.next_assignment(db.session(), scene.amara, scene.program_id, now) is None
    (waiting,) = overview.to_confirm(db.session(), scene.bilal, scene.program_id)
    assert waiting.person.name == "Amara"
    assert overview.to_confirm(db.session(), scene.chen, scene.program_id) == []
    first, *_others = overview.work_overview(db.session(), scene.program_id)
    assert (first.assignment.id, first.handed_in, first.confirmed) == (scene.first, 1, 0)
    scene.confirm(scene.amara, by=scene.bilal)
    assert overview.to_confirm(db.session(), scene.bilal, scene.program_id) == []
    first, *_others = overview.work_overview(db.session(), scene.program_id)
    assert (first.handed_in, first.confirmed) == (1, 1)


def test_a_learner_hands_in_and_the_partner_confirms_on_their_pages(quick: Scene) -> None:
    scene = quick
    amara, bilal = scene.browser(0), scene.browser(1)
    assert "Bilal will read it and confirm it" in amara.get(scene.address).get_data(as_text=True)
    text = amara.post(scene.address, text="On Tuesday, in the hand-over …").get_data(as_text=True)
    assert "handed in, waits for your partner" in text
    text = bilal.get(scene.address).get_data(as_text=True)
    assert "On Tuesday, in the hand-over" in text
    answer = bilal.post(f"{scene.address}/confirm", person=str(scene.amara))
    assert "Confirmed. It counts now." in answer.get_data(as_text=True)
    assert bilal.post(f"{scene.address}/confirm", person=str(scene.amara)).status_code == 200
    assert "Hand it in" not in amara.get(scene.address).get_data(as_text=True)


def test_a_refused_text_is_still_on_the_page(quick: Scene) -> None:
    browser = quick.browser(0)
    page = browser.post(quick.address, text="long" * 3000)
    assert page.status_code == 400
    assert "long" * 3000 in page.get_data(as_text=True)
    assert "shorten it to 10000" in page.get_data(as_text=True)
    quick.hand_in(quick.amara, "first")
    quick.confirm(quick.amara, by=quick.bilal)
    page = browser.post(quick.address, text="too late, but precious")
    assert page.status_code == 400
    assert "too late, but precious" in page.get_data(as_text=True)
    assert browser.post(quick.address).status_code == 400


def test_markup_in_a_text_is_shown_and_not_run(quick: Scene) -> None:
    quick.hand_in(quick.amara, "<script>alert(1)</script>")
    text = quick.browser(1).get(quick.address).get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_a_learner_sees_only_the_partners_text(quick: Scene) -> None:
    quick.hand_in(quick.amara, "between us")
    assert "between us" in quick.browser(1).get(quick.address).get_data(as_text=True)
    assert "between us" not in quick.browser(2).get(quick.address).get_data(as_text=True)


def test_who_may_enter_what(quick: Scene) -> None:
    scene = quick
    (other,) = factories.make_people(scene.course, ["Other"])
    factories.make_cohort(scene.program, [other], name="B")
    stranger = factories.visit(scene.app, scene.course, other, Role.LEARNER)
    assert stranger.get(scene.address).status_code == 404
    assert stranger.post(scene.address, text="x").status_code == 404
    assert stranger.post(f"{scene.address}/confirm", person=str(scene.amara)).status_code == 404
    assert stranger.get(f"{scene.address}/submissions").status_code == 403
    assert scene.browser(0).get(f"{scene.address}/submissions").status_code == 403
    assert scene.browser(0).get("assignments/99999999999").status_code == 404
    mei = factories.visit(scene.app, scene.course, scene.mei, Role.LEARNER)
    assert mei.get(f"{scene.address}/submissions").status_code == 200
    (ines,) = factories.make_people(scene.course, ["Ines"], role=Role.INSTRUCTOR)
    staff = factories.visit(scene.app, scene.course, ines, Role.INSTRUCTOR)
    assert staff.get(f"{scene.address}/submissions").status_code == 200
    assert staff.get(scene.address).status_code == 403
    course = factories.make_course(title="Elsewhere", issuer="https://other.test")
    (far,) = factories.make_people(course, ["Far"], role=Role.INSTRUCTOR)
    assert (
        factories.visit(scene.app, course, far, Role.INSTRUCTOR).get(f"{scene.address}/submissions").status_code
        == 404
    )


def test_a_facilitator_confirms_in_the_partners_stead(quick: Scene) -> None:
    scene = quick
    scene.hand_in(scene.amara, "read me")
    mei = factories.visit(scene.app, scene.course, scene.mei, Role.LEARNER)
    assert "read me" in mei.get(f"{scene.address}/submissions").get_data(as_text=True)
    page = mei.post(f"{scene.address}/submissions/confirm", person=str(scene.amara))
    assert "Confirmed. It counts now." in page.get_data(as_text=True)
    assert scene.progress(scene.amara) == (1, 1, 8)
    assert mei.post(f"{scene.address}/submissions/confirm", person=str(scene.bilal)).status_code == 404


@pytest.mark.parametrize("person", ["", "x", "-1", "٤", "9" * 5000, "0" * 5000, "999999"])
def test_a_foreign_or_huge_person_is_a_clear_message(quick: Scene, person: str) -> None:
    answer = quick.browser(0).post(f"{quick.address}/confirm", person=person)
    assert answer.status_code == (404 if person == "999999" else 400)
    assert "<h1>" in answer.get_data(as_text=True)


def test_a_partner_who_tries_to_confirm_too_early_or_wrongly_reads_why(quick: Scene) -> None:
    quick.hand_in(quick.chen)
    page = quick.browser(0).post(f"{quick.address}/confirm", person=str(quick.chen))
    assert page.status_code == 400
    assert "Only the partner" in page.get_data(as_text=True)


def test_a_form_from_elsewhere_is_refused(quick: Scene) -> None:
    forged: dict[str, Any] = {"csrf_token": "stolen", "text": "x"}
    assert quick.browser(0).post(quick.address, **forged).status_code == 400
    assert db.session.query(Submission).count() == 0


def test_the_list_of_submissions_asks_as_often_for_one_text_as_for_five(quick: Scene) -> None:
    mei = factories.visit(quick.app, quick.course, quick.mei, Role.LEARNER)
    quick.hand_in(quick.amara)
    sent = []
    for _time in range(2):
        with counted_queries() as queries:
            assert mei.get(f"{quick.address}/submissions").status_code == 200
        sent.append(len(queries))
        for person_id in (quick.bilal, quick.chen, quick.dana, quick.eli):
            quick.hand_in(person_id)
    assert sent[0] == sent[1]


def test_staff_see_every_assignment_in_numbers_that_lead_to_the_texts(quick: Scene) -> None:
    scene = quick
    (ines,) = factories.make_people(scene.course, ["Ines"], role=Role.INSTRUCTOR)
    staff = factories.visit(scene.app, scene.course, ines, Role.INSTRUCTOR)
    scene.hand_in(scene.amara)
    scene.hand_in(scene.bilal)
    scene.confirm(scene.amara, by=scene.bilal)
    address = f"programs/{scene.program_id}/assignments"
    with counted_queries() as few:
        text = staff.get(address).get_data(as_text=True)
    assert "One hand-in waits to be confirmed" in text
    assert f'/{scene.address}/submissions">1 of 2</a>' in text
    for name in "BCD":
        factories.make_cohort(scene.program, factories.make_people(scene.course, [name]), name=name)
    with counted_queries() as many:
        staff.get(address)
    assert len(few) == len(many)
    assert scene.browser(0).get(address).status_code == 403
