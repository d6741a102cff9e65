"""The two minutes in which a learner says how they learn."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import Flask

from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.questions import answering
from lti_tool.questions.tables import LearnerWish
from lti_tool.roster.tables import Enrolment, Person
from tests.questions.conftest import Class, make_class
from tests.support import factories
from tests.support.factories import NOW
from tests.support.moments import SetNow, counted_queries

ANSWERS: dict[str, Any] = {
    "goal": "new role",
    "experience": "3",
    "language": ["pt", "en", ""],
    "zone": "Europe/Lisbon",
    "free": ["tue-14", "tue-15"],
}


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_form_is_the_first_thing_that_a_new_learner_sees_and_it_is_kept(anywhere: Class) -> None:
    ana = anywhere.learners[0]
    first = anywhere.visit(ana).get().text
    assert "Say when you are free and how you learn" in first
    assert "2 minutes" in first
    assert "Thank you" in anywhere.says(ana, **ANSWERS)
    again = anywhere.visit(ana).get("answers").text
    assert re.search(r'value="new role" checked', again)
    assert re.search(r'value="3" checked', again)
    assert re.search(r'value="tue-14" aria-label="Tuesday, 2:00.PM" checked', again)
    assert len(re.findall(r" checked>", again)) == 4
    assert re.search(r'value="Europe/Lisbon" selected', again)
    assert re.search(r'value="pt" selected.*value="en" selected', again, re.DOTALL)
    home = words(anywhere.visit(ana).get().text)
    assert "2 minutes" not in home
    assert "What you have told about yourself" in home


def test_what_the_lms_tells_is_filled_in_already(here: Class) -> None:
    with transaction() as session:
        person = session.get_one(Person, here.learners[0].id)
        person.locale, person.zone = "pt-BR", "America/Sao_Paulo"
    page = here.visit(here.learners[0]).get("answers").text
    assert 'value="pt" selected' in page
    assert 'value="America/Sao_Paulo" selected' in page
    assert "data-guess" not in page
    assert "data-guess" in here.visit(here.learners[1]).get("answers").text


def test_every_question_may_be_left_open(here: Class) -> None:
    here.says(here.learners[0])
    kept = here.kept(here.learners[0])
    assert kept is not None
    assert kept.answered_at is not None
    assert (kept.goal, kept.experience, kept.languages, kept.free) == (None, None, [], [])


def test_what_the_form_does_not_offer_is_not_kept(here: Class) -> None:
    wrong: dict[str, Any] = {"goal": "x" * 5000, "experience": "6", "language": ["xx", "pt", "pt"], "zone": "Mars"}
    here.says(here.learners[0], **wrong, free=["tue-14", "tue-99", "<b>"])
    kept = here.kept(here.learners[0])
    assert kept is not None
    assert (kept.goal, kept.experience, kept.languages, kept.zone) == (None, None, ["pt"], None)
    assert kept.free == ["tue-14"]


def test_who_answers_later_loses_nothing_and_is_asked_less_loudly(here: Class) -> None:
    ana = here.learners[0]
    page = here.says(ana, do="later", **ANSWERS)
    assert "kept as a draft" in page
    assert "2 minutes" not in page
    assert "Say when you are free and how you learn" in page
    assert re.search(r'value="tue-14" aria-label="[^"]*" checked', here.visit(ana).get("answers").text)
    here.visit(ana).post("answers/later")
    kept = here.kept(ana)
    assert kept is not None
    assert (kept.answered_at, kept.free) == (None, ["tue-14", "tue-15"])


def test_with_a_cohort_the_form_is_a_quiet_line_that_says_what_it_still_counts_for(here: Class) -> None:
    factories.make_cohort(here.program, here.learners[:3])
    page = words(here.visit(here.learners[0]).get().text)
    assert "2 minutes" not in page
    assert "Your cohort stays as it is; this counts when people are placed anew." in page
    newcomer = words(here.visit(here.learners[3]).get().text)
    assert "2 minutes" in newcomer
    assert "Your instructor has formed cohorts" in newcomer


def test_nobody_is_asked_before_there_is_a_program(app: Flask) -> None:
    course = factories.make_course()
    [learner] = factories.make_people(course, ["Learner"])
    assert "2 minutes" not in factories.visit(app, course, learner, Role.LEARNER).get().text


def test_the_first_page_asks_the_database_once_for_it(here: Class) -> None:
    browser = here.visit(here.learners[0])
    browser.get()
    with counted_queries() as sent:
        browser.get()
    assert len([statement for statement in sent if "FROM answers" in statement]) == 1


def test_classmates_are_found_by_name_and_nothing_else_of_them_is_told(here: Class) -> None:
    ana, other = here.learners[0], here.learners[3]
    with transaction() as session:
        session.get_one(Person, other.id).email = "zoe@example.org"
    page = here.says(ana, do="find", find="angst", **ANSWERS)
    assert "Zoë Ångström" in page
    assert "zoe@example.org" not in page
    assert other.subject not in page
    assert re.search(r'value="tue-14" aria-label="[^"]*" checked', page)  # nothing that was filled in is lost
    assert "at least two letters" in here.says(ana, do="find", find="z")
    assert "No other learner here has such a name" in here.says(ana, do="find", find="Ana Ruiz")
    assert "No other learner here has such a name" in here.says(ana, do="find", find="Ines")


def test_a_wish_is_seen_by_staff_and_by_no_learner_but_the_one_who_has_it(here: Class) -> None:
    ana, bilal, tom, _zoe = here.learners
    assert "seen by staff only: Tom Weber" in here.says(ana, do=f"avoid:{tom.id}")
    here.says(ana, do=f"with:{bilal.id}")
    mine = words(here.visit(ana).get("answers").text)
    assert "Tom Weber must avoid" in mine
    staff = words(here.visit(here.instructor).get("answers/people").text)
    assert "Ana Ruiz must avoid Tom Weber" in staff
    assert "Ana Ruiz would like to be with Bilal Aziz" in staff
    for other in (bilal, tom):
        browser = here.visit(other)
        for path in ("", "answers", f"programs/{here.program.id}", f"programs/{here.program.id}/mine"):
            assert "Ana Ruiz" not in browser.get(path).text
        assert browser.get("answers/people").status_code == 403


def test_a_wish_can_be_turned_round_and_taken_back(here: Class) -> None:
    ana, tom = here.learners[0], here.learners[2]
    here.says(ana, do=f"with:{tom.id}")
    here.says(ana, do=f"avoid:{tom.id}")
    assert "would like to be with" not in words(here.visit(ana).get("answers").text)
    here.says(ana, do=f"drop:{tom.id}")
    assert db.session.query(LearnerWish).count() == 0


def test_nobody_can_name_more_than_five_people(app: Flask) -> None:
    here = make_class(app, names=["Ana", *(f"Person {n}" for n in range(6))])
    for other in here.learners[1:6]:
        here.says(here.learners[0], do=f"avoid:{other.id}")
    here.says(here.learners[0], do=f"with:{here.learners[6].id}")
    page = here.says(here.learners[0], do=f"avoid:{here.learners[6].id}")
    assert "You have named 5 people already" in page
    assert db.session.query(LearnerWish).count() == answering.MOST_WISHES + 1  # and what was wished before stays
    here.says(here.learners[0], do=f"avoid:{here.learners[5].id}")  # said twice is no sixth


def test_a_wish_about_somebody_who_is_not_a_learner_here_is_not_taken(here: Class) -> None:
    other = make_class(here.app, "Another course")
    ana = here.visit(here.learners[0])
    for whom in (other.learners[0].id, here.instructor.id, here.learners[0].id, 999_999, "x", "-1", ""):
        for what in ("with", "avoid"):
            assert ana.post("answers", do=f"{what}:{whom}").status_code == 404
    assert db.session.query(LearnerWish).count() == 0


def test_who_leaves_the_course_is_wished_for_no_longer(here: Class) -> None:
    ana, tom = here.learners[0], here.learners[2]
    here.says(ana, do=f"avoid:{tom.id}")
    with transaction() as session:
        session.query(Enrolment).filter_by(person_id=tom.id).update({"left_at": NOW})
    assert "Tom Weber" not in here.visit(ana).get("answers").text
    assert "Tom Weber" not in here.visit(here.instructor).get("answers/people").text


def test_answers_stay_in_their_course(here: Class) -> None:
    here.says(here.learners[0], **ANSWERS)
    other = make_class(here.app, "Another course", names=["Stranger"])
    page = words(other.visit(other.instructor).get("answers/people").text)
    assert "Nobody has answered yet" in page
    assert "Ana Ruiz" not in page


def test_the_instructor_sees_who_is_silent_and_reminds_them(anywhere: Class, set_now: SetNow) -> None:
    ana, bilal, _tom, _zoe = anywhere.learners
    set_now(NOW)
    anywhere.says(ana, **ANSWERS)
    anywhere.says(bilal, do="later", goal="peers")
    staff = anywhere.visit(anywhere.instructor)
    page = words(staff.get("answers/people").text)
    assert "3 of 4 learners have not answered" in page
    assert "Ana Ruiz Get ready for a new role 3 · I do it now and then Portuguese, English Europe/Lisbon 2" in page
    set_now(NOW + timedelta(hours=1))
    assert "3 people are reminded when they next open Peerloop" in staff.post("answers/remind").text
    assert "your instructor waits for it" in anywhere.visit(bilal).get().text
    assert "your instructor waits for it" not in anywhere.visit(ana).get().text
    factories.make_cohort(anywhere.program, [bilal])
    assert "your instructor waits for it" in anywhere.visit(bilal).get().text
    set_now(NOW + timedelta(hours=2))
    anywhere.visit(bilal).post("answers/later")
    assert "2 minutes" not in anywhere.visit(bilal).get().text
    kept = anywhere.kept(bilal)
    assert kept is not None
    assert kept.goal == "peers"


def test_an_assistant_sees_the_answers_and_reminds_nobody(here: Class) -> None:
    [kim] = factories.make_people(here.course, ["Kim"], role=Role.TEACHING_ASSISTANT)
    assistant = factories.visit(here.app, here.course, kim, Role.TEACHING_ASSISTANT)
    page = assistant.get("answers/people").text
    assert "Nobody has answered yet" in page
    assert "Remind" not in page
    assert assistant.post("answers/remind").status_code == 403


def test_two_of_one_name_are_not_told_apart_by_what_is_nobodys_business(app: Flask) -> None:
    here = make_class(app, names=["Ana Ruiz", "Tom Weber", "Another Tom Weber"])
    with transaction() as session:
        session.get_one(Person, here.learners[2].id).name = "Tom Weber"
    page = here.says(here.learners[0], do="find", find="tom")
    assert page.count("Several people here have this name") == 2
