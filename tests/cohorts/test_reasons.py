"""Rules that cannot be kept: a worker finds the reason, which is the same each time, and ways out that were tried."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lti_tool import clock, jobs
from lti_tool.cohorts import capacity, explaining, people, proposing, wishes
from lti_tool.cohorts.tables import Inquiry
from lti_tool.database import transaction
from lti_tool.matching.problem import Problem
from lti_tool.matching.solution import Solution
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Enrolment
from tests.cohorts.conftest import House
from tests.cohorts.test_allowing import say_when
from tests.cohorts.test_pages import SIZES, text_of, ways
from tests.support import factories

HOURS: dict[str, Any] = {**SIZES, "common_slots": "1"}
ANY = ("mon-09", "tue-14", "wed-10")


def nothing_in_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look, in a request, ends without an answer."""
    true_search = proposing.search

    def search(problem: Problem, seed: int, **limits: Any) -> Solution:
        if limits:
            return true_search(problem, seed, **limits)
        return Solution("unknown", seed, 1.0, cut_short=True)

    monkeypatch.setattr(proposing, "search", search)
    jobs.beat("a worker", clock.wall())


@pytest.fixture
def part_timers(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three who can never meet, in a course for two cohorts in which half have said nothing."""
    ids = house.ids(*range(24))
    say_when(monkeypatch, dict.fromkeys(ids[:12], ANY) | {person: (ANY[n],) for n, person in enumerate(ids[:3])})
    return house


def test_a_worker_finds_whose_hours_are_in_the_way_and_one_click_places_them_without(
    part_timers: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_in_a_second(monkeypatch)
    browser = part_timers.visit()
    page = browser.post(part_timers.at("propose"), **HOURS)
    assert "Looking for the reason" in page.text
    mark = re.search(r'data-mark="([^"]+)"', page.text)
    assert mark is not None
    news = part_timers.at(f"reason/progress?version={mark[1]}")
    assert browser.get(news).status_code == 204
    assert 'name="common_slots"' in browser.get(part_timers.at("reason?edit=1")).text
    assert explaining.run()
    assert not explaining.run()
    assert browser.get(news).status_code == 200
    page = browser.get(part_timers.at("reason"))
    need = "Each cohort needs 1 hour at which everybody can meet"
    text = text_of(page.text)
    assert f"{need}, which the hours of Person 01, Person 02 and Person 03 do not allow." in text
    assert "Person 02 has named 1 hour only: Tue 2:00 PM." in text
    cost = "Without their hours, Person 01, Person 02 and Person 03 may be unable to come when their cohort meets."
    assert cost in text
    offered = ways(page)
    wanted = {f"Place Person 0{n} without their hours" for n in (1, 2, 3)}
    assert wanted | {"Do without common hours"} == {label for label in offered if "hours" in label}
    monkeypatch.undo()
    say_when(monkeypatch, {p: (ANY[n],) for n, p in enumerate(part_timers.ids(0, 1, 2))})
    page = browser.post(part_timers.at("propose"), **HOURS, relax=offered["Place Person 02 without their hours"])
    assert "1 person without hours" in page.text
    form = browser.get(part_timers.at("rules")).text
    assert re.search(rf'name="any_time" value="{part_timers.ids(1)[0]}" checked', form)


def test_cohorts_that_a_worker_finds_after_all_become_a_proposal(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_in_a_second(monkeypatch)
    browser = house.visit()
    assert "Looking for the reason" in browser.post(house.at("propose"), **SIZES).text
    assert explaining.run()
    assert browser.get(house.at("reason")).status_code == 303
    assert "24 people, 2 cohorts of 12" in text_of(browser.get(house.at()).text)
    assert house.version() == 1


def test_a_reason_never_stands_under_a_question_that_was_asked_meanwhile(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_in_a_second(monkeypatch)
    browser, answer = any_house.visit(), explaining._answer
    browser.post(any_house.at("propose"), **SIZES)
    stays, leaves, other = any_house.ids(0, 1, 2)
    later: dict[str, Any] = {**SIZES, "size_max": "17", "apart-0": [stays, leaves, other]}

    def asked_anew(task: explaining._Task) -> Solution:
        browser.post(any_house.at("propose"), **later)
        return answer(task)

    monkeypatch.setattr(explaining, "_answer", asked_anew)
    assert explaining.run()
    assert any_house.version() == 0
    with transaction() as session:
        session.query(Enrolment).filter_by(person_id=leaves).update({"left_at": factories.NOW})
    form = browser.get(any_house.at("reason?edit=1")).text
    assert 'value="17"' in form
    inputs = re.findall(r'<input[^>]* name="apart-0"[^>]*>', form)
    assert re.findall(r' value="([^"]+)"', "".join(inputs)) == ["Person 01", "Person 03"]


def test_two_tabs_that_ask_at_once_ask_one_question(any_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_in_a_second(monkeypatch)
    program_id, person_id = any_house.program.id, any_house.instructor.id
    together = threading.Barrier(4)

    def ask(seed: int) -> bool:
        with any_house.app.app_context(), transaction() as session:
            program = session.get_one(Program, program_id)
            rules = wishes.usual(program)
            problem = proposing.question(session, program, rules, people.placeable(session, program.course_id))
            session.rollback()
            together.wait(10)
            return explaining.begin(session, program, person_id, 0, rules, problem, seed)

    with ThreadPoolExecutor(4) as tabs:
        assert all(tabs.map(ask, range(4)))
    with transaction() as session:
        assert session.query(Inquiry).count() == 1


def test_too_many_at_once_are_told_to_try_again_and_lose_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "WAIT_SECONDS", 0.0)
    with capacity.turn(), capacity.turn():
        page = house.visit().post(house.at("propose"), **{**SIZES, "size_max": "17"})
    assert page.status_code == 503
    assert "Peerloop is forming cohorts for others right now." in page.text
    assert 'value="17"' in page.text
    assert house.visit().post(house.at("propose"), **SIZES).status_code == 200
