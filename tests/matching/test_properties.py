"""What must hold for every problem, whatever is in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lti_tool.matching.bound import sharpened_bound
from lti_tool.matching.checker import check
from lti_tool.matching.forming import load_compiled, solve
from lti_tool.matching.joint import Pace, choose_terms
from lti_tool.matching.problem import Problem
from lti_tool.matching.sizes import cohort_count
from lti_tool.matching.solution import Solution
from tests.matching.brute_force import feasible_objectives
from tests.matching.examples import a_course
from tests.matching.test_forming import frozen_clock, solved, tiny_problems


def never() -> bool:
    return False


@st.composite
def pulling_apart(draw: st.DrawFn) -> dict[str, Any]:
    """Up to eight people whose cohorts cannot be both even and of one site, in all sizes that fit."""
    number = draw(st.integers(3, 8))
    low = draw(st.integers(1, 4))
    value = st.sampled_from
    people: list[dict[str, Any]] = [
        {
            "id": f"u{i}",
            "attributes": {"site": draw(value("xyzw")), "team": draw(value("ab")), "job": draw(value("klm"))},
        }
        for i in range(number)
    ]
    for person in people:
        level = draw(st.sampled_from([None, 1000, 1001, 1003.5]))
        person["attributes"] |= {} if level is None else {"level": level}
    weight = st.sampled_from([0.5, 1.0, 3.0])
    return {
        "people": people,
        "size": {"min": low, "max": draw(st.integers(low, 6)), "slack": draw(st.integers(0, 3))},
        "cohorts": draw(st.integers(1, 3)),
        "spread": [{"attribute": "team", "weight": draw(weight)}, {"attribute": "job", "weight": draw(weight)}],
        "gather": [{"attribute": "site", "weight": draw(weight)}],
        "balance": [{"attribute": "level", "weight": draw(weight)}] if draw(st.booleans()) else [],
    }


@settings(max_examples=40, deadline=None)
@given(pulling_apart())
def test_no_cohorts_are_better_than_the_joint_bound_says(problem: dict[str, Any]) -> None:
    parsed = Problem.from_json(problem)
    count = cohort_count(parsed)
    objectives = list(feasible_objectives(problem, count)) if count else []
    if objectives and count:
        bound = sharpened_bound(parsed, count, Pace(400, None, frozen_clock, never))
        # The brute force reads J to six digits.
        assert bound <= min(objectives) * (1 + 1e-5) + 1e-9


def test_what_pulls_apart_is_bounded_within_a_few_percent() -> None:
    wishes = {
        "spread": [{"attribute": "department"}, {"attribute": "gender"}],
        "gather": [{"attribute": "site", "weight": 0.5}],
    }
    answer = solved(a_course(60) | wishes, iterations=300_000)
    assert choose_terms(Problem.from_json(a_course(60) | wishes), 5) is not None
    assert answer.gap is not None
    assert answer.gap < 0.08


def test_numbers_that_differ_from_site_to_site_are_known_not_to_balance() -> None:
    course = a_course(60, spread=[{"attribute": "department"}], gather=[{"attribute": "site"}])
    levels = {"Lyon": 1.0, "Oslo": 3.0, "Pune": 5.0}
    for person in course["people"]:
        person["attributes"]["level"] += levels[person["attributes"]["site"]]
    answer = solved(course | {"balance": [{"attribute": "level"}]}, iterations=300_000)
    assert answer.terms["balance:level"] > 10
    assert answer.gap is not None
    assert answer.gap < 0.08


def figures(problem: dict[str, Any], cohorts: Any) -> list[float]:
    """J and the terms of given cohorts, by solving with everybody locked where they are."""
    locked = problem | {"locked": {person: c for c, members in enumerate(cohorts) for person in members}}
    answer = solved(locked, iterations=0)
    assert answer.objective is not None
    return [answer.objective, *sorted(answer.terms.values())]


@settings(max_examples=25, deadline=None)
@given(tiny_problems(), st.randoms(use_true_random=False))
def test_names_order_and_repeated_or_kept_rules_change_no_objective(problem: dict[str, Any], random: Any) -> None:
    answer = solved(problem, iterations=200)
    if answer.status != "solved":
        return
    before = figures(problem, answer.cohorts)

    shuffled = problem | {"people": random.sample(problem["people"], len(problem["people"]))}
    assert figures(shuffled, answer.cohorts) == pytest.approx(before)

    mates = [list(members[:2]) for members in answer.cohorts if len(members) > 1]
    strangers = [[answer.cohorts[0][0], answer.cohorts[1][0]]] if len(answer.cohorts) > 1 else []
    more = problem | {
        "together": [*problem["together"], *problem["together"], *mates],
        "apart": [*problem["apart"], *problem["apart"], *strangers],
        "not_alone": problem["not_alone"] * 2,
    }
    assert figures(more, answer.cohorts) == pytest.approx(before)

    renamed = _renamed(problem)
    cohorts = [[f"person {person}" for person in members] for members in answer.cohorts]
    assert figures(renamed, cohorts) == pytest.approx(before)


def _renamed(problem: dict[str, Any]) -> dict[str, Any]:
    """The same problem with other names for all people and all values that are texts."""

    def people(ids: Any) -> Any:
        return [f"person {i}" for i in ids]

    def value(v: Any) -> Any:
        return f"value {v}" if isinstance(v, str) else v

    renamed = copy.deepcopy(problem)
    for person in renamed["people"]:
        person["id"] = f"person {person['id']}"
        person["attributes"] = {k: value(v) for k, v in person["attributes"].items()}
    for field in ("together", "apart"):
        renamed[field] = [people(group) for group in problem[field]]
    renamed["not_alone"] = [rule | {"value": value(rule["value"])} for rule in problem["not_alone"]]
    renamed["locked"] = {f"person {p}": c for p, c in problem["locked"].items()}
    if "previous" in problem:
        before = problem["previous"]["cohorts"]
        renamed["previous"] = problem["previous"] | {"cohorts": {f"person {p}": c for p, c in before.items()}}
    return renamed


@settings(max_examples=25, deadline=None)
@given(tiny_problems(), st.integers(0, 300), st.integers(0, 1500))
def test_more_iterations_or_threads_are_never_worse(problem: dict[str, Any], fewer: int, more: int) -> None:
    short, long = solved(problem, iterations=fewer), solved(problem, iterations=fewer + more)
    if short.status == "solved":
        assert long.objective is not None
        assert short.objective is not None
        assert long.objective <= short.objective + 1e-9
        wide = _solve(problem, fewer, threads=2)
        assert check(problem, wide.to_json()) == []
        assert wide.objective is not None
        assert wide.objective <= short.objective + 1e-9


def _solve(problem: dict[str, Any], iterations: int, threads: int) -> Solution:
    parsed = Problem.from_json(problem)
    return solve(parsed, seed=1, now=frozen_clock, seconds=None, iterations=iterations, threads=threads)


@settings(max_examples=25, deadline=None)
@given(tiny_problems(), st.data())
def test_leaving_out_a_hard_rule_never_makes_the_best_worse_nor_changes_the_bound(
    problem: dict[str, Any], data: st.DataObject
) -> None:
    count = cohort_count(Problem.from_json(problem))
    field = data.draw(st.sampled_from(["together", "apart", "not_alone", "locked", "common_slots"]))
    without: dict[str, Any] = {**problem, field: type(problem[field])()}
    if count is None:
        return
    pace = Pace(100, None, frozen_clock, never)
    bounds = [sharpened_bound(Problem.from_json(p), count, pace) for p in (problem, without)]
    assert bounds[0] == bounds[1]
    kept, freed = (list(feasible_objectives(p, count)) for p in (problem, without))
    if kept:
        assert min(freed) <= min(kept)


CORRUPTIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "one is left out": lambda data: data["cohorts"][-1].pop(),
    "one is there twice": lambda data: data["cohorts"][-1].append(data["cohorts"][0][0]),
    "a stranger": lambda data: data["cohorts"][0].append("stranger"),
    "a cohort more": lambda data: data["cohorts"].append([]),
    "a smaller J": lambda data: data.update(objective=data["objective"] - 0.01),
    "another gap": lambda data: data.update(gap=data["gap"] + 0.01),
    "a bound above J": lambda data: data.update(lower_bound=data["objective"] + 0.01),
    "a term more": lambda data: data["terms"].update({"spread:luck": 0.0}),
}


@settings(max_examples=40, deadline=None)
@given(tiny_problems(), st.sampled_from(list(CORRUPTIONS)))
def test_the_checker_refuses_every_corrupted_solution(problem: dict[str, Any], corruption: str) -> None:
    answer = solved(problem, iterations=50)
    if answer.status == "solved":
        data = answer.to_json()
        CORRUPTIONS[corruption](data)
        assert check(problem, data) != []


def test_a_cancelled_search_gives_its_best_at_once() -> None:
    asked: list[bool] = []

    def after_ten_looks() -> bool:
        asked.append(True)
        return len(asked) > 10

    problem = a_course(60, gather=[{"attribute": "site"}])
    parsed = Problem.from_json(problem)
    answer = solve(parsed, seed=1, now=frozen_clock, seconds=None, iterations=10**9, cancelled=after_ten_looks)
    assert answer.status == "solved"
    assert check(problem, answer.to_json()) == []


def test_nothing_is_compiled_after_the_preparation() -> None:
    from lti_tool.matching.compiled import anneal, greedy, joint, repair

    load_compiled()
    entries: list[Any] = [anneal.anneal, greedy.place_all, repair.repair, joint.climb]
    before = [len(entry.signatures) for entry in entries]
    solved(a_course(40, common_slots=1, gather=[{"attribute": "site"}], together=[["u1", "u2"]]), iterations=100)
    assert [len(entry.signatures) for entry in entries] == before
