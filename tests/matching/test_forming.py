"""Cohorts keep every rule, are as good as they can be, and say how good that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lti_tool.matching.checker import check
from lti_tool.matching.forming import NOTHING_KNOWN, solve
from lti_tool.matching.problem import Problem
from lti_tool.matching.sizes import cohort_count
from lti_tool.matching.solution import Solution
from tests.matching.brute_force import feasible_objectives
from tests.matching.examples import a_course


def frozen_clock() -> float:
    return 0.0


def solved(problem: dict[str, Any], iterations: int = 2000, seed: int = 1) -> Solution:
    """Solve by iterations alone, and have the checker read the answer as anybody would: from its JSON."""
    answer = solve(Problem.from_json(problem), seed=seed, now=frozen_clock, seconds=None, iterations=iterations)
    assert check(problem, answer.to_json()) == []
    return answer


SLOTS = ["mon", "tue", "wed"]


@st.composite
def tiny_problems(draw: st.DrawFn) -> dict[str, Any]:
    """Two to six people with any mixture of rules, possible or not."""
    number = draw(st.integers(2, 6))
    ids = [chr(ord("a") + i) for i in range(number)]
    some_ids = st.lists(st.sampled_from(ids), min_size=2, max_size=3, unique=True)
    people = [
        {
            "id": person,
            "attributes": draw(
                st.fixed_dictionaries(
                    {},
                    optional={"team": st.sampled_from("xyz"), "level": st.sampled_from([1, 2, 3.5, 8])},
                )
            ),
            "slots": draw(st.lists(st.sampled_from(SLOTS), unique=True, min_size=1)),
        }
        for person in ids
    ]
    low = draw(st.integers(1, 3))
    weight = st.sampled_from([0.0, 0.5, 1.0, 2.0])
    problem: dict[str, Any] = {
        "people": people,
        "size": {
            "min": low,
            "max": draw(st.integers(low, 5)),
            "target": draw(st.integers(1, 5)),
            "slack": draw(st.integers(0, 2)),
        },
        "cohorts": draw(st.none() | st.integers(1, 4)),
        "spread": draw(st.just([]) | st.builds(lambda w: [{"attribute": "team", "weight": w}], weight)),
        "gather": draw(st.just([]) | st.builds(lambda w: [{"attribute": "team", "weight": w}], weight)),
        "balance": draw(st.just([]) | st.builds(lambda w: [{"attribute": "level", "weight": w}], weight)),
        "together": draw(st.lists(some_ids, max_size=2)),
        "apart": draw(st.lists(some_ids, max_size=3)),
        "not_alone": draw(st.just([]) | st.just([{"attribute": "team", "value": "x"}])),
        "common_slots": draw(st.sampled_from([0, 0, 1, 2])),
        "locked": draw(st.dictionaries(st.sampled_from(ids), st.integers(0, 2), max_size=2)),
    }
    if draw(st.booleans()):
        before = st.dictionaries(st.sampled_from(ids), st.integers(0, 2))
        problem["previous"] = {"cohorts": draw(before), "weight": draw(weight)}
    return problem


@settings(max_examples=60, deadline=None)
@given(tiny_problems())
def test_tiny_problems_are_solved_to_the_optimum_or_rightly_refused(problem: dict[str, Any]) -> None:
    answer = solved(problem, iterations=1500)
    count = cohort_count(Problem.from_json(problem))
    objectives = list(feasible_objectives(problem, count)) if count is not None else []
    if not objectives:
        assert answer.status == "infeasible"
        return
    assert answer.status == "solved"
    assert answer.objective is not None
    assert answer.lower_bound is not None
    assert answer.objective == pytest.approx(min(objectives), abs=1e-4)
    assert answer.lower_bound <= min(objectives) + 1e-4


def test_sixty_people_with_every_kind_of_rule_get_cohorts_that_keep_them() -> None:
    answer = solved(
        a_course(
            60,
            common_slots=1,
            not_alone=[{"attribute": "gender", "value": "woman"}],
            together=[["u1", "u2"], ["u2", "u3"], ["u10", "u11"]],
            apart=[["u1", "u10"], ["u20", "u21", "u22"]],
            locked={"u30": 2, "u31": 0},
            balance=[{"attribute": "level", "weight": 2}],
            gather=[{"attribute": "site", "weight": 0.3}],
            previous={"cohorts": {"u40": 1, "u41": 2}, "weight": 1},
        )
    )
    assert answer.status == "solved"
    assert sorted(map(len, answer.cohorts)) == [12, 12, 12, 12, 12]


def test_locks_cost_nothing_where_they_only_say_which_cohort_is_which() -> None:
    course = a_course(48, spread=[], gather=[{"attribute": "site"}])
    sites = ("Lyon", "Oslo", "Pune", "Rome")
    for i, person in enumerate(course["people"]):
        person["attributes"]["site"] = sites[i % 4]
    answer = solved(course | {"locked": {"u0": 3, "u4": 3, "u1": 2, "u2": 0}}, iterations=100_000)
    assert answer.objective == 0
    assert ["u0" in cohort for cohort in answer.cohorts] == [False, False, False, True]


@pytest.mark.parametrize("people", [24, 60, 200])
def test_spreading_three_attributes_reaches_the_proved_optimum(people: int) -> None:
    answer = solved(a_course(people), iterations=300_000)
    assert answer.gap == pytest.approx(0, abs=1e-9)
    assert answer.iterations < 300_000, "the search should stop when nothing better exists"


def test_the_same_seed_and_iterations_give_the_same_cohorts_and_more_are_never_worse() -> None:
    course = a_course(60, balance=[{"attribute": "level"}], gather=[{"attribute": "site"}])
    assert solved(course, 2000).cohorts == solved(course, 2000).cohorts
    first, second = solved(course, 0), solved(course, 20_000)
    assert first.objective is not None
    assert second.objective is not None
    assert second.objective <= first.objective


def test_the_search_ends_when_the_time_is_up_and_tells_its_progress() -> None:
    told: list[tuple[float, float]] = []
    problem = Problem.from_json(a_course(100, gather=[{"attribute": "site"}]))
    answer = solve(
        problem,
        seed=1,
        now=ticking(),
        seconds=5.0,
        progress=lambda spent, best: told.append((spent, best)),
    )
    assert answer.status == "solved"
    assert 5.0 <= answer.seconds < 6.0
    assert [spent for spent, _ in told] == sorted(spent for spent, _ in told)
    assert [best for _, best in told] == sorted((best for _, best in told), reverse=True)


def ticking() -> Callable[[], float]:
    """A clock that goes on by 10 ms each time that somebody looks."""
    ticks = iter(range(10**9))
    return lambda: next(ticks) / 100


def test_a_thousand_people_get_good_cohorts_within_the_time_given() -> None:
    started = time.monotonic()
    problem = a_course(1000, together=[["u1", "u2"]], apart=[["u1", "u3"]], common_slots=0)
    answer = solve(Problem.from_json(problem), seed=1, now=time.monotonic, seconds=3)
    assert check(problem, answer.to_json()) == []
    assert answer.status == "solved"
    assert time.monotonic() - started < 4.5


def test_when_nothing_is_found_and_nothing_proved_the_answer_says_so() -> None:
    late = ticking()
    course = a_course(60, common_slots=2)
    answer = solve(Problem.from_json(course), seed=1, now=late, seconds=0.02)
    assert answer.status == "unknown"
    assert answer.text == NOTHING_KNOWN
    assert "cohorts" not in answer.to_json()
