"""Micro-assignments that ask for a link, a checklist, or for one hand-in of a pair."""

from __future__ import annotations

from typing import Any

import pytest

from lti_tool.database import db, transaction
from lti_tool.programs.fields import FormError
from lti_tool.programs.tables import Module
from lti_tool.work import overview, rules
from tests.support import factories
from tests.support.moments import set_now
from tests.work.scene import Scene, ask_for, instructor, quick, scene

__all__ = ["quick", "scene", "set_now"]

RIGHT_TO_LEFT = "قلت له ما رأيت 👩🏽‍🏫 <script>alert(1)</script>"


def ticked(*lines: int) -> dict[str, Any]:
    return {f"item-{line}": "1" for line in lines}


def test_a_link_is_handed_in_with_a_word_about_it_and_opens_beside_the_page(quick: Scene) -> None:
    ask_for(quick, kind="link")
    page = quick.browser(0).post(quick.address, link=" https://example.org/نص?a=1&b=2 ", text=RIGHT_TO_LEFT)
    assert "handed in, waits for your partner" in page.text
    page = quick.browser(1).get(quick.address)
    assert 'href="https://example.org/نص?a=1&amp;b=2" target="_blank" rel="noopener noreferrer' in page.text
    assert "قلت له ما رأيت 👩🏽‍🏫 &lt;script&gt;" in page.text


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "JavaScript://example.org/%0aalert(1)",
        "data:text/html,x",
        "ftp://example.org",
        "//example.org",
        "example.org",
        "https://",
        "https://[::1",
        "https://example.org:99999",
        "https://a b.org",
        "https://example.org/\u202ecod.exe",
        "https://example.org/" + "x" * 2000,
    ],
)
def test_what_is_no_address_of_a_page_is_refused_and_kept_on_the_page(quick: Scene, link: str) -> None:
    ask_for(quick, kind="link")
    page = quick.browser(0).post(quick.address, link=link, text="my own words")
    assert page.status_code == 400
    assert 'href="#field-link"' in page.text
    assert "my own words" in page.text
    assert 'href="javascript' not in page.text.lower()


def test_a_checklist_is_handed_in_when_each_line_is_ticked(quick: Scene) -> None:
    ask_for(quick, kind="checklist", items="Asked\nListened\n<b>Thanked</b>")
    browser = quick.browser(0)
    page = browser.post(quick.address, **ticked(1, 3))
    assert page.status_code == 400
    assert "Tick each line when you have done it" in page.text
    assert page.text.count(" checked") == 2
    page = browser.post(quick.address, **ticked(1, 2, 3))
    assert "handed in, waits for your partner" in page.text
    assert "&lt;b&gt;Thanked&lt;/b&gt;" in quick.browser(1).get(quick.address).text
    quick.confirm(quick.amara, by=quick.bilal)
    assert quick.progress(quick.amara) == (1, 1, 8)


def test_what_one_of_a_pair_hands_in_counts_for_both_once_the_other_confirms_it(scene: Scene) -> None:
    ask_for(scene, paired=True)
    scene.hand_in(scene.amara, "We told each other.")
    session = db.session()
    assert overview.next_assignment(session, scene.bilal, scene.program_id, scene.after_session) is None
    (waiting,) = overview.to_confirm(session, scene.bilal, scene.program_id)
    assert waiting.text == "We told each other."
    with pytest.raises(FormError, match="Only the partner"):
        scene.confirm(scene.bilal, by=scene.amara)
    scene.confirm(scene.amara, by=scene.bilal)
    assert scene.progress(scene.amara) == scene.progress(scene.bilal) == (1, 1, 8)
    assert scene.cell(scene.bilal).wanted_score == 100


def test_who_changed_the_pairs_hand_in_last_does_not_confirm_it(quick: Scene) -> None:
    ask_for(quick, paired=True)
    first = quick.hand_in(quick.amara, "Ours.")
    assert quick.hand_in(quick.bilal, "Ours, and better.").id == first.id
    with pytest.raises(FormError, match="Only the partner"):
        quick.confirm(quick.amara, by=quick.bilal)
    quick.confirm(quick.bilal, by=quick.amara)
    assert quick.progress(quick.amara)[0] == quick.progress(quick.bilal)[0] == 1


def test_a_pair_finds_its_hand_in_on_both_pages_and_staff_once(quick: Scene) -> None:
    ask_for(quick, paired=True)
    amara, bilal = quick.browser(0), quick.browser(1)
    amara.post(quick.address, text="We told each other.")
    page = bilal.get(quick.address).text
    assert "What Amara handed in for you both" in page
    assert "waits for you" in page
    everybody = instructor(quick).get(f"{quick.address}/submissions").text
    assert "One hand-in waits to be confirmed" in everybody
    assert everybody.count("We told each other.") == 1
    assert "see what Amara handed in" in everybody
    assert "Confirmed. It counts now." in bilal.post(f"{quick.address}/confirm", person=str(quick.amara)).text
    assert "confirmed" in amara.get(quick.address).text


def test_who_practised_alone_hands_in_a_paired_task_alone(quick: Scene) -> None:
    ask_for(quick, paired=True)
    (late,) = factories.make_people(quick.course, ["Late"])
    with transaction() as session:
        assignment = session.merge(quick.assignment)
        submission = rules.hand_in(session, assignment, late.id, {"text": "Alone."}, quick.after_session)
        assert [credit.person_id for credit in submission.credits] == [late.id]


def test_an_instructor_says_what_is_asked_until_somebody_has_handed_it_in(quick: Scene) -> None:
    module_id = ask_for(quick, kind="text")
    staff = instructor(quick)
    asked: dict[str, Any] = {
        "title": "Ask",
        "text": "Ask first.",
        "minutes": "10",
        "kind": "checklist",
        "grading": "partner",
        "spot_share": "0",
        "lines": " One \n\nTwo ",
    }
    address = f"modules/{module_id}/assignment"
    assert "Saved" in staff.post(address, **asked, paired="1").text
    assert "Tick what you have done" in quick.browser(0).get(quick.address).text
    for wrong in ({"lines": " "}, {"lines": "x\n" * 11}, {"minutes": "16"}, {"minutes": "ten"}, {"kind": "poem"}):
        refused = staff.post(address, **asked | wrong)
        assert refused.status_code == 400
        assert "Ask first." in refused.text
    assert staff.post(address).status_code == 400  # a form that says nothing
    quick.browser(0).post(quick.address, **ticked(1, 2))
    page = staff.post(address, **asked | {"kind": "text", "text": "Ask, then listen."})
    assert "Somebody has handed something in" in page.text
    module = db.session.get_one(Module, module_id)
    assert (module.assignment_kind, module.assignment_items, module.assignment_paired) == (
        "checklist",
        "One\nTwo",
        True,
    )
    assert module.assignment_text == "Ask, then listen."
