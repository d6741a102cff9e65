"""The checker refuses every solution in which anything was tampered with."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lti_tool.matching import checker
from lti_tool.matching.checker import check
from lti_tool.matching.forming import solve
from lti_tool.matching.problem import Problem
from tests.matching.examples import a_course

PROBLEM = a_course(
    24,
    together=[["u0", "u1"]],
    apart=[["u2", "u3"]],
    locked={"u4": 1},
    common_slots=1,
    balance=[{"attribute": "level"}],
    gather=[{"attribute": "site", "weight": 0.5}],
    previous={"cohorts": {"u5": 0}, "weight": 0.1},
    not_alone=[{"attribute": "gender", "value": "woman"}],
)

for person in PROBLEM["people"]:
    person["slots"].append("noon")


@pytest.fixture(scope="module")
def solution() -> dict[str, Any]:
    answer = solve(Problem.from_json(PROBLEM), seed=1, now=lambda: 0.0, seconds=None, iterations=2000).to_json()
    assert answer["status"] == "solved"
    assert check(PROBLEM, answer) == []
    return answer


def swap(first: str, second: str) -> Callable[[dict[str, Any]], None]:
    def tamper(data: dict[str, Any]) -> None:
        other = {first: second, second: first}
        data["cohorts"] = [[other.get(person, person) for person in cohort] for cohort in data["cohorts"]]

    return tamper


TAMPERINGS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("J is", lambda d: d.update(objective=d["objective"] + 0.01)),
    ("J is", lambda d: d.update(objective=None)),
    ("above J", lambda d: d.update(lower_bound=d["objective"] + 1)),
    ("lower bound is not a number", lambda d: d.update(lower_bound=float("nan"))),
    ("the gap is", lambda d: d.update(gap=0.0)),
    ("balance:level is", lambda d: d["terms"].update({"balance:level": 0.0})),
    ("gather:site is", lambda d: d["terms"].update({"gather:site": "many"})),
    ("the terms reported", lambda d: d["terms"].pop("previous")),
    ("reported slots", lambda d: d.update(slots=[[], []])),
    ("is in no cohort", lambda d: d["cohorts"][0].pop()),
    ("is in two places", lambda d: d["cohorts"][0].append(d["cohorts"][1][0])),
    ("is not one of the people", lambda d: d["cohorts"][0].append("nobody")),
    ("cohorts, not 2", lambda d: d.update(cohorts=[[*d["cohorts"][0], *d["cohorts"][1]]])),
    ("24 people", lambda d: d.update(cohorts=[[*d["cohorts"][0], *d["cohorts"][1]], []])),
    ("none of solved", lambda d: d.update(status="done")),
    ("not lists of people", lambda d: d.update(cohorts="u1")),
    ("names no conflict", lambda d: d.update(status="infeasible")),
    ("unknown answer has cohorts", lambda d: d.update(status="unknown")),
]


@pytest.mark.parametrize(("told", "tamper"), TAMPERINGS)
def test_what_was_tampered_with_is_told(
    solution: dict[str, Any], told: str, tamper: Callable[[dict[str, Any]], Any]
) -> None:
    data = copy.deepcopy(solution)
    tamper(data)
    assert any(told in violation for violation in check(PROBLEM, data))


def test_every_exchange_of_two_people_breaks_a_rule_or_a_figure(solution: dict[str, Any]) -> None:
    first, second = solution["cohorts"]
    locked_elsewhere = copy.deepcopy(solution)
    swap("u4", first[0])(locked_elsewhere)
    assert any("u4 is in cohort 0, but locked in 1" in v for v in check(PROBLEM, locked_elsewhere))
    for person in second:
        data = copy.deepcopy(solution)
        swap(first[0], person)(data)
        assert check(PROBLEM, data) != []


def test_broken_pair_rules_are_told(solution: dict[str, Any]) -> None:
    problem = copy.deepcopy(PROBLEM)
    first, second = solution["cohorts"]
    problem |= {"together": [[first[0], second[0]]], "apart": [first[:2]]}
    told = check(problem, solution)
    assert f"{first[0]}, {second[0]} are not together" in told
    assert f"{first[0]} and {first[1]} are not apart" in told


def test_the_checker_uses_nothing_of_the_solver() -> None:
    tree = ast.parse(Path(checker.__file__).read_text("utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert imported
    assert not [name for name in imported if name.startswith("lti_tool")]
