"""Pages of a room that stay true while they are open: a facilitator's, a learner's, the shared screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from unittest import mock

from itsdangerous import TimestampSigner
from sqlalchemy import select

from lti_tool.database import db, transaction
from lti_tool.meetings import checkin, pairs, screen
from lti_tool.meetings.tables import Attendance, Meeting, Presence
from lti_tool.roster.tables import Person
from tests.meetings.scene import Scene, check_in
from tests.support import factories
from tests.support.moments import counted_queries


def deeds(scene: Scene) -> Sequence[Callable[[], object]]:
    """Everything that somebody in the room sees, one after the other; the last one closes it."""
    mei = scene.visit("Mei")
    return (
        lambda: scene.visit("Farah").post(f"{scene.address}/excuse"),
        lambda: scene.visit("Farah").post(f"{scene.address}/come-after-all"),
        lambda: check_in(scene, "Amara"),
        scene.everybody_here,
        scene.start,
        lambda: scene.step("next"),
        lambda: scene.step("more"),
        lambda: scene.step("back"),
        lambda: mei.post(f"{scene.address}/pairs"),
        lambda: scene.mark(Dana=Presence.LEFT),
        lambda: mei.post(f"{scene.address}/close"),
    )


def test_every_change_reaches_every_open_page_and_without_one_they_hear_nothing(scene: Scene) -> None:
    with scene.app.test_request_context():
        address = screen.address_of(scene.meeting_id)
    pages = [
        (scene.visit("Mei"), f"{scene.address}/changes"),
        (scene.visit("Amara"), f"{scene.address}/mine/changes"),
    ]
    for deed in deeds(scene):
        before = scene.version()
        deed()
        scene.at(scene.minute + 1)
        after = scene.version()
        assert after > before
        for browser, path in pages:
            assert browser.get(f"{path}?version={before}").status_code == 200
            nothing = browser.get(f"{path}?version={after}")
            assert (nothing.status_code, nothing.data) == (204, b"")
        shared = scene.app.test_client()
        assert shared.get(f"{address}/changes?version={before}").status_code == 200
        assert shared.get(f"{address}/changes?version={after}").status_code == 204


def test_the_plan_of_coming_pairs_reaches_open_pages_too(scene: Scene) -> None:
    before = scene.version()
    assert pairs.plan_stale()
    assert scene.version() > before


def test_a_page_that_names_no_version_is_told_everything(scene: Scene) -> None:
    amara = scene.visit("Amara")
    for version in ("", "-1", "x" * 9999, "٣"):
        answer = amara.get(f"{scene.address}/mine/changes", query_string={"version": version})
        assert answer.status_code == 200
        assert "room-own" in answer.text


def test_a_form_sent_by_script_is_answered_with_a_sentence(scene: Scene) -> None:
    mei = scene.visit("Mei")
    form = {"csrf_token": mei.csrf, f"presence-{scene.people[0].id}": "present"}
    path = f"/v/{mei.token}/{scene.address}/attendance"
    saved = mei.client.post(path, data=form, headers={"X-Room": "1"})
    assert (saved.status_code, saved.mimetype, saved.text) == (200, "text/plain", "Saved who is here.")
    wrong = form | {f"presence-{scene.people[0].id}": "asleep"}
    refused = mei.client.post(path, data=wrong, headers={"X-Room": "1"})
    assert (refused.status_code, refused.mimetype) == (400, "text/plain")
    assert scene.stored() == {"Amara": "present"}


def test_the_shared_screen_leads_nowhere_and_ends_by_itself(scene: Scene) -> None:
    scene.everybody_here()
    scene.start()
    with scene.app.test_request_context():
        address = screen.address_of(scene.meeting_id)
        with mock.patch.object(TimestampSigner, "get_timestamp", return_value=1_700_000_000):
            old = screen.address_of(scene.meeting_id)
    projector = scene.app.test_client()
    page = projector.get(address)
    assert checkin.code_of(scene.meeting_id) in page.text
    assert "Amara" in page.text
    assert "/v/" not in page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    forged = address[:-2] + ("aa" if address[-2:] != "aa" else "bb")
    assert [projector.get(path).status_code for path in (old, forged, "/screen/1")] == [404, 404, 404]


def test_a_learner_sees_partner_prompt_and_role(scene: Scene) -> None:
    scene.mark(Amara=Presence.PRESENT, Bilal=Presence.PRESENT)
    scene.start()
    scene.step("next")
    scene.step("next")
    amara, bilal = (scene.visit(name).get(f"{scene.address}/mine").text for name in ("Amara", "Bilal"))
    assert "You and Bilal" in amara
    assert "You practise, with prompt A" in amara
    assert "You coach Amara, with prompt A" in bilal
    assert "swap roles in" in bilal
    scene.step("next")
    assert "Questions for the reflection" in scene.visit("Amara").get(f"{scene.address}/mine").text


def test_names_in_any_script_and_tags_are_shown_as_they_are(scene: Scene) -> None:
    scene.everybody_here()
    scene.start()
    with transaction() as session:
        session.get_one(Person, scene.people[0].id).name = "<script>alert(1)</script> 🙂 عمر"
    for who, path in (("Mei", scene.address), ("Bilal", f"{scene.address}/mine")):
        page = scene.visit(who).get(path).text
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 🙂 عمر" in scene.visit("Mei").get(scene.address).text


def test_the_same_mark_sent_twice_is_one_mark(scene: Scene) -> None:
    scene.mark(Amara=Presence.PRESENT)
    before = scene.version()
    scene.mark(Amara=Presence.PRESENT)
    assert scene.version() == before
    assert len(db.session.scalars(select(Attendance)).all()) == 1


def test_from_ten_minutes_before_the_session_comes_before_what_is_overdue(scene: Scene) -> None:
    scene.everybody_here()
    scene.at(45)
    scene.close()
    amara, week = scene.visit("Amara"), 7 * 24 * 60
    scene.at(week - 11)
    assert "Enter the session" not in amara.get().text
    scene.at(week - 10)
    assert "Enter the session" in amara.get().text


def test_a_page_looks_again_when_only_the_time_has_changed(scene: Scene) -> None:
    mei = scene.visit("Mei")
    for minute, next_minute in ((-11, -10), (-10, 0), (0, 45)):
        scene.at(minute)
        moment = scene.starts_at + timedelta(minutes=next_minute)
        assert f'data-again="{moment.isoformat()}"' in mei.get(scene.address).text


def test_a_room_of_twenty_asks_the_database_no_more_often_than_one_of_six(scene: Scene) -> None:
    many = factories.make_people(scene.course, [f"Learner {number:02d}" for number in range(20)])
    cohort = factories.make_cohort(scene.program, many, name="B", facilitator=scene.mei)
    scene.at(0)
    asked = []
    for meeting in (
        scene.meeting,
        db.session.scalars(select(Meeting).where(Meeting.cohort_id == cohort.id)).all()[0],
    ):
        meeting_id = meeting.id
        scene.visit("Mei").post(f"meetings/{meeting_id}/attendance", everybody="1")
        scene.visit("Mei").post(f"meetings/{meeting_id}/start")
        browser = scene.visit("Mei")
        with counted_queries() as queries:
            assert "+ 2 min" in browser.get(f"meetings/{meeting_id}").text
        asked.append(len(queries))
    assert asked[0] == asked[1]
