"""Cohorts as files, and what is shown of how they came about."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse, encode_multipart

from lti_tool import audit
from lti_tool.cohorts.history import MOST
from lti_tool.cohorts.tables import Cohort
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.course_groups import Group
from lti_tool.lti.launch import Identity, Role, Standing
from lti_tool.lti.memberships import Member
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster import groups
from lti_tool.roster.tables import Course, Enrolment, Person, RosterReading
from tests.cohorts.conftest import House, make_house
from tests.cohorts.test_pages import SIZES, text_of
from tests.support import factories
from tests.support.factories import Browser


def as_csv(house: House, *cohorts: tuple[int, ...]) -> str:
    """A file with the learners of these numbers in cohorts called Team 1, Team 2…"""
    lines = [
        f"{house.learners[number].name},Team {place}"
        for place, members in enumerate(cohorts, 1)
        for number in members
    ]
    return "\n".join(["name,cohort", *lines])


def confirm(browser: Browser, page: TestResponse) -> TestResponse:
    """Take what a page shows, as its form says."""
    form = re.search(r'<form[^>]*action="([^"]*/import(?:/groups)?)"([^>]*)>(.*?)</form>', page.text, re.DOTALL)
    assert form
    address, attributes, body = form.groups()
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', body)
    fields = {name: html.unescape(value) for name, value in hidden}
    return send(browser, address, fields, multipart='enctype="multipart/form-data"' in attributes)


def send(browser: Browser, address: str, fields: dict[str, str], *, multipart: bool) -> TestResponse:
    """A form in one of the two encodings."""
    data, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    if multipart:
        boundary, data = encode_multipart(fields)
        kind = f"multipart/form-data; boundary={boundary}"
    return browser.client.post(address, data=data, content_type=kind, follow_redirects=True)


HALVES = (tuple(range(12)), tuple(range(12, 24)))


def rows(house: House) -> list[list[str]]:
    answer = house.visit().get(f"programs/{house.program.id}/cohorts.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_cohorts_go_into_a_file_and_come_back_the_same(house: House) -> None:
    house.propose()
    before = [set(members) for members in house.draft().cohorts]
    answer = house.visit().get(f"programs/{house.program.id}/cohorts.csv")
    assert 'filename="cohorts-giving-feedback.csv"' in answer.headers["Content-Disposition"]
    text = answer.get_data().decode("utf-8-sig")
    browser = house.visit()
    shown = browser.post(house.at("import"), text=text, version="1")
    assert "24 people, 2 cohorts of 12" in text_of(shown.text)
    assert house.version() == 1
    assert "The file is a draft now" in confirm(browser, shown).text
    assert [set(members) for members in house.draft().cohorts] == before
    browser.post(house.at("publish"), version="2")
    assert [row[3] for row in rows(house)] == ["cohort"] + ["A"] * 12 + ["B"] * 12


# What a spreadsheet may take for a formula: after white space, in full-width signs, and what is marked already.
FORMULAS = ["=1", " =2", "\t=3", "\r4", "＝5", "＋6", "－7", "＠8", "'=9"]


@pytest.mark.parametrize("key", [0, 1, 2])
def test_nobody_gets_a_formula_into_the_file_and_all_that_is_in_it_comes_back(app: Flask, key: int) -> None:
    house = make_house(app, FORMULAS)
    for number, person in enumerate(house.learners):
        person.subject, person.email = f"@user-{number}", f"+{number}@school.test"
    db.session.commit()
    house.propose()
    header, *found = rows(house)
    assert all(cell.startswith("'") for row in found for cell in row[:3])
    assert {row[2] for row in found} == {f"'{name}" for name in FORMULAS}
    text = "\n".join([f"{header[key]},cohort", *(f'"{row[key]}",A' for row in found)])
    page = text_of(house.visit().post(house.at("import"), text=text, version="1").text)
    assert "9 people, 1 cohort of 9" in page
    assert "Not in this course" not in page


def test_a_long_file_in_any_script_that_was_shown_can_be_taken(house: House) -> None:
    strangers = [f"{'あ' * 100}{number},Team 1" for number in range(2_500)]
    browser = house.visit()
    text = "\n".join([as_csv(house, *HALVES), *strangers])
    fields = {"text": text, "csrf_token": browser.csrf}
    shown = send(browser, f"/v/{browser.token}/{house.at('import')}", fields, multipart=True)
    assert "Not in this course" in shown.text
    taken = confirm(browser, shown)
    assert taken.status_code == 200
    assert "The file is a draft now" in taken.text


def test_a_cohort_named_like_a_formula_is_exported_as_text(house: House) -> None:
    house.propose()
    house.visit().post(house.at("publish"), version="1")
    db.session.query(Cohort).filter_by(position=0).one().name = "-1"
    db.session.commit()
    assert {row[3] for row in rows(house)[1:]} == {"'-1", "B"}


def test_the_first_cohort_of_a_file_is_cohort_a_whatever_its_number(house: House) -> None:
    text = as_csv(house, HALVES[0], HALVES[1]).replace("Team 1", "Group 10").replace("Team 2", "Group 9")
    browser = house.visit()
    confirm(browser, browser.post(house.at("import"), text=text))
    assert set(house.draft().cohorts[0]) == {str(house.learners[n].id) for n in HALVES[1]}


def test_rules_that_a_file_breaks_stay_the_instructors_and_are_shown_as_broken(house: House) -> None:
    rules = Rules(8, 20, 12, together=(house.ids(0, 12), house.ids(0, 1)), apart=(house.ids(2, 3), house.ids(3, 21)))
    house.propose(rules)
    text = as_csv(house, tuple(range(20)), tuple(range(20, 24)))
    browser = house.visit()
    shown = browser.post(house.at("import"), text=text, version="1")
    broken = [
        "Cohort B would have 4 people, fewer than the 8 that it needs.",
        "Person 03 and Person 04 must be apart.",
        "Sizes would differ by up to 16; your rule says 1.",
    ]
    page = text_of(shown.text)
    assert all(said in page for said in [*broken, "Take it though it breaks rules"])
    assert "1 person" not in page
    assert house.draft().rules == rules
    page = text_of(confirm(browser, shown).text)
    assert all(said in page for said in [*broken, "not every rule below is kept"])
    assert house.draft().rules == rules
    [four] = house.ids(3)
    page = text_of(browser.post(house.at("move"), version="2", person=four, to="1").text)
    assert "Nothing was changed. Person 04 and Person 22 must be apart." in page
    again = text_of(browser.post(house.at("again"), version="2").text)
    assert "every rule below is kept" in again
    assert house.draft().rules == rules


def test_published_cohorts_of_a_file_say_whom_they_do_not_keep_apart(house: House) -> None:
    house.propose(Rules(8, 20, 12, apart=(house.ids(2, 3),), locked={house.learners[0].id: 1}))
    browser = house.visit()
    shown = browser.post(house.at("import"), text=as_csv(house, *HALVES), version="1")
    assert "Person 01 was kept in Cohort B by hand, and would be in Cohort A." in text_of(shown.text)
    confirm(browser, shown)
    board = text_of(browser.post(house.at("publish"), version="2").text)
    assert "2 cohorts are published." in board
    assert "Person 03 and Person 04 must be apart." in board
    assert "person locked" not in board
    first, second = cohort_ids()
    browser.post(f"cohorts/{first}/transfer", person=house.learners[3].id, to=second, anyway="1")
    board = text_of(browser.get(house.at()).text)
    assert board.count("must be apart") == board.count("Undone, it breaks rules: Person 03 and Person 04 must") == 1


def cohort_ids() -> list[int]:
    db.session.rollback()
    return [cohort.id for cohort in db.session.query(Cohort).order_by(Cohort.position)]


def test_who_is_missing_unknown_or_never_placed_is_named(house: House) -> None:
    factories.make_people(house.course, ["Olga Observer"], role=Role.MENTOR)
    text = as_csv(house, HALVES[0], HALVES[1][:-1]) + "\nOlga Observer,Team 1\nNobody At All,Team 1"
    browser = house.visit()
    shown = browser.post(house.at("import"), text=text)
    page = text_of(shown.text)
    assert "1 person would be in no cohort: Person 24." in page
    assert "Not in this course: line 26: Nobody At All." in page
    assert "1 line is about somebody who is never placed." in page
    page = text_of(confirm(browser, shown).text)
    assert "Person 24 is in the course and not in this proposal." in page
    assert "Nothing is spread, balanced or gathered · every rule below is kept · as they were taken over" in page
    before = house.draft().cohorts
    page = text_of(browser.post(house.at("place"), version="1").text)
    assert "Person 24 has a place now." in page
    assert "not in this proposal" not in page
    assert house.draft().cohorts == [before[0], [*before[1], str(house.learners[23].id)]]
    assert "Person 24 got a place in the draft" in text_of(browser.get(house.at("history")).text)
    browser.post(house.at("undo"), version="2")
    assert house.draft().cohorts == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file is empty"),
        ("name,team\nPerson 01,A", "No column says which cohort a person is in"),
        ("name,cohort\nPerson 01,A\nPerson 01,B", "Line 3: “Person 01” is on line 2 already"),
        ("name,cohort\nPerson 01", "Line 2: it has 1 cells and the header has 2"),
        ("name,cohort\nPerson 01,", "The file puts nobody into a cohort"),
        ("who,cohort\nPerson 01,A", "No column says who a line is about"),
    ],
)
def test_a_wrong_file_gets_its_lines_named_and_nothing_is_taken(house: House, text: str, said: str) -> None:
    page = house.visit().post(house.at("import"), text=text, confirmed="1")
    assert page.status_code == 400
    assert said in text_of(page.text)
    assert house.version() == 0


def test_a_file_is_not_taken_over_a_newer_draft_nor_after_publication(house: House) -> None:
    house.propose()
    browser, text = house.visit(), as_csv(house, *HALVES)
    shown = browser.post(house.at("import"), text=text)
    house.propose(seed=2)
    assert confirm(browser, shown).status_code == 409
    shown = browser.post(house.at("import"), text=text)
    browser.post(house.at("publish"), version="2")
    assert confirm(browser, shown).status_code == 409
    assert browser.get(house.at("import")).status_code == 409


def test_what_was_shown_is_taken_or_nothing(house: House) -> None:
    browser = house.visit()
    shown = browser.post(house.at("import"), text=as_csv(house, *HALVES))
    with transaction() as session:
        session.query(Enrolment).filter_by(person_id=house.learners[0].id).update({"left_at": factories.NOW})
    again = confirm(browser, shown)
    assert again.status_code == 409
    assert "Something changed since you looked. Nothing was taken" in again.text
    assert "23 people, 2 cohorts of 11 or 12" in text_of(again.text)
    assert house.version() == 0
    assert "The file is a draft now" in confirm(browser, again).text


def test_who_did_what_when_and_why_is_shown(house: House) -> None:
    browser = house.visit()
    browser.post(house.at("propose"), **SIZES)
    one = house.draft().cohorts[0][0]
    partner: dict[str, Any] = {"with": house.draft().cohorts[1][0]}
    browser.post(house.at("swap"), version="1", person=one, **partner)
    browser.post(house.at("publish"), version="2")
    [newcomer] = factories.make_people(house.course, ["Nia Newcomer"])
    browser.post(house.at("newcomers"))
    cohorts = db.session.query(Cohort).order_by(Cohort.position).all()
    browser.post(f"cohorts/{cohorts[0].id}/transfer", person=newcomer.id, to=cohorts[1].id, anyway="1")
    browser.post(f"cohorts/{cohorts[0].id}/appoint", person=newcomer.id)
    page = text_of(browser.get(house.at("history")).text)
    for said in (
        "A draft was made (2 cohorts)",
        "8 to 20 people",
        "changed places in the draft",
        "The cohorts were published",
        "Nia Newcomer joined Cohort A after publication",
        "Nia Newcomer was moved from Cohort A to Cohort B",
        "Nia Newcomer facilitates Cohort A",
        "Ines Instructor",
    ):
        assert said in page
    hers = text_of(browser.get(house.at(f"history?person={newcomer.id}")).text)
    assert "How Nia Newcomer was placed" in hers
    assert "was moved from Cohort A to Cohort B" in hers
    assert "changed places" not in hers
    swapped = text_of(browser.get(house.at(f"history?person={one}")).text)
    assert "The cohorts were published: in Cohort B" in swapped


def test_what_happened_to_somebody_is_told_however_much_happened_to_others_since(house: House) -> None:
    ana, bilal = house.learners[:2]
    proposal = house.propose()
    with transaction() as session:
        for person in (ana, *[bilal] * MOST):
            audit.record(
                session,
                "person unlocked",
                "cohort_proposal",
                proposal.id,
                course_id=house.course.id,
                actor_id=house.instructor.id,
                after={"person": person.id},
            )
    browser = house.visit()
    cut = "These are the newest 300; earlier ones are kept, and not shown."
    hers = text_of(browser.get(house.at(f"history?person={ana.id}")).text)
    assert f"{ana.name} may be moved again" in hers
    assert cut not in hers
    assert cut in text_of(browser.get(house.at(f"history?person={bilal.id}")).text)
    everybody = text_of(browser.get(house.at("history")).text)
    assert f"{ana.name} may be moved again" not in everybody
    assert cut in everybody


def test_files_and_history_are_for_those_who_may_see_them(app: Flask, house: House) -> None:
    house.propose()
    learner = house.visit(Role.LEARNER, house.learners[0])
    [assistant] = factories.make_people(house.course, ["Tara"], role=Role.TEACHING_ASSISTANT)
    looking = house.visit(Role.TEACHING_ASSISTANT, assistant)
    for what in ("history", "import"):
        assert learner.get(house.at(what)).status_code == 403
    assert learner.get(f"programs/{house.program.id}/cohorts.csv").status_code == 403
    assert looking.get(house.at("history")).status_code == 200
    assert looking.get(house.at("import")).status_code == 403
    other = make_house(app, ["Olga"], title="Another course")
    stranger = other.visit()
    assert stranger.get(house.at("history")).status_code == 404
    assert stranger.get(f"programs/{house.program.id}/cohorts.csv").status_code == 404
    assert looking.get(house.at(f"history?person={other.learners[0].id}")).status_code == 404


def in_groups(house: House, of_people: dict[int, tuple[str, ...]]) -> None:
    """Put learners of these numbers into groups of the set "Lab" of the LMS."""
    with transaction() as session:
        at = {"requested_at": factories.NOW, "try_at": factories.NOW}
        reading = RosterReading(course_id=house.course.id, state="complete", **at)
        session.add(reading)
        session.flush()
        about = {"course_id": house.course.id, "reading_id": reading.id}
        named = {name for names in of_people.values() for name in names}
        groups.store(session, [Group(name, name, "Lab") for name in sorted(named)], **about)
        members = [
            Member(Identity(house.learners[n].subject), Standing(Role.LEARNER), groups=names)
            for n, names in of_people.items()
        ]
        groups.store_members(session, members, tenant_id=house.course.tenant_id, **about)


def test_the_groups_of_the_lms_become_a_draft_by_the_rules_and_an_attribute(house: House) -> None:
    in_groups(house, {n: (f"Lab {1 + n % 2}",) for n in range(22)} | {22: ("Lab 1", "Lab 2")})
    browser = house.visit()
    assert "Group (Lab)" in text_of(browser.get(house.at()).text)
    rules: dict[str, Any] = {**SIZES, "together-0": list(house.ids(0, 1))}
    browser.post(house.at("propose"), **rules)
    offered = browser.get(house.at("import"))
    assert "23 people are in them" in text_of(offered.text)
    shown = browser.post(house.at("import/groups"), groups="Group (Lab)")
    said = text_of(shown.text)
    assert "Cohort A, in the LMS “Lab 1”: 11 people" in said
    assert "1 person is in several of these groups: Person 23" in said
    assert "2 people would be in no cohort" in said
    assert "These groups break rules" in said
    taken = text_of(confirm(browser, shown).text)
    assert "The groups of the LMS are a draft now" in taken
    assert "Person 01 and Person 02 must be together." in taken
    assert [len(members) for members in house.draft().cohorts] == [11, 11]
    assert "A draft was taken from the groups of the LMS" in text_of(browser.get(house.at("history")).text)
    gone = browser.post(house.at("import/groups"), groups="Group (Old)")
    assert (gone.status_code, "no longer in the LMS" in text_of(gone.text)) == (400, True)


@pytest.mark.parametrize(
    ("family", "files"),
    [
        ("canvas", {"canvas": ["name,login_id,group_name", "Person 01,one@school.example,Cohort A"]}),
        (
            "moodle",
            {
                "moodle-groups": ["groupname,groupingname", "Cohort A,Giving feedback", "Cohort B,Giving feedback"],
                "moodle-users": ["username,course1,group1", "one@school.example,PL1,Cohort A"],
            },
        ),
        ("sakai", {}),
    ],
)
def test_the_lms_gets_the_file_that_it_makes_groups_of(
    house: House, family: str, files: dict[str, list[str]]
) -> None:
    house.propose(Rules(8, 20, 12, locked={house.learners[0].id: 0}))
    with transaction() as session:
        session.execute(update(LtiRegistration).values(family=family))
        session.execute(update(Course).values(label="PL1"))
        session.get_one(Person, house.learners[0].id).email = "one@school.example"
    browser = house.visit()
    page = browser.get(house.at("lms")).text
    assert set(re.findall(r"cohorts\.csv\?for=([a-z-]+)", page)) == files.keys()
    for kind, expected in files.items():
        lines = browser.get(f"{house.at()}.csv?for={kind}").get_data(as_text=True).splitlines()
        assert lines[0] == expected[0]
        assert set(expected) <= set(lines)
    assert browser.get(f"{house.at()}.csv?for=other").status_code == 404
