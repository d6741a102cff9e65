"""Several drafts, more than one step back, and the search that goes on in the background."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from lti_tool import clock, jobs
from lti_tool.cohorts import editing, people, proposing, searching
from lti_tool.cohorts.tables import Search
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.matching import forming
from lti_tool.matching.checker import check
from lti_tool.matching.problem import Problem
from lti_tool.matching.solution import Solution
from lti_tool.programs.tables import Program
from lti_tool.questions.knowing import ANSWERED
from tests.cohorts.conftest import DEPARTMENTS, House, know, make_house
from tests.cohorts.test_files import confirm
from tests.cohorts.test_hours import paint
from tests.cohorts.test_pages import text_of
from tests.support import factories
from tests.support.factories import NOW
from tests.support.moments import SetNow, set_now

__all__ = ["set_now"]

PULLING = Rules(8, 12, 9, spread=("department",), balance=("level",), gather=("site",))
FORM: dict[str, Any] = {
    "size_min": "8",
    "size_max": "12",
    "size_target": "9",
    "spread": "department",
    "balance": "level",
    "gather": "site",
}


@pytest.fixture
def pulled(app: Flask) -> House:
    """36 people whose wishes pull in opposite directions, so that nothing is proved in a second."""
    house = make_house(app, 36)
    know(house, "department", {p.id: DEPARTMENTS[n % 4] for n, p in enumerate(house.learners)})
    know(house, "site", {p.id: str(n * n % 3) for n, p in enumerate(house.learners)})
    know(house, "level", {p.id: str(n * 7 % 10) for n, p in enumerate(house.learners)})
    return house


def test_trying_again_keeps_up_to_three_drafts_to_choose_from(departments: House) -> None:
    departments.propose()
    browser = departments.visit()
    first = departments.draft().cohorts
    for version in range(1, 5):
        browser.post(departments.at("again"), version=version)
    page = browser.get(departments.at("compare")).text
    assert re.findall(r"Draft (\d)</h3>", page) == ["3", "4", "5"]
    assert re.search(r"\d+ people: Person \d\d, ", page)
    assert departments.draft().cohorts != first
    chosen = browser.post(departments.at("choose"), version="5", number="3")
    assert "You are working on draft 3 now." in chosen.text
    assert departments.version() == 6


def test_what_each_draft_is_better_at_is_marked_where_people_can_see_it(departments: House, set_now: SetNow) -> None:
    set_now(NOW)
    know(departments, "site", {p.id: "Lyon" if n % 3 else "Porto" for n, p in enumerate(departments.learners)})
    paint(departments, [0], ["tue-11"], "UTC")
    paint(departments, [1], ["wed-10"], "UTC")
    together = dict.fromkeys(departments.ids(0, 1), 0)
    departments.propose(Rules(8, 20, 12, spread=("department", ANSWERED), locked=together))
    departments.propose(Rules(8, 20, 12, gather=("site",), common_slots=1))
    page = departments.visit().get(departments.at("compare")).text
    lines = {
        name: ["best" in cell for cell in re.split("<td ", cells)[1:]]
        for name, cells in re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page, re.DOTALL)
    }
    assert lines["Gather site"] == [False, True]
    assert lines["Sizes"] == [False, False]
    assert lines["Can meet"] == [False, True]
    assert re.search(r"1 of 2 cohorts, 1 person cannot come.*2 of 2 cohorts", text_of(page))
    assert "a cohort has up to 2 more who have not answered than another" in page
    assert lines["Rules that others do not have"] == [False, False]
    assert "Everybody, by site" in page


def in_a_hurry(problem: Problem, seed: int) -> Solution:
    """An answer that leaves much to be found: as if the machine had been busy."""
    return forming.solve(problem, seed=seed, now=time.monotonic, seconds=None, iterations=0)


def test_drafts_steps_and_searches_are_kept_on_every_database(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposing, "search", in_a_hurry)
    know(any_house, "level", {p.id: str(n * n) for n, p in enumerate(any_house.learners)})
    browser, rules = any_house.visit(), Rules(8, 20, 12, balance=("level",))
    with a_worker_lives():
        for seed in range(1, 5):
            any_house.propose(rules, seed)
        browser.post(any_house.at("again"), version="4")
    browser.post(any_house.at("choose"), version="5", number="4")
    before = any_house.draft()
    browser.post(any_house.at("lock"), version="6", person=before.cohorts[0][0], locked="1")
    browser.post(any_house.at("undo"), version="7")
    assert any_house.draft() == before
    assert searches() == 1
    browser.post(any_house.at("choose"), version="8", number="5")
    browser.post(any_house.at("search"), version="9", take="1")
    assert searches() == 0
    assert "draft was chosen" in browser.get(any_house.at("history")).text


def test_a_draft_that_is_not_there_or_an_old_page_chooses_nothing(house: House) -> None:
    house.propose()
    house.propose(seed=2)
    browser = house.visit()
    for version, number in (("1", "1"), ("2", "3"), ("2", "")):
        assert browser.post(house.at("choose"), version=version, number=number).status_code == 409
    assert house.version() == 2


def test_every_change_by_hand_can_be_undone_step_by_step(departments: House) -> None:
    departments.propose()
    before = departments.draft()
    browser = departments.visit()
    people = before.cohorts[0][:3]
    for person in people[:2]:
        browser.post(departments.at("move"), version=departments.version(), person=person, to="1")
    assert "changed by hand" in browser.get(departments.at()).text
    browser.post(departments.at("lock"), version=departments.version(), person=people[2], locked="1")
    for _step in range(3):
        assert "Undone." in browser.post(departments.at("undo"), version=departments.version()).text
    assert departments.draft() == before
    assert "There is nothing to undo." in browser.post(departments.at("undo"), version=departments.version()).text
    locked = browser.post(departments.at("lock"), version=departments.version(), person=people[2], locked="1")
    assert "changed by hand" not in locked.text


def test_a_swap_keeps_the_proof_and_a_move_to_other_sizes_gets_one_of_its_own(pulled: House) -> None:
    pulled.propose(PULLING)
    before = pulled.draft()
    one = before.cohorts[0][0]
    partner: dict[str, Any] = {"with": before.cohorts[1][0]}
    browser = pulled.visit()
    browser.post(pulled.at("swap"), version="1", person=one, **partner)
    swapped = pulled.draft()
    assert swapped.solution["lower_bound"] == min(before.solution["lower_bound"], swapped.solution["objective"])
    browser.post(pulled.at("move"), version="2", person=swapped.cohorts[0][0], to="2")
    moved = pulled.draft()
    assert moved.problem.size.slack == 2
    assert moved.solution["lower_bound"] < before.solution["lower_bound"]
    for draft in (swapped, moved):
        assert check(draft.problem.to_json(), draft.solution) == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> list[object]:
    """Something happens while a bound is made; returns what came of it each time."""
    real, found = editing.sharp_bound, []

    def slowly(problem: Problem, count: int) -> float:
        found.append(happens())
        return real(problem, count)

    monkeypatch.setattr(editing, "sharp_bound", slowly)
    return found


def somebody_writes() -> bool:
    """Raises when they would have to wait."""
    with closing(sqlite3.connect(str(db.engine.url.database), timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    return True


def test_nobody_waits_while_it_is_reckoned_how_good_changed_cohorts_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.propose()
    browser, person = house.visit(), house.draft().cohorts[0][0]
    wrote = meanwhile(monkeypatch, somebody_writes)
    assert "is now in Cohort B" in browser.post(house.at("move"), version="1", person=person, to="1").text
    file = browser.get(f"programs/{house.program.id}/cohorts.csv").get_data().decode("utf-8-sig")
    shown = browser.post(house.at("import"), text=file, version="2")
    assert "a draft now" in confirm(browser, shown).text
    assert wrote == [True, True, True]


def test_of_two_changes_at_once_the_later_one_is_told_that_it_came_too_late(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.propose()
    one, other = house.draft().cohorts[0][:2]
    browser, colleague = house.visit(), house.visit()
    meanwhile(monkeypatch, lambda: colleague.post(house.at("lock"), version="1", person=other, locked="1"))
    late = browser.post(house.at("move"), version="1", person=one, to="1")
    assert late.status_code == 409
    assert "The proposal was changed since you opened that page." in late.text
    assert house.draft().rules.locked == {int(other): 0}


# The search in the background


@contextmanager
def a_worker_lives() -> Iterator[None]:
    jobs.beat("a worker", clock.wall())
    yield
    jobs.leave("a worker")


def searches() -> int:
    db.session.rollback()
    return db.session.query(Search).count()


def gap(house: House) -> float:
    found: float = house.draft().solution["gap"]
    return found


def test_what_is_proved_or_without_a_worker_is_not_searched_further(pulled: House) -> None:
    browser = pulled.visit()
    browser.post(pulled.at("propose"), **FORM)
    assert pulled.draft().solution["gap"] > 0
    assert searches() == 0
    with a_worker_lives():
        page = browser.post(pulled.at("propose"), **FORM | {"balance": [], "gather": []}, version="1")
        assert "The best possible" in page.text
    assert searches() == 0


def coarse(monkeypatch: pytest.MonkeyPatch, house: House) -> None:
    """A first answer in a hurry, and a search that goes on."""
    monkeypatch.setattr(proposing, "search", in_a_hurry)
    with a_worker_lives():
        page = house.visit().post(house.at("propose"), **FORM)
        assert "Looking for something better" in page.text
        assert "This ends the search." in page.text
        assert "Either ends the search" not in page.text
    monkeypatch.undo()
    monkeypatch.setattr(searching, "SECONDS", 1.5)
    assert searches() == 1


def test_a_search_in_the_background_finds_better_cohorts(pulled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse(monkeypatch, pulled)
    before = pulled.draft()
    browser = pulled.visit()
    asked = browser.get(pulled.at("progress"))
    version = re.search(r'data-mark="([^"]+)"', asked.text)
    assert version is not None
    known = f"{pulled.at('progress')}?version={version[1]}"
    assert browser.get(known).status_code == 204
    assert searching.run()
    after = pulled.draft()
    assert after.solution["objective"] < before.solution["objective"]
    assert after.solution["gap"] < before.solution["gap"]
    assert check(after.problem.to_json(), after.solution) == []
    assert "data-changes" not in browser.get(known).text
    assert not searching.run()


def test_a_search_that_found_nothing_better_says_so(pulled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse(monkeypatch, pulled)
    found = pulled.draft().solution

    def nothing(problem: Problem, seed: int, **_more: object) -> Solution:
        return replace(in_a_hurry(problem, seed), lower_bound=found["lower_bound"], seconds=10.0)

    monkeypatch.setattr(proposing, "search", nothing)
    assert searching.run()
    assert "s, and nothing better in 10 s more" in pulled.visit().get(pulled.at()).text
    assert pulled.version() == 1


def test_a_search_in_the_background_keeps_the_hours_in_common(pulled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = {p.id: ("mon-09", "tue-14") if n % 3 else ("tue-14", "wed-10") for n, p in enumerate(pulled.learners)}
    with monkeypatch.context() as answered:
        answered.setattr(people, "slots_of", lambda *_of: slots)
        answered.setattr(proposing, "search", in_a_hurry)
        with a_worker_lives():
            pulled.visit().post(pulled.at("propose"), **FORM, common_slots="1")
    before = gap(pulled)
    monkeypatch.setattr(searching, "SECONDS", 1.5)
    assert searching.run()
    draft = pulled.draft()
    assert gap(pulled) < before
    assert check(draft.problem.to_json(), draft.solution) == []
    assert all(draft.solution["slots"])


def test_a_search_may_ask_from_any_of_its_threads_whether_to_end(
    pulled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse(monkeypatch, pulled)
    real, answers = proposing.search, []

    def from_a_thread(*args: Any, **kwargs: Any) -> Solution:
        with ThreadPoolExecutor(1) as pool:
            answers.append(pool.submit(kwargs["cancelled"]).result())
        return real(*args, **kwargs)

    monkeypatch.setattr(proposing, "search", from_a_thread)
    assert searching.run()
    assert answers == [False]


@pytest.mark.parametrize("ended", ["by a change", "by giving up", "by publishing"])
def test_what_a_person_did_is_never_replaced_by_a_search(
    pulled: House, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    coarse(monkeypatch, pulled)
    browser, person = pulled.visit(), pulled.draft().cohorts[0][0]
    real = proposing.search

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        if ended == "by a change":
            browser.post(pulled.at("lock"), version="1", person=person, locked="1")
        elif ended == "by giving up":
            kept = browser.post(pulled.at("search"), version="1").text
            assert "The search has ended. These cohorts stay as they are." in kept
        else:
            browser.post(pulled.at("publish"), version="1")
        return found

    monkeypatch.setattr(proposing, "search", interrupted)
    before = pulled.draft().cohorts
    assert searching.run()
    assert pulled.draft().cohorts == before
    assert searches() == 0


def test_the_best_so_far_is_taken_at_any_time(pulled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse(monkeypatch, pulled)
    monkeypatch.setattr(searching, "SECONDS", 30.0)
    monkeypatch.setattr(searching, "TELL_SECONDS", 0.0)
    before, browser = gap(pulled), pulled.visit()
    told: list[str] = []
    real = searching._Watch.hear

    def hear(watch: searching._Watch, share: float, objective: float) -> None:
        real(watch, share, objective)
        if searches() and not told and objective < pulled.draft().solution["objective"]:
            told.append(browser.get(pulled.at("progress")).text)
            page = browser.post(pulled.at("search"), version="1", take="1").text
            assert "The search ends with what it found." in page
            assert "Taking what was found" in page

    monkeypatch.setattr(searching._Watch, "hear", hear)
    assert searching.run()
    for words in ("Found something better, and still looking", "Take what it found", "lower is impossible"):
        assert words in told[0]
    assert gap(pulled) < before


def test_a_search_of_a_worker_that_died_is_done_by_another(pulled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse(monkeypatch, pulled)
    with transaction() as session:
        session.query(Search).update({"leased_until": clock.wall() + searching.LEASE})
    assert not searching.run()
    with transaction() as session:
        session.query(Search).update({"leased_until": clock.wall() - searching.LEASE})
    assert searching.run()


@pytest.mark.parametrize("wrong", [MemoryError("too little"), proposing.CheckFailedError("wrong")])
def test_a_search_that_fails_ends_and_leaves_the_proposal_as_it_is(
    pulled: House, monkeypatch: pytest.MonkeyPatch, wrong: Exception
) -> None:
    coarse(monkeypatch, pulled)
    before = pulled.draft()

    def fail(*_args: Any, **_kwargs: Any) -> Solution:
        raise wrong

    monkeypatch.setattr(proposing, "search", fail)
    assert searching.run()
    assert not searching.run()
    assert "data-changes" not in pulled.visit().get(pulled.at()).text
    assert pulled.draft() == before


def test_no_page_waits_for_ever_for_a_search_that_no_worker_ends(
    pulled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse(monkeypatch, pulled)
    browser = pulled.visit()
    assert "data-changes" in browser.get(pulled.at()).text
    with transaction() as session:
        session.query(Search).update({"asked_at": clock.wall() - searching.PATIENCE})
    assert "data-changes" not in browser.get(pulled.at()).text
    assert not searching.run()
    assert searches() == 0


def test_only_the_draft_that_was_made_last_is_searched_further(
    pulled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse(monkeypatch, pulled)
    first = pulled.draft()
    monkeypatch.setattr(proposing, "search", in_a_hurry)
    browser = pulled.visit()
    with a_worker_lives():
        browser.post(pulled.at("again"), version="1")
    assert searches() == 1
    assert "Looking for something better" in browser.get(pulled.at()).text
    browser.post(pulled.at("choose"), version="2", number="1")
    assert pulled.draft() == first


def test_assistants_see_the_drafts_and_choose_nothing(house: House) -> None:
    house.propose()
    house.propose(seed=2)
    [assistant] = factories.make_people(house.course, ["Tara"], role=Role.TEACHING_ASSISTANT)
    looking = house.visit(Role.TEACHING_ASSISTANT, assistant)
    page = looking.get(house.at("compare"))
    assert page.status_code == 200
    assert "Take draft" not in page.text
    for deed in ("choose", "search"):
        assert looking.post(house.at(deed), version="2", number="1").status_code == 403
    assert looking.get(house.at(f"effects?person={house.learners[0].id}")).status_code == 403
    assert house.visit(Role.LEARNER, house.learners[0]).get(house.at("compare")).status_code == 403


def test_without_drafts_there_is_nothing_to_compare_or_follow(house: House) -> None:
    browser = house.visit()
    assert browser.get(house.at("compare")).status_code == 303
    assert browser.get(house.at("progress")).status_code == 404
    assert browser.get(house.at("effects?person=1")).status_code == 404
    assert db.session.get_one(Program, house.program.id)
