"""Cohorts that run are formed anew with as few moves as one likes; small ones are merged."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lti_tool.matching import forming, reforming
from lti_tool.matching.checker import check
from lti_tool.matching.problem import Problem
from lti_tool.matching.reforming import Choice, Reforming, mix, reform
from lti_tool.matching.solution import Solution
from tests.matching.examples import plain

WAITING = "-"


def ways(cohorts: list[str], low: int, high: int, waiting: str = "", **rules: Any) -> Reforming:
    """How cohorts of letters may go on."""
    problem = plain(0, low, high)
    problem["people"] = [{"id": letter} for letter in "".join(cohorts) + waiting]
    attributes = rules.pop("attributes", {})
    for person in problem["people"]:
        person["attributes"] = {"x": attributes.get(person["id"], "-")}
    asked = Problem.from_json(problem | rules)
    now_in = [list(cohort) for cohort in cohorts]
    return reform(asked, now_in, seed=1, now=time.monotonic, seconds=None, iterations=2_000)


def moves_of(choice: Choice) -> set[tuple[str, int | None, int]]:
    return {(move.person, move.leaves, move.joins) for move in choice.moves}


def test_a_cohort_below_the_minimum_is_filled_or_merged_with_as_few_moves_as_possible() -> None:
    filled, merged = (
        next(choice for choice in ways(["abcde", "fghij", "kl"], 3, 6).choices if len(choice.kept) == kept)
        for kept in (3, 2)
    )
    assert (filled.moved, merged.moved) == (1, 2)
    assert filled.fewest
    assert merged.fewest
    assert merged.kept == (0, 1)
    assert {person for person, leaves, _joins in moves_of(merged) if leaves == 2} == {"k", "l"}


def test_people_who_wait_get_a_place_and_do_not_count_as_moved() -> None:
    [choice] = ways(["abc", "def"], 3, 4, waiting="gh").choices
    assert choice.moved == 0
    assert {(person, leaves) for person, leaves, _joins in moves_of(choice)} == {("g", None), ("h", None)}


def test_a_cohort_that_has_ended_stays_so() -> None:
    for choice in ways(["abcd", "", "ef"], 3, 6, waiting="g").choices:
        assert 1 not in choice.kept
        assert all(move.joins != 1 for move in choice.moves)


def test_the_curve_goes_from_no_move_to_the_best_mix() -> None:
    attributes = dict.fromkeys("abcdefgh", "left") | dict.fromkeys("ijklmnop", "right")
    answer = ways(["abcdefgh", "ijklmnop"], 8, 8, attributes=attributes, spread=[{"attribute": "x"}])
    moved = [choice.moved for choice in answer.choices]
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert answer.choices[-1].mix == 0.0
    assert answer.choices[-1].moved == 8


def test_a_lock_holds_a_person_and_keeps_their_cohort_from_being_merged() -> None:
    answer = ways(["abcde", "fghij", "kl"], 3, 6, locked={"k": 2})
    assert answer.held == (2,)
    for choice in answer.choices:
        assert 2 in choice.kept
        assert "k" not in {move.person for move in choice.moves}


def test_where_no_way_keeps_the_rules_the_answer_says_why() -> None:
    answer = ways(["abc", "def"], 3, 3, together=[["a", "d"], ["a", "e"], ["a", "f"]])
    assert not answer.choices
    assert answer.refused is not None
    assert answer.refused.status == "infeasible"


@settings(deadline=None)
@given(st.data())
def test_nobody_moves_who_could_stay_and_every_answer_keeps_the_rules(data: st.DataObject) -> None:
    letters = "abcdefg"
    at = {letter: data.draw(st.sampled_from([0, 1, 2, WAITING]), label=letter) for letter in letters}
    cohorts = ["".join(letter for letter in letters if at[letter] == index) for index in range(3)]
    waiting = "".join(letter for letter in letters if at[letter] == WAITING)
    attributes = {letter: data.draw(st.sampled_from("xy")) for letter in letters}
    rules: dict[str, Any] = {"apart": [["a", "b"]], "spread": [{"attribute": "x"}], "gather": [{"attribute": "x"}]}
    answer = ways(cohorts, 2, 4, waiting, attributes=attributes, **rules)
    for choice in answer.choices:
        assert check(choice.problem.to_json(), choice.solution.to_json()) == []
        assert choice.mix == mix(choice.problem, choice.solution.cohorts)
    going_on = [index for index in range(3) if cohorts[index]]
    fewest = least_moves(at, going_on)
    whole = [choice for choice in answer.choices if len(choice.kept) == len(going_on)]
    assert [choice.moved for choice in whole][:1] == ([] if fewest is None else [fewest])
    assert all(choice.fewest for choice in whole[:1])


def least_moves(at: dict[str, Any], going_on: list[int]) -> int | None:
    """Over every placement in the cohorts that go on, with 2 to 4 people in each, a and b apart."""
    people = list(at)
    found = [
        sum(at[person] not in (WAITING, cohort) for person, cohort in zip(people, placed, strict=True))
        for placed in product(going_on, repeat=len(people))
        if all(2 <= placed.count(cohort) <= 4 for cohort in going_on) and placed[0] != placed[1]
    ]
    return min(found, default=None)


def test_nobody_moves_in_vain_where_few_hours_fit() -> None:
    draw, hours, many = Random(1), [f"h{n}" for n in range(50)], [f"p{n}" for n in range(60)]
    free = [{*draw.sample(hours, 6), f"h{n % 5}"} for n in range(60)]
    free[0] |= {"h1"}
    problem = Problem.from_json(
        {
            "people": [{"id": one, "slots": sorted(own)} for one, own in zip(many, free, strict=True)],
            "size": {"min": 12, "max": 20},
            "common_slots": 1,
        }
    )
    cohorts = [many[n::5] for n in range(5)]
    cohorts[1].append(cohorts[0].pop(0))
    answer = reform(problem, cohorts, seed=1, now=time.monotonic, seconds=None, iterations=2_000)
    assert answer.choices[0].moved == 1
    assert answer.choices[0].fewest


def test_a_way_that_moves_more_than_it_must_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search is made to send everybody round; the proof of fewest moves finds the way that moves one."""

    def careless(problem: Problem, **limits: Any) -> Solution:
        answer = forming.solve(problem, **limits)
        if problem.previous is None or problem.previous.weight < 1.0:
            return answer
        return replace(answer, cohorts=tuple(answer.cohorts[n - 1] for n in range(len(answer.cohorts))))

    monkeypatch.setattr(reforming, "forming", SimpleNamespace(solve=careless, polished=forming.polished))
    first = ways(["abcde", "fghij", "kl"], 3, 6).choices[0]
    assert (first.moved, first.fewest, len(first.kept)) == (1, True, 3)
    assert check(first.problem.to_json(), first.solution.to_json()) == []
