"""What is typed into a micro-assignment is never lost: drafts, two tabs, an expired visit, a form sent twice."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from lti_tool.database import db, transaction
from lti_tool.web.visits import VisitRow
from lti_tool.work import drafts
from lti_tool.work.tables import Assignment, Draft, Submission
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import set_now
from tests.work.scene import AT_ONCE, Scene, ask_for, at_once, quick, scene

__all__ = ["quick", "scene", "set_now"]

HIDDEN = re.compile(r'name="(seen|tab|draft_version)" value="([^"]*)"')


class Tab:
    """A page that somebody has opened and types into."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.page = browser.get(address).text
        self.hidden: dict[str, Any] = dict(HIDDEN.findall(self.page))

    def types(self, text: str, **more: Any) -> int:
        answer = self.browser.post(f"{self.address}/draft", text=text, **self.hidden, **more)
        if answer.status_code == 200:
            self.hidden["draft_version"] = str(answer.json["version"])  # type: ignore[index]  # an answer of ours
        return answer.status_code

    def sends(self, text: str, **more: Any) -> Any:
        return self.browser.post(self.address, text=text, **self.hidden, **more)


def test_what_was_typed_stands_there_when_the_page_is_opened_again(scene: Scene) -> None:
    words = "قلت له 👩🏽‍🏫\r\n<script>alert(1)</script> \0"
    assert Tab(scene.browser(0), scene.address).types(words) == 200
    page = Tab(scene.browser(0), scene.address).page
    assert "قلت له 👩🏽‍🏫\r\n&lt;script&gt;" in page
    assert "Saved as a draft." in page
    assert "قلت له" not in scene.browser(1).get(scene.address).text
    assert scene.progress(scene.amara) == (0, 0, 8)


def test_ticks_and_links_are_kept_as_typed_too(quick: Scene) -> None:
    ask_for(quick, kind="checklist", items="One\nTwo")
    tab = Tab(quick.browser(0), quick.address)
    tab.types("", **{"item-2": "1", "item-<b>": "x" * 99, "person": "7"})
    assert Tab(quick.browser(0), quick.address).page.count(" checked") == 1
    draft = db.session.get(Draft, (quick.first, quick.amara))
    assert draft is not None
    assert "person" not in draft.fields


def test_handing_in_forgets_the_draft(quick: Scene) -> None:
    tab = Tab(quick.browser(0), quick.address)
    tab.types("I said")
    assert "Handed in." in tab.sends("I said it.").text
    assert db.session.get(Draft, (quick.first, quick.amara)) is None
    assert tab.sends("I said it.").status_code == 200  # the form sent twice
    assert db.session.query(Submission).count() == 1


def test_two_tabs_do_not_overwrite_each_other_silently(quick: Scene) -> None:
    first, second = (Tab(quick.browser(0), quick.address) for _each in range(2))
    assert first.types("from the first") == 200
    assert first.types("from the first, longer") == 200
    assert second.types("from the second") == 409
    refused = second.sends("from the second")
    assert refused.status_code == 400
    assert "from the first, longer" in refused.text
    assert "from the second" in refused.text
    assert second.types("from the second", replace="1") == 200
    assert first.types("from the first again") == 409


def test_a_link_of_another_tab_is_not_lost_either(quick: Scene) -> None:
    ask_for(quick, kind="link")
    first, second = (Tab(quick.browser(0), quick.address) for _each in range(2))
    assert first.types("", link="https://first.example/page") == 200
    refused = second.sends("", link="https://second.example/page")
    assert refused.status_code == 400
    assert "https://first.example/page" in refused.text


def test_a_tab_left_open_does_not_replace_what_was_handed_in_elsewhere(quick: Scene) -> None:
    stale, other = (Tab(quick.browser(0), quick.address) for _each in range(2))
    other.sends("the better words")
    assert stale.types("older words") == 409
    refused = stale.sends("older words")
    assert refused.status_code == 400
    assert "the better words" in refused.text
    assert "older words" in refused.text
    again = dict(HIDDEN.findall(refused.text))
    assert "Handed in." in quick.browser(0).post(quick.address, text="older words", **again).text


def test_the_other_of_a_pair_is_told_that_something_was_handed_in_meanwhile(quick: Scene) -> None:
    ask_for(quick, paired=True)
    bilal = Tab(quick.browser(1), quick.address)
    quick.hand_in(quick.amara, "Ours, by Amara.")
    refused = bilal.sends("Ours, by Bilal.")
    assert refused.status_code == 400
    assert "Ours, by Amara." in refused.text
    assert "Ours, by Bilal." in refused.text


def test_a_form_sent_after_the_visit_has_ended_gives_its_text_back(quick: Scene) -> None:
    browser, words = quick.browser(0), "Three hours of thinking <b>about</b> it."
    with transaction() as session:
        session.query(VisitRow).delete()
    fields = {"csrf_token": browser.csrf, "text": words}
    ours = {"Sec-Fetch-Site": "same-origin"}
    page = browser.client.post(f"/v/{browser.token}/{quick.address}", data=fields, headers=ours)
    assert page.status_code == 401
    assert "Three hours of thinking &lt;b&gt;about&lt;/b&gt; it." in page.text
    assert browser.csrf not in page.text
    foreign = browser.client.post(
        f"/v/{browser.token}/{quick.address}", data=fields, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert "Three hours" not in foreign.text


@pytest.mark.usefixtures("set_now")
def test_drafts_of_two_tabs_at_the_same_instant_are_one_draft(any_app: Flask) -> None:
    course = factories.make_course()
    people = factories.make_people(course, 2)
    factories.make_cohort(factories.make_program(course), people)
    person_id, assignment_id = people[0].id, db.session.query(Assignment.id).order_by(Assignment.id).first()[0]  # type: ignore[index]  # there is one
    elsewhere: list[int] = []

    def save(number: int) -> None:
        try:
            with transaction() as session:
                fields = {"tab": str(number), "text": f"from {number}", "draft_version": "0"}
                drafts.save(session, session.get_one(Assignment, assignment_id), person_id, fields, factories.NOW)
        except drafts.WrittenElsewhereError:
            elsewhere.append(number)

    assert at_once(any_app, save) == []
    assert len(elsewhere) == AT_ONCE - 1
    assert db.session.query(Draft).count() == 1
