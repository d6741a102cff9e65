"""The form of the rules: what the data allow is said before anybody searches, and every rule can be chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from lti_tool.cohorts import people, proposing, words
from lti_tool.cohorts.wish_form import option_of
from lti_tool.cohorts.wishes import MUCH
from tests.cohorts.conftest import House, know, make_house
from tests.cohorts.test_pages import SIZES, text_of, ways
from tests.support import factories


def say_when(monkeypatch: pytest.MonkeyPatch, slots: Mapping[int, tuple[str, ...]]) -> None:
    """What learners have answered."""
    monkeypatch.setattr(people, "slots_of", lambda *_of: slots)


def test_which_sizes_fit_is_said_at_once(house: House) -> None:
    page = text_of(house.visit().get(house.at()).text)
    assert "These people fit into 2 cohorts of 12, or 3 cohorts of 8." in page


def test_people_who_fit_into_no_size_are_told_before_a_search(app: Flask) -> None:
    house = make_house(app, 7)
    factories.make_people(house.course, ["Tess"], is_test=True)
    page = house.visit().get(house.at()).text
    assert "7 people are too few for a cohort" in text_of(page)
    assert "1 more learner is needed for a cohort." in text_of(page)
    assert "1 person of this course is never placed: see why" in text_of(page)
    assert '/people">See who is here, and read the roster again' in page
    house = make_house(app, 21, title="Another course")
    sizes: dict[str, Any] = {"size_min": "15", "size_max": "20", "size_target": "18"}
    told = house.visit().post(house.at("propose"), **sizes)
    assert text_of(told.text).count("21 people do not fit into cohorts of 15 to 20. Allow as few as 10 in a") == 1
    assert list(ways(told)) == ["Allow as few as 10 people"]


def test_sizes_that_fit_nobody_are_told_before_any_search_and_either_way_is_one_click(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(app, 40)
    say_when(monkeypatch, dict.fromkeys(house.ids(*range(40)), ("mon-09", "tue-14")))
    sizes: dict[str, Any] = {"size_min": "16", "size_max": "18", "size_target": "17", "common_slots": "1"}
    browser = house.visit()
    with monkeypatch.context() as unasked:
        unasked.delattr(proposing, "search")
        page = browser.post(house.at("propose"), **sizes)
    assert "40 people do not fit into cohorts of 16 to 18." in page.text
    assert list(ways(page)) == ["Allow up to 20 people", "Allow as few as 13 people"]
    few = browser.post(house.at("propose"), **sizes, relax=ways(page)["Allow as few as 13 people"])
    assert "40 people, 3 cohorts of 13 or 14" in text_of(few.text)
    nines: dict[str, Any] = {"size_min": "9", "size_max": "9", "size_target": "10"}
    page = browser.post(house.at("propose"), **nines, version="1")
    assert "Every cohort has 9 people: aim at 9." in page.text
    page = browser.post(house.at("propose"), **nines | {"size_target": "9"}, version="1")
    assert "40 people do not fit into cohorts of 9." in page.text


def test_what_is_known_of_few_or_the_same_of_all_is_marked(house: House) -> None:
    know(house, "country", {person.id: "Portugal" for person in house.learners})
    know(house, "department", {person.id: "Sales" if n % 2 else "IT" for n, person in enumerate(house.learners[:12])})
    know(house, "team", {person.id: f"team {n}" for n, person in enumerate(house.learners[:23])})
    page = text_of(house.visit().get(house.at()).text)
    assert "one value for everybody: nothing to choose by" in page
    assert "IT (6 people), Sales (6) · half have none" in page
    assert "23 values · not known of 1 person" in page


def test_who_could_meet_with_nobody_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, *others = house.ids(*range(20))
    say_when(monkeypatch, {one: ("sun-05",), two: ("sat-06",)} | dict.fromkeys(others, ("mon-09",)))
    page = text_of(house.visit().get(house.at()).text)
    assert "2 people have no hour in common with anyone: Person 01 and Person 02." in page
    assert "Place Person 01 and Person 02 without their hours" in page
    form = house.visit().post(house.at("propose"), **SIZES, without=f"{one} {two} 0").text
    assert re.findall(r'name="any_time" value="(\d+)" checked', form) == [str(one), str(two)]
    assert "Place Person 01 and Person 02" not in form
    assert house.version() == 0
    assert "Most can meet at: Mon 9:00 AM (18), " in page
    assert "4 people have not said when they can meet and count as free at any time." in page


def test_rules_that_a_form_can_say_reach_the_proposal_and_the_form_again(
    departments: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [person.id for person in departments.learners]
    know(departments, "gender", {p: "woman" if n % 8 == 0 else "man" for n, p in enumerate(ids)})
    say_when(monkeypatch, {p: ("mon-09", "tue-14") if n % 2 else ("tue-14",) for n, p in enumerate(ids[:20])})
    chosen: dict[str, Any] = {"weight:department": "much", "weight:level": "normal"}
    woman = option_of("gender", "woman")
    page = departments.visit().post(
        departments.at("propose"), **SIZES, spread="department", not_alone=woman, common_slots="1", **chosen
    )
    assert page.status_code == 200
    for chip in ("Spread department (much)", "Nobody alone: gender woman", "1 common hour"):
        assert chip in page.text
    draft = departments.draft()
    assert [wish.weight for wish in draft.problem.spread] == [MUCH]
    women = {str(p) for n, p in enumerate(ids) if n % 8 == 0}
    assert all(len(women.intersection(members)) != 1 for members in draft.cohorts)
    assert all("tue-14" in slots for slots in draft.solution["slots"])
    form = departments.visit().get(departments.at("rules")).text
    assert '<option value="much" selected>' in form
    assert 'value="[&#34;gender&#34;, &#34;woman&#34;]" checked' in form
    assert '<option value="1" selected>' in form


def test_a_move_that_leaves_somebody_alone_or_no_common_hour_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(person.id) for person in house.learners]
    know(house, "gender", {int(p): "woman" if p in ids[:2] else "man" for p in ids})
    say_when(monkeypatch, {int(p): ("mon-09",) if n < 12 else ("tue-14",) for n, p in enumerate(ids)})
    browser = house.visit()
    browser.post(house.at("propose"), **SIZES, not_alone=option_of("gender", "woman"), common_slots="1")
    to = 0 if ids[0] in house.draft().cohorts[1] else 1
    page = text_of(browser.post(house.at("move"), version="1", person=ids[0], to=str(to)).text)
    assert "Nothing was changed." in page
    assert "would be the only one" in page
    assert "would have too few hours at which everybody can meet" in page


@pytest.mark.parametrize(
    ("field", "value"), [("not_alone", '["gender", "x"]'), ("not_alone", "[" * 3000), ("common_slots", "9")]
)
def test_a_wrong_rule_gets_a_sentence(departments: House, field: str, value: str) -> None:
    sent: dict[str, Any] = {**SIZES, field: value}
    page = departments.visit().post(departments.at("propose"), **sent)
    assert page.status_code == 400
    assert "One thing to put right" in page.text


def test_more_common_hours_than_the_form_offers_come_in_by_no_button(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_when(monkeypatch, {person.id: tuple(f"mon-{hour:02}" for hour in range(9, 19)) for person in house.learners})
    house.visit().post(house.at("propose"), **SIZES, common_slots="1", relax='{"common_slots": 9}')
    assert house.draft().rules.common_slots == 1


@pytest.mark.usefixtures("english")
def test_slots_are_told_in_words(departments: House) -> None:
    day = departments.program.first_session_on
    assert words.slot("mon-09", day, "UTC") == "Mon 9:00\u202fAM"
    assert words.slot("tue-13:30", day, "Asia/Kolkata") == "Tue 7:00\u202fPM"
    assert words.slot("whenever", day, "UTC") == "whenever"
