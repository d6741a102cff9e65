"""Forming cohorts in the browser: from the rules to the published board."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from lti_tool.cohorts import people, proposing, publishing, wishes
from lti_tool.cohorts.refusals import impossible
from lti_tool.cohorts.tables import Cohort, Facilitator, Membership
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.matching import forming
from lti_tool.matching.problem import Person, Problem, SizeRule
from lti_tool.matching.solution import Conflict, Relaxation, Solution
from lti_tool.programs.tables import Program
from lti_tool.roster import tables as roster
from lti_tool.roster.tables import Enrolment
from tests.cohorts.conftest import House, know, make_house
from tests.support import factories
from tests.support.factories import Browser

SIZES: Mapping[str, Any] = {"size_min": "8", "size_max": "20", "size_target": "12"}


def text_of(html: str) -> str:
    """The words of a page, without markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_an_instructor_goes_from_rules_to_published_cohorts(departments: House) -> None:
    browser = departments.visit()
    assert "24 people can be placed" in browser.get(departments.at()).text
    page = browser.post(departments.at("propose"), **SIZES, spread="department", balance="level")
    assert page.status_code == 200
    assert "24 people, 2 cohorts of 12" in text_of(page.text)
    assert "every rule below is kept" in page.text
    assert "Spread department" in page.text
    assert re.search(r"12 people · level [23](\.\d)?", page.text)
    published = browser.post(departments.at("publish"), version="1")
    assert "24 people learn in 2 cohorts" in text_of(published.text)
    assert "Cohort A" in published.text
    assert db.session.query(Membership).count() == 24


def test_everybody_reads_what_the_sizes_mean_for_eight_sessions(app: Flask) -> None:
    house = make_house(app, 9)
    browser = house.visit()
    page = browser.post(house.at("propose"), **SIZES)
    wanted = "Cohort A (9 people): everybody can have a new partner in 6 of the 8 sessions."
    assert wanted in text_of(page.text)
    assert wanted in text_of(browser.post(house.at("publish"), version="1").text)


def test_markup_in_names_is_text(app: Flask) -> None:
    names = ["<script>alert(1)</script>", *(f"Person {n}" for n in range(8))]
    house = make_house(app, names)
    know(house, "<b>site</b>", {person.id: "<i>Lyon</i>" for person in house.learners})
    browser = house.visit()
    pages = [
        browser.get(house.at()).text,
        browser.post(house.at("propose"), **SIZES, spread="<b>site</b>").text,
        browser.get(house.at() + f"?person={house.learners[0].id}").text,
        browser.post(house.at("publish"), version="1").text,
    ]
    cohort = db.session.scalars(select(Cohort)).one()
    pages.append(browser.get(f"cohorts/{cohort.id}").text)
    for page in pages:
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<i>Lyon" not in page
        assert "<b>site" not in page


def test_a_wrong_field_gets_a_sentence_and_nothing_typed_is_lost(departments: House) -> None:
    browser = departments.visit()
    wrong: list[tuple[str, str | list[str]]] = [
        ("size_min", ""),
        ("size_min", "7"),
        ("size_max", "21"),
        ("size_target", "9" * 5000),
        ("size_target", "12.5"),
        ("slack", "-1"),
        ("spread", "no such thing"),
        ("balance", "department"),
        ("together-0", ["999999999", "1"]),
        ("together-0", ["9" * 3000]),
        ("apart-3", ["1"]),
        ("locked", "1:x"),
        ("locked", "x" * 3000),
    ]
    for field, value in wrong:
        sent: dict[str, Any] = {**SIZES, "gather": "department", "size_max": "17", field: value}
        page = browser.post(departments.at("propose"), **sent)
        assert page.status_code == 400, field
        assert "to put right" in page.text
        assert re.search(r'value="department" checked', page.text)
        assert field == "size_max" or 'value="17"' in page.text
    assert departments.version() == 0


@pytest.mark.parametrize("index", ["24", "999", "999999999"])
def test_nobody_is_to_stay_in_a_cohort_that_cannot_be(house: House, index: str) -> None:
    sent: dict[str, Any] = {**SIZES, "locked": f"{house.learners[0].id}:{index}"}
    page = house.visit().post(house.at("propose"), **sent)
    assert page.status_code == 400
    assert "is to stay in a cohort that cannot be" in text_of(page.text)
    assert house.version() == 0


def test_a_form_without_any_field_gets_sentences(house: House) -> None:
    page = house.visit().post(house.at("propose"))
    assert page.status_code == 400
    assert "3 things to put right" in text_of(page.text)


def test_more_groups_can_be_asked_for_without_script(house: House) -> None:
    one, two = (str(person) for person in house.ids(0, 1))
    browser = house.visit()
    assert browser.get(house.at()).text.count('<fieldset class="field" id="field-apart-') == 3
    groups: dict[str, Any] = {"together-0": [one, two], "more": "together"}
    page = browser.post(house.at("propose"), **SIZES, **groups)
    assert page.status_code == 200
    assert 'name="together-3"' in page.text
    assert 'name="apart-3"' not in page.text
    assert re.findall(r'<details[^>]*id="groups-([a-z]+)"[^>]* open', page.text) == ["together"]
    assert 'value="Person 02" list="people-here"' in page.text
    assert "There is room for three more groups now." in page.text


def test_people_are_named_by_what_they_are_called_and_an_unclear_name_gets_a_sentence(app: Flask) -> None:
    house = make_house(app, ["Ana Berg", "Ana Costa", "Tom Berg", *(f"Person {n}" for n in range(10, 27))])
    groups: dict[str, Any] = {"apart-0": ["ana  berg", "to", ""], "apart-1": ["Ana", "Zoe", "Tom Berg"]}
    page = house.visit().post(house.at("propose"), **SIZES, **groups)
    assert page.status_code == 400
    assert "“Ana” can be Ana Berg and Ana Costa. Write more of the name." in text_of(page.text)
    assert "Nobody here is called “Zoe”. Choose a name from the list." in text_of(page.text)
    assert 'value="Ana" list="people-here"' in page.text
    red = re.findall(r'<div class="has-error"><input[^>]*value="([^"]*)"', page.text)
    assert red == ["Ana", "Zoe"]
    assert 'class="field has-error" id="field-apart-1"' not in page.text
    assert "People who must be apart, group 2: “Ana” can be" in page.text
    house.visit().post(house.at("propose"), **SIZES, **{"apart-0": groups["apart-0"]})
    assert house.draft().rules.apart == (house.ids(0, 2),)


def ways(page: TestResponse) -> dict[str, str]:
    """The buttons beside a conflict: what each says, and what it sends."""
    found = re.findall(r'<button[^>]*name="relax" value="([^"]*)"[^>]*>(.*?)</button>', page.text, re.DOTALL)
    return {text_of(label).strip(): html.unescape(value) for value, label in found}


def test_rules_that_cannot_hold_are_told_with_names_and_ways_out_one_click_away(app: Flask) -> None:
    house = make_house(app, ["Ana Costa", "Tom Reed", *(f"Person {n}" for n in range(22))])
    ana, tom = (str(person) for person in house.ids(0, 1))
    browser = house.visit()
    fields: dict[str, Any] = {**SIZES, "together-0": [ana, tom], "apart-0": [ana, tom]}
    page = browser.post(house.at("propose"), **fields)
    assert page.status_code == 400
    assert "These rules cannot all be kept" in page.text
    assert "Ana Costa and Tom Reed must be together, and must be apart." in page.text
    offered = ways(page)
    assert set(offered) == {
        "Allow Ana Costa and Tom Reed in different cohorts",
        "Allow Ana Costa and Tom Reed in one cohort",
    }
    assert "These were tried out: each alone is enough." in page.text
    for change in offered.values():
        page = browser.post(house.at("propose"), **fields, relax=change, version=house.version())
        assert "24 people, 2 cohorts of 12" in text_of(page.text)
        assert "every rule below is kept" in page.text
    assert house.draft().rules.together == (house.ids(0, 1),)
    assert house.draft().rules.apart == ()


def test_only_the_pair_that_is_in_the_way_is_let_off(app: Flask) -> None:
    house = make_house(app, ["Ana Costa", "Tom Reed", "Eve Lund", *(f"Person {n}" for n in range(33))])
    ana, tom, eve = (str(person) for person in house.ids(0, 1, 2))
    browser = house.visit()
    fields: dict[str, Any] = {**SIZES, "together-0": [ana, tom], "apart-0": [ana, tom, eve]}
    page = browser.post(house.at("propose"), **fields)
    assert "Ana Costa and Tom Reed must be together, and must be apart." in page.text
    browser.post(house.at("propose"), **fields, relax=ways(page)["Allow Ana Costa and Tom Reed in one cohort"])
    assert house.draft().rules.apart == (house.ids(2, 0), house.ids(2, 1))


def test_two_quarrels_at_once_are_settled_by_one_click(house: House) -> None:
    one, two, three, four = (str(person) for person in house.ids(0, 1, 2, 3))
    fields: dict[str, Any] = {
        **SIZES,
        "together-0": [one, two],
        "together-1": [three, four],
        "apart-0": [one, two],
        "apart-1": [three, four],
    }
    browser = house.visit()
    offered = ways(browser.post(house.at("propose"), **fields))
    both = [change for label, change in offered.items() if ";" in label]
    assert len(both) == 1
    page = browser.post(house.at("propose"), **fields, relax=both[0])
    assert "24 people, 2 cohorts of 12" in text_of(page.text)


def test_other_sizes_to_aim_at_are_offered_where_they_help(app: Flask) -> None:
    house = make_house(app, 26)
    three: dict[str, Any] = {**SIZES, "apart-0": [str(person) for person in house.ids(0, 1, 2)]}
    browser = house.visit()
    page = browser.post(house.at("propose"), **three)
    assert "must be apart, but there are only 2 cohorts." in page.text
    aimed = next(change for label, change in ways(page).items() if label.startswith("Aim at "))
    assert "26 people, 3 cohorts" in text_of(browser.post(house.at("propose"), **three, relax=aimed).text)


def test_four_apart_in_three_cohorts_may_have_smaller_ones_or_let_one_of_them_go(app: Flask) -> None:
    house = make_house(app, ["Ana", "Bea", "Cem", "Dan", *(f"Person {n}" for n in range(53))])
    four: dict[str, Any] = {"size_min": "18", "size_max": "20", "size_target": "19"}
    four["apart-0"] = [str(person) for person in house.ids(0, 1, 2, 3)]
    browser = house.visit()
    page = browser.post(house.at("propose"), **four)
    assert "but there are only 3 cohorts. 57 people make no more of 18 to 20." in page.text
    offered = ways(page)
    assert list(offered) == [
        "Allow 14 to 20 people (4 cohorts)",
        *(f"Let {name} be with any of the others" for name in ("Ana", "Bea", "Cem", "Dan")),
        "No longer keep Ana, Bea, Cem and Dan apart",
    ]
    smaller = browser.post(house.at("propose"), **four, relax=offered["Allow 14 to 20 people (4 cohorts)"])
    assert "57 people, 4 cohorts of 14 or 15" in text_of(smaller.text)
    browser.post(house.at("propose"), **four, version="1", relax=offered["Let Bea be with any of the others"])
    assert house.draft().rules.apart == (house.ids(2, 3, 0),)


def test_a_second_program_can_begin_with_the_rules_of_the_first(house: House) -> None:
    locked = {house.learners[0].id: 0}
    house.propose(Rules(9, 18, 12, apart=(house.ids(2, 3),), locked=locked))
    first, house.program = house.program, factories.make_program(house.course)
    browser = house.visit()
    assert f"Use the rules of {first.title}" in browser.get(house.at()).text
    page = browser.get(f"{house.at()}?rules_of={first.id}").text
    assert f"These are the rules of {first.title}." in page
    assert re.findall(r'name="apart-0" value="([^"]+)"', page) == ["Person 03", "Person 04"]
    assert re.search(r'name="size_min"[^>]*value="9"', page)
    assert "Locked by hand" not in page


@pytest.mark.parametrize(
    "junk", ["", "[]", "{", '{"size.min": 1}', '{"size.slack": 99}', '{"apart": 7}', '{"locked": ["x"]}', '{"no": 1}']
)
def test_a_way_out_that_no_button_offers_changes_nothing(house: House, junk: str) -> None:
    pair = [str(person) for person in house.ids(0, 1)]
    fields: dict[str, Any] = {**SIZES, "together-0": pair, "apart-0": pair}
    page = house.visit().post(house.at("propose"), **fields, relax=junk)
    assert page.status_code == 400
    assert "must be together, and must be apart." in page.text


def test_what_was_not_tried_out_is_not_promised(house: House) -> None:
    pair = house.ids(0, 1)
    problem = wishes.compose(Rules(8, 20, 12, together=(pair,), apart=(pair,)), house.learners, [])
    text = tuple(str(person) for person in pair)
    untried = Conflict("apart", text, "", {"apart": [list(text)]}, helps=None, core=text)
    answer = Solution("infeasible", 1, 1.0, conflict=(replace(untried, rule="together"), untried))
    told = impossible(problem, answer, people.labels(house.learners))
    assert told.note == "It was not found out in the time which of these is enough."
    assert len(told.ways) == 1


def test_more_people_apart_than_there_are_cohorts_are_told_so(app: Flask) -> None:
    house = make_house(app, 12)
    pair: dict[str, Any] = {"apart-0": [str(n) for n in house.ids(0, 1)]}
    page = house.visit().post(house.at("propose"), **SIZES, **pair)
    assert page.status_code == 400
    assert "Person 01 and Person 02 must be apart, but there is only 1 cohort." in page.text


def test_a_larger_difference_of_sizes_is_offered_where_it_helps(house: House) -> None:
    group: dict[str, Any] = {"together-0": [str(person) for person in house.ids(*range(14))]}
    browser = house.visit()
    page = browser.post(house.at("propose"), **SIZES, **group)
    assert page.status_code == 400
    assert "The sizes of two cohorts differ by at most 1." in page.text
    label, change = next((label, change) for label, change in ways(page).items() if "differ" in label)
    solved = browser.post(house.at("propose"), **SIZES, **group, relax=change)
    assert "24 people, 2 cohorts of" in solved.text
    assert label == "Allow sizes to differ by up to 4"
    assert "sizes differ by up to 4" in solved.text


def test_too_few_people_are_told_so(app: Flask) -> None:
    house = make_house(app, 7)
    page = house.visit().post(house.at("propose"), **SIZES)
    assert page.status_code == 400
    assert "7 people do not fit into cohorts of 8 to 20." in page.text


def test_a_range_into_which_nobody_fits_is_widened_by_a_button(app: Flask) -> None:
    house = make_house(app, 17)
    browser = house.visit()
    fields: dict[str, Any] = {"size_min": "12", "size_max": "13", "size_target": "12"}
    page = browser.post(house.at("propose"), **fields)
    assert page.status_code == 400
    offered = ways(page)
    assert set(offered) == {"Allow as few as 8 people", "Allow up to 17 people"}
    for change in offered.values():
        assert "17 people" in browser.post(house.at("propose"), **fields, relax=change, version=house.version()).text


def test_nothing_found_and_nothing_proved_is_said_exactly(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_problem: Problem, *, seed: int, **_rest: object) -> Solution:
        return Solution("unknown", seed, 1.0, text="nothing known")

    monkeypatch.setattr(forming, "solve", nothing)
    page = house.visit().post(house.at("propose"), **SIZES)
    assert page.status_code == 400
    assert "it is not proved that there are none" in page.text
    assert 'name="seed" value="2"' in page.text


def test_an_answer_that_fails_its_check_is_never_shown_as_good(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    true_solve = forming.solve

    def wrong(*args: object, **kwargs: object) -> Solution:
        return replace(true_solve(*args, **kwargs), objective=-1.0)  # type: ignore[arg-type]

    monkeypatch.setattr(forming, "solve", wrong)
    page = house.visit().post(house.at("propose"), **SIZES)
    assert page.status_code == 500
    assert "This answer is wrong, so you do not see it" in page.text
    assert "failed its check" in caplog.text
    assert house.version() == 0


def test_try_again_looks_from_another_start(departments: House) -> None:
    browser = departments.visit()
    browser.post(departments.at("propose"), **SIZES, spread="department")
    first = departments.draft().cohorts
    assert browser.post(departments.at("again"), version="1").status_code == 200
    assert departments.draft().cohorts != first
    assert departments.version() == 2


def test_a_stale_form_of_rules_keeps_its_choices(departments: House) -> None:
    departments.propose()
    departments.propose(seed=2)
    page = departments.visit().post(departments.at("propose"), **SIZES, gather="department", version="1")
    assert page.status_code == 409
    assert "Somebody made another proposal" in page.text
    assert 'value="department" checked' in page.text
    assert 'name="version" value="2"' in page.text
    assert departments.version() == 2


@pytest.mark.parametrize("version", ["1", "", "x", "9" * 4000])
def test_a_stale_page_changes_nothing_and_shows_what_is(house: House, version: str) -> None:
    house.propose()
    house.propose(seed=2)
    before = house.draft().cohorts
    browser = house.visit()
    fields: dict[str, Any] = {
        "version": version,
        "person": before[0][0],
        "to": "1",
        "locked": "1",
        "with": before[1][0],
    }
    for deed in ("again", "move", "swap", "lock", "undo", "publish"):
        page = browser.post(house.at(deed), **fields)
        assert page.status_code == 409, deed
        assert "The proposal was changed since you opened that page" in page.text
        assert "24 people, 2 cohorts of 12" in page.text
    assert house.draft().cohorts == before
    assert db.session.query(Cohort).count() == 0


def test_the_effect_of_each_move_and_swap_is_shown_before_it_is_made(departments: House) -> None:
    departments.propose(Rules(8, 20, 12, spread=("department",)))
    person = departments.draft().cohorts[0][0]
    page = departments.visit().get(f"{departments.at()}?person={person}").text
    assert "Move to Cohort B" in page
    assert "sizes differ by up to 2, more than your rule of 1" in page
    assert "Swap with" in page
    assert "best swap" in page


def test_people_are_moved_swapped_and_moved_back(departments: House) -> None:
    departments.propose(Rules(8, 20, 12, spread=("department",)))
    before = departments.draft()
    one, other = before.cohorts[0][0], before.cohorts[1][0]
    browser = departments.visit()
    page = browser.post(departments.at("move"), version="1", person=one, to="1")
    assert "24 people, 2 cohorts of 11 to 13" in page.text
    assert "is now in Cohort B. Sizes differ by up to 2, more than your rule of 1." in page.text
    assert "stays in Cohort B when you try again." in page.text
    assert "every rule below is kept but that of sizes" in page.text
    assert "locked" in page.text
    assert one in departments.draft().cohorts[1]
    page = browser.post(departments.at("undo"), version="2")
    assert "every rule below is kept ·" in page.text
    assert departments.draft() == before
    partner: dict[str, Any] = {"with": other}
    page = browser.post(departments.at("swap"), version="3", person=one, **partner)
    assert "changed places" in page.text
    after = departments.draft().cohorts
    assert one in after[1]
    assert other in after[0]
    assert "There is nothing to undo." not in browser.post(departments.at("undo"), version="4").text
    assert "There is nothing to undo." in browser.post(departments.at("undo"), version="5").text


def test_whoever_was_moved_by_hand_stays_when_trying_again(house: House) -> None:
    house.propose()
    person = house.draft().cohorts[0][0]
    browser = house.visit()
    browser.post(house.at("move"), version="1", person=person, to="1")
    browser.post(house.at("again"), version="2")
    assert person in house.draft().cohorts[1]
    assert [len(members) for members in house.draft().cohorts] == [12, 12]
    browser.post(house.at("lock"), version="3", person=person, locked="0")
    assert house.draft().rules.locked == {}


def test_several_who_were_moved_are_let_go_at_once_and_sizes_that_are_published_are_a_rule(house: House) -> None:
    house.propose()
    [one, *_others], [other, another, *_more] = house.draft().cohorts
    browser = house.visit()
    partner: dict[str, Any] = {"with": other}
    page = browser.post(house.at("swap"), version="1", person=one, **partner)
    assert "stay where they are now when you try again." in page.text
    page = browser.post(house.at("lock"), version="2", person=[one, other], locked="0")
    assert "may be moved again." in page.text
    assert house.draft().rules.locked == {}
    browser.post(house.at("move"), version="3", person=another, to="0")
    assert house.draft().rules.slack == 1
    browser.post(house.at("publish"), version="4")
    assert house.draft().rules.slack == 2


def test_a_move_that_makes_no_sense_gets_a_sentence(house: House) -> None:
    house.propose()
    before = house.draft().cohorts
    here, browser = before[0][0], house.visit()
    senseless: list[dict[str, Any]] = [
        {"person": "999999999", "to": "1"},
        {"person": "9" * 4000, "to": "1"},
        {"person": "", "to": ""},
        {"to": "1"},
        {},
        {"person": here, "to": "99"},
        {"person": here, "to": "-1"},
        {"person": here, "to": "9" * 4000},
        {"person": here, "to": "0"},
        {"person": here, "with": here},
        {"person": here, "with": "<b>"},
    ]
    for sent in senseless:
        page = browser.post(house.at("swap" if "with" in sent else "move"), version="1", **sent)
        assert page.status_code == 400, sent
        assert "Nothing was changed." in page.text
    assert house.draft().cohorts == before


def test_publishing_twice_does_no_harm(house: House) -> None:
    house.propose()
    browser = house.visit()
    browser.post(house.at("publish"), version="1")
    for deed in ("publish", "again", "move", "undo", "propose"):
        page = browser.post(house.at(deed), version="1", person="1", to="1", **SIZES)
        assert page.status_code == 409
        assert "The cohorts of this program are published" in page.text
    assert db.session.query(Cohort).count() == 2
    assert db.session.query(Membership).count() == 24
    assert browser.get(house.at("rules")).status_code == 409


def test_nobody_who_left_is_published(house: House) -> None:
    house.propose()
    leave(house, 0)
    browser = house.visit()
    assert "Person 01 left the course since this proposal was made" in browser.get(house.at()).text
    page = browser.post(house.at("publish"), version="1")
    assert page.status_code == 409
    assert "Nothing was published: Person 01 left the course" in page.text
    assert "23 people" in browser.post(house.at("again"), version="1").text


def leave(house: House, number: int) -> None:
    with transaction() as session:
        session.query(Enrolment).filter_by(course_id=house.course.id, person_id=house.learners[number].id).update(
            {"left_at": factories.NOW}
        )


def test_people_who_are_not_placed_are_named_with_the_reason(house: House) -> None:
    factories.make_people(house.course, ["Test Student"], is_test=True)
    factories.make_people(house.course, ["Olga Observer"], role=Role.MENTOR)
    factories.make_people(house.course, ["Nobody Norris"], role=Role.NONE)
    leave(house, 3)
    browser = house.visit()
    for page in (browser.get(house.at()).text, browser.post(house.at("propose"), **SIZES).text):
        words = text_of(page)
        assert "test user Test Student" in words
        assert "observes only Olga Observer" in words
        assert "no role in the course Nobody Norris" in words
        assert "left the course Person 04" in words
    draft = house.draft()
    assert sum(map(len, draft.cohorts)) == 23


def test_another_courses_cohorts_are_not_found(app: Flask, house: House) -> None:
    other = make_house(app, 9, title="Another course")
    other.propose()
    stranger = house.visit()
    assert stranger.get(other.at()).status_code == 404
    assert stranger.get(other.at("rules")).status_code == 404
    for deed in ("propose", "again", "move", "swap", "lock", "undo", "publish", "newcomers"):
        assert stranger.post(other.at(deed), version="1", **SIZES).status_code == 404
    other.visit().post(other.at("publish"), version="1")
    cohort = db.session.scalars(select(Cohort)).one()
    assert stranger.get(f"cohorts/{cohort.id}").status_code == 404
    for deed in ("appoint", "dismiss", "transfer"):
        assert stranger.post(f"cohorts/{cohort.id}/{deed}", person="1").status_code == 404


def test_learners_see_no_page_of_cohorts_and_assistants_change_nothing(house: House) -> None:
    house.propose()
    learner = house.visit(Role.LEARNER, house.learners[0])
    [assistant] = factories.make_people(house.course, ["Tara"], role=Role.TEACHING_ASSISTANT)
    looking = house.visit(Role.TEACHING_ASSISTANT, assistant)
    page = looking.get(house.at())
    assert page.status_code == 200
    assert "Publish" not in page.text
    assert "Try again" not in page.text
    assert learner.get(house.at()).status_code == 403
    for browser in (learner, looking):
        assert browser.get(house.at("rules")).status_code == 403
        for deed in ("propose", "again", "move", "swap", "lock", "undo", "publish", "newcomers"):
            assert browser.post(house.at(deed), version="1", **SIZES).status_code == 403
    assert house.version() == 1


def test_an_assistant_is_told_that_there_are_no_cohorts_yet(house: House) -> None:
    [assistant] = factories.make_people(house.course, ["Tara"], role=Role.TEACHING_ASSISTANT)
    page = house.visit(Role.TEACHING_ASSISTANT, assistant).get(house.at())
    assert "No cohorts yet" in page.text


def published(house: House) -> tuple[Browser, list[Cohort]]:
    house.propose()
    browser = house.visit()
    browser.post(house.at("publish"), version="1")
    return browser, list(db.session.scalars(select(Cohort).order_by(Cohort.position)))


def test_a_facilitator_opens_their_cohort_and_no_other(house: House) -> None:
    instructor, cohorts = published(house)
    person = house.learners[0]
    page = instructor.post(f"cohorts/{cohorts[0].id}/appoint", person=person.id)
    assert "Person 01 facilitates this cohort." in page.text
    instructor.post(f"cohorts/{cohorts[0].id}/appoint", person=person.id)
    assert db.session.query(Facilitator).count() == 1
    facilitator = house.visit(Role.LEARNER, person)
    own = facilitator.get(f"cohorts/{cohorts[0].id}")
    assert own.status_code == 200
    assert "Cohort A: 12 people" in text_of(own.text)
    assert "Appoint" not in own.text
    assert facilitator.get(f"cohorts/{cohorts[1].id}").status_code == 403
    assert facilitator.post(f"cohorts/{cohorts[0].id}/appoint", person=person.id).status_code == 403
    instructor.post(f"cohorts/{cohorts[0].id}/dismiss", person=person.id)
    assert facilitator.get(f"cohorts/{cohorts[0].id}").status_code == 403


def test_only_people_of_the_course_are_appointed(house: House) -> None:
    instructor, cohorts = published(house)
    for person in ("", "x", "0", "999999999", "9" * 4000):
        page = instructor.post(f"cohorts/{cohorts[0].id}/appoint", person=person)
        assert page.status_code == 400
        assert "Nobody was appointed" in page.text
        assert instructor.post(f"cohorts/{cohorts[0].id}/dismiss", person=person).status_code == 200


def test_a_transfer_that_makes_no_sense_gets_a_sentence(house: House) -> None:
    instructor, cohorts = published(house)
    member, other = first_member(cohorts[0]), str(cohorts[1].id)
    for person, to in (
        ("", ""),
        (member, "999999999"),
        ("x", other),
        (member, "9" * 4000),
        (member, str(cohorts[0].id)),
    ):
        page = instructor.post(f"cohorts/{cohorts[0].id}/transfer", person=person, to=to)
        assert page.status_code == 400
        assert "Nothing was changed." in page.text


def first_member(cohort: Cohort) -> str:
    return str(db.session.scalars(select(Membership.person_id).where(Membership.cohort_id == cohort.id)).first())


def test_a_transfer_that_breaks_rules_is_told_and_made_only_when_insisted(house: House) -> None:
    instructor, cohorts = published(house)
    fields: dict[str, Any] = {"person": first_member(cohorts[0]), "to": str(cohorts[1].id)}
    page = instructor.post(f"cohorts/{cohorts[0].id}/transfer", **fields)
    assert page.status_code == 400
    assert "It would have 2 people more than the smallest cohort." in page.text
    name = db.session.get_one(roster.Person, fields["person"]).name
    assert f"{name} was not moved to Cohort B: it would break rules" in page.text
    assert f"Move {name} to Cohort B anyway" in page.text
    done = instructor.post(f"cohorts/{cohorts[0].id}/transfer", **fields, anyway="1")
    assert "is now in Cohort B." in done.text
    assert "Cohort A: 11 people" in text_of(done.text)
    assert "No longer here" in done.text
    board = instructor.get(house.at())
    assert "1 person moved to another cohort" in board.text
    [act] = re.findall(r'name="act" value="(\d+)"', board.text)
    assert "moved to another cohort" not in instructor.post(house.at("moves/undo"), act=act).text
    assert "No longer here" not in instructor.get(f"cohorts/{cohorts[1].id}").text


def test_newcomers_are_placed_by_a_button(house: House) -> None:
    instructor, _cohorts = published(house)
    factories.make_people(house.course, ["Nia Newcomer"])
    assert "1 person waits for a place" in text_of(instructor.get(house.at()).text)
    page = instructor.post(house.at("newcomers"))
    assert "Nia Newcomer is now in Cohort A." in page.text
    assert "Nia Newcomer joined Cohort A, placed by Ines Instructor." in page.text
    assert "25 people learn in 2 cohorts" in text_of(page.text)
    assert "Everybody has a place already." in instructor.post(house.at("newcomers")).text


def test_whom_a_reading_of_the_roster_placed_is_named_and_can_be_taken_out_or_moved(house: House) -> None:
    instructor, cohorts = published(house)
    [frida] = factories.make_people(house.course, ["Frida Freitag"])

    def read_the_roster() -> str:
        with transaction() as session:
            publishing.place_newcomers(session, session.get_one(Program, house.program.id))
        return instructor.get(house.at()).text

    board = read_the_roster()
    assert "Frida Freitag joined Cohort A, placed by Peerloop." in board
    [act] = re.findall(r'name="act" value="(\d+)"', board)
    [address] = re.findall(r'href="/v/[^/]+/([^"]*)">Choose another cohort', board)
    chosen = instructor.get(html.unescape(address)).text
    assert re.search(rf'<option value="{frida.id}" selected[^>]*>Frida Freitag', chosen)
    out = instructor.post(house.at("joined/undo"), act=act).text
    assert "Frida Freitag has no cohort now, and gets none until you place them." in out
    assert "1 person is no longer here" not in out
    assert "1 person waits for a place" in text_of(read_the_roster())
    assert instructor.post(house.at("joined/undo"), act=act).status_code == 409
    assert "was taken out of Cohort A again, and waits" in instructor.get(house.at("history")).text
    placed = instructor.post(house.at("newcomers")).text
    assert "Frida Freitag joined Cohort A, placed by Ines Instructor." in placed
    instructor.post(f"cohorts/{cohorts[0].id}/transfer", person=frida.id, to=cohorts[1].id, anyway="1")
    assert "Frida Freitag joined" not in read_the_roster()


def count_queries(browser: Browser, address: str) -> int:
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert browser.get(address).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("state", ["rules", "proposal", "published", "cohort"])
def test_more_people_need_no_more_queries(app: Flask, state: str) -> None:
    counts = []
    for size in (9, 48):
        house = make_house(app, size, title=f"Course of {size}")
        know(house, "department", {p.id: p.name[-1] for p in house.learners})
        browser = house.visit()
        address = house.at()
        if state != "rules":
            house.propose(Rules(8, 20, 12, spread=("department",)))
        if state in ("published", "cohort"):
            browser.post(house.at("publish"), version="1")
        if state == "cohort":
            cohort = db.session.scalars(select(Cohort).where(Cohort.program_id == house.program.id)).first()
            assert cohort is not None
            address = f"cohorts/{cohort.id}"
        counts.append(count_queries(browser, address))
    assert counts[0] == counts[1]
    assert counts[0] <= 16


def test_the_search_holds_no_lock_on_the_database(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    true_search = proposing.search

    def search(problem: Problem, seed: int) -> Solution:
        assert not db.session().in_transaction()
        return true_search(problem, seed)

    monkeypatch.setattr(proposing, "search", search)
    assert house.visit().post(house.at("propose"), **SIZES).status_code == 200
    assert house.version() == 1


@pytest.mark.usefixtures("english")
def test_why_hours_do_not_fit_is_told_with_names() -> None:
    names = {"a": "Ana Costa", "b": "Tom Reed", "c": "Eve Lund"}

    def told(people: tuple[Person, ...], **rules: Any) -> list[str]:
        problem = Problem(people, SizeRule(8, 20, 12), common_slots=1, **rules)
        item = Conflict("common_slots", ("a", "b") if people[0].slots else (), "", {"common_slots": 0}, helps=True)
        answer = Solution("infeasible", 1, 1.0, conflict=(item,))
        return impossible(problem, answer, names, {"mon-09": "Mon 9", "tue-09": "Tue 9"}.__getitem__).sentences

    need = "Each cohort needs 1 hour at which everybody can meet"
    silent, busy = Person("a"), (Person("a", slots=("mon-09",)), Person("b", slots=("tue-09",)))
    assert told((silent,)) == [f"{need}, but nobody has said when they can."]
    few = "Ana Costa has named 1 hour only: Mon 9. Tom Reed has named 1 hour only: Tue 9."
    assert told(busy) == [f"{need}, which the hours of Ana Costa and Tom Reed do not allow. {few}"]
    together = told(busy, locked={"a": 1, "b": 1})
    assert together == [f"{need}, but in Cohort B Ana Costa and Tom Reed have too few in common. {few}"]


@pytest.mark.usefixtures("english")
def test_every_rule_of_the_matching_has_words_and_a_way_out() -> None:
    women = [{"attribute": "gender", "value": "woman"}]
    items = (
        Conflict("not_alone", ("a", "b"), "", {"not_alone": women}, helps=True),
        Conflict("locked", ("a",), "", {"locked": ["a"]}, helps=True),
        Conflict("common_slots", (), "", {"common_slots": 1}, helps=True),
    )
    problem = Problem(
        (Person("a", slots=("mon",)), Person("b")), SizeRule(8, 20, 12), locked={"a": 0}, common_slots=2
    )
    both = Relaxation({"common_slots": 0, "locked": ["a"]}, True)
    answer = Solution("infeasible", 1, 1.0, conflict=items, relaxations=(both,))
    page = impossible(problem, answer, {"a": "Ana Costa", "b": "Tom Reed"})
    assert page.sentences[0] == "In each cohort there must be nobody or at least two of Ana Costa and Tom Reed."
    assert [way.label for way in page.ways] == [
        "Allow somebody to be the only “woman” of a cohort (gender)",
        "Allow Ana Costa in any cohort",
        "Ask for 1 common hour",
        "Do without common hours; allow Ana Costa in any cohort",
    ]
