"""Cohorts are formed by what learners say."""

from __future__ import annotations

import re
from typing import Any

from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.roster.tables import Enrolment, Person
from tests.cohorts.conftest import House, know
from tests.cohorts.test_pages import SIZES, text_of


def says(house: House, person: Person, do: str = "save", **fields: Any) -> None:
    assert house.visit(Role.LEARNER, person).post("answers", do=do, **fields).status_code == 200


def test_answers_can_be_spread_and_balanced_and_silence_is_unknown(house: House) -> None:
    for number, person in enumerate(house.learners[:20]):
        says(house, person, experience=str(number % 6), language=["en", "pt"][number % 2], zone="Europe/Lisbon")
    browser = house.visit()
    form = text_of(browser.get(house.at()).text)
    assert "4 of 24 learners have not said anything yet, and count as unknown" in form
    assert "experience 6 values · not known of 4 people · learners say so" in form
    assert "language English (10 people), Portuguese (10) · not known of 4 people · learners say so" in form
    page = browser.post(house.at("propose"), **SIZES, spread="language", balance="experience")
    assert page.status_code == 200
    values = [person.attributes for person in house.draft().problem.people]
    assert [value["language"] for value in values if value].count("Portuguese") == 10
    assert sum(not value for value in values) == 4
    assert values[5]["experience"] == 5.0


def test_a_file_says_more_than_learners_where_both_speak_of_the_same(house: House) -> None:
    ana, other = house.learners[:2]
    says(house, ana, experience="1")
    know(house, "Experience", {other.id: "12"})
    form = text_of(house.visit().get(house.at()).text)
    assert "Experience 12 (1 person) · half or more have none · from a file" in form
    assert "learners say so" not in form


def test_pairs_that_must_avoid_each_other_are_kept_apart_by_one_click(house: House) -> None:
    ana, bilal, tom = house.learners[:3]
    says(house, ana, do=f"avoid:{tom.id}")
    says(house, tom, do=f"avoid:{ana.id}")
    says(house, bilal, do=f"avoid:{tom.id}")
    browser = house.visit()
    form = browser.get(house.at()).text
    assert "2 pairs must not meet, as learners say" in text_of(form)
    adopted = browser.post(house.at("propose"), **SIZES, adopt="avoid", spread=[])
    assert "2 pairs stand among the people who must be apart now. Make a proposal to use them." in adopted.text
    assert "All who must not meet, as learners say, are kept apart." in adopted.text
    groups: dict[str, Any] = {
        name: re.findall(r'value="([^"]+)" list', fields)
        for name, fields in re.findall(r'id="field-(apart-\d)">(.*?)</fieldset>', adopted.text, re.DOTALL)
    }
    assert groups["apart-0"] == [ana.name, tom.name]
    assert groups["apart-1"] == [bilal.name, tom.name]
    browser.post(house.at("propose"), **SIZES, **{name: people for name, people in groups.items() if people})
    together = [set(members) for members in house.draft().cohorts]
    assert not any({str(tom.id), str(ana.id)} <= members for members in together)
    assert not any({str(tom.id), str(bilal.id)} <= members for members in together)
    db.session.rollback()


def test_staff_see_who_must_not_meet_and_is_in_one_cohort(house: House) -> None:
    ana, bilal, *others = house.learners
    house.propose(Rules(8, 20, 12, together=((ana.id, bilal.id),)))
    says(house, bilal, do=f"avoid:{ana.id}")
    [cohort] = [members for members in house.draft().cohorts if str(ana.id) in members]
    elsewhere = next(person for person in others if str(person.id) not in cohort)
    says(house, ana, do=f"avoid:{elsewhere.id}")
    browser = house.visit()
    said = "1 pair that must not meet, as learners say, is in one cohort: Person 01 with Person 02."
    draft = browser.get(house.at()).text
    assert said in text_of(draft)
    assert f'{house.at("rules")}">Keep them apart by the rules</a>' in draft
    says(house, next(person for person in others if str(person.id) in cohort), do=f"avoid:{ana.id}")
    browser.post(house.at("publish"), version="1")
    board = text_of(browser.get(house.at()).text)
    assert "2 pairs that must not meet, as learners say, are in one cohort: Person 01 with Person 02 and" in board
    assert "Move one of them from their cohort's page." in board


def test_a_section_comes_from_the_lms_unless_a_file_says_it(house: House) -> None:
    with transaction() as session:
        enrolments = session.query(Enrolment).filter(Enrolment.person_id.in_(house.ids(0, 1)))
        enrolments.update({"section": "North"})
    form = text_of(house.visit().get(house.at()).text)
    assert "section North (2 people) · half or more have none · from the LMS" in form
    assert "section: North (from the LMS)" in house.visit().get("people").text
    know(house, "section", {house.learners[2].id: "East"})
    form = text_of(house.visit().get(house.at()).text)
    assert "section East (1 person) · half or more have none · from a file" in form


def test_hours_that_learners_painted_can_be_asked_for_in_common(house: House) -> None:
    for number, person in enumerate(house.learners):
        says(
            house, person, zone="Europe/Lisbon", free=[["tue-14", "wed-10"][number % 2], "sun-09"][: 1 + (number < 3)]
        )
    browser = house.visit()
    said = (
        "Most can meet at: Tue 2:00 PM (12), Wed 10:00 AM (12), Sun 9:00 AM (3). These are times on the clocks of UTC"
    )
    assert said in text_of(browser.get(house.at()).text)
    assert browser.post(house.at("propose"), **SIZES, common_slots="1").status_code == 200
    slots = [set.intersection(*(set(slots[p]) for p in cohort)) for slots, cohort in _slots_by_cohort(house)]
    assert sorted(map(sorted, slots)) == [["tue-14"], ["wed-10"]]


def _slots_by_cohort(house: House) -> list[tuple[dict[str, tuple[str, ...]], list[str]]]:
    draft = house.draft()
    slots = {person.id: person.slots for person in draft.problem.people}
    return [(slots, members) for members in draft.cohorts]


def test_who_is_silent_gets_into_all_cohorts_evenly_and_is_shown_as_unknown(house: House) -> None:
    """The sites would gather the silent ones: nothing is known of them, which is a value of its own."""
    browser = house.visit()
    assert "who has answered" not in browser.get(house.at()).text
    for number, person in enumerate(house.learners[:14]):
        says(house, person, experience="4", language="en" if number % 2 else "pt")
    form = browser.get(house.at()).text
    assert "They get into all cohorts evenly where “who has answered” is spread." in form
    assert re.search(r'name="spread" value="who has answered" checked', form)
    assert "who has answered answered (14 people), not yet (10) · Peerloop knows it" in text_of(form)
    asked: dict[str, Any] = {"spread": "who has answered", "gather": "language", "balance": "experience"}
    page = browser.post(house.at("propose"), **SIZES, **asked).text
    silent = {str(person.id) for person in house.learners[14:]}
    assert [len(silent.intersection(members)) for members in house.draft().cohorts] == [5, 5]
    assert "Spread who has answered" in page
    assert text_of(page).count("experience 4 (mean of 7 of 12)") == 2
    assert "unknown 5" in page  # what the bars say to those who hear them
    assert '<rect class="share-unknown"' in page
    assert "as even as it can be" in browser.get(house.at("compare")).text
    assert "4 on average in each cohort, known of 14 of 24 people" in browser.get(house.at("compare")).text


def test_silence_is_nothing_to_pair_people_by(house: House) -> None:
    says(house, house.learners[0], experience="4")
    house.propose()
    house.visit().post(house.at("publish"), version="1")
    page = house.visit().get(f"programs/{house.program.id}/pairs").text
    assert "experience" in page
    assert "who has answered" not in page
