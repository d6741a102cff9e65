"""What cannot be done is said with the fewest rules that prevent it, and with what would help."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from lti_tool.matching.problem import Problem
from lti_tool.matching.rules import relaxed
from lti_tool.matching.solution import Solution
from tests.matching.brute_force import possible
from tests.matching.examples import a_course, plain
from tests.matching.test_forming import solved, tiny_problems

Json = dict[str, Any]


def rules_of(answer: Solution) -> list[str]:
    assert answer.status == "infeasible"
    return [item.rule for item in answer.conflict]


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (plain(5, 8, 20), ["size.min"]),
        (plain(13, 5, 6), ["size.min", "size.max"]),
        (plain(9, 2, 4, cohorts=2), ["size.max", "cohorts"]),
        (
            plain(6, 2, 4, together=[["a", "b"], ["b", "c"]], apart=[["a", "c"]]),
            ["together", "together", "apart"],
        ),
        (plain(6, 3, 3, together=[["a", "b", "c", "d"]]), ["size.max", "together"]),
        (plain(6, 3, 3, together=[["a", "b"]], locked={"a": 0, "b": 1}), ["together", "locked", "locked"]),
        (plain(6, 3, 3, apart=[["a", "b"]], locked={"a": 0, "b": 0}), ["apart", "locked", "locked"]),
        (plain(6, 2, 4, locked={"a": 7}), ["locked"]),
    ],
)
def test_rules_that_cannot_hold_together_are_named(problem: dict[str, Any], expected: list[str]) -> None:
    assert rules_of(solved(problem)) == expected


def test_a_conflict_is_told_in_words() -> None:
    answer = solved(plain(6, 2, 4, together=[["a", "b"]], apart=[["a", "b"]]))
    assert [item.text for item in answer.conflict] == ["a and b must be together", "a and b must be apart"]


def test_sizes_that_must_differ_more_name_the_slack_and_offer_a_larger_one() -> None:
    answer = solved(plain(8, 3, 5, cohorts=2, together=[["a", "b", "c", "d", "e"]]))
    slack = next(item for item in answer.conflict if item.rule == "size.slack")
    assert slack.relaxation == {"size.slack": 2}
    assert "differ by at most 1" in slack.text


def test_somebody_without_a_time_in_common_with_anyone_is_a_conflict() -> None:
    problem = a_course(24, common_slots=1)
    problem["people"][3]["slots"] = ["sunday"]
    assert "common_slots" in rules_of(solved(problem))


def test_the_only_person_of_a_kind_cannot_have_company() -> None:
    problem = plain(4, 2, 2, not_alone=[{"attribute": "x", "value": 1}])
    problem["people"][0]["attributes"] = {"x": 1}
    assert rules_of(solved(problem)) == ["not_alone"]


def test_more_people_apart_than_cohorts_is_a_conflict() -> None:
    assert "apart" in rules_of(solved(plain(12, 3, 3, apart=[["a", "b", "c", "d", "e"]])))


def in_full(problem: Json) -> Json:
    """The problem with every default written out."""
    return Problem.from_json(problem).to_json()


def with_only(problem: Json, conflict: list[Json]) -> Json:
    """The problem with no hard rules but those that the items of a conflict name."""
    named = [item["rule"] for item in conflict]
    groups = [(item["rule"], item["people"]) for item in conflict]
    everybody, size = len(problem["people"]), problem["size"]
    return problem | {
        "size": {
            "min": size["min"] if "size.min" in named else 1,
            "max": size["max"] if "size.max" in named else max(everybody, size["min"]),
            "slack": size["slack"] if "size.slack" in named else everybody,
            "target": size["target"],
        },
        "cohorts": problem["cohorts"] if "cohorts" in named else None,
        "common_slots": problem["common_slots"] if "common_slots" in named else 0,
        "together": [people for rule, people in groups if rule == "together"],
        "apart": [people for rule, people in groups if rule == "apart"],
        "not_alone": problem["not_alone"] if "not_alone" in named else [],
        "locked": {people[0]: problem["locked"][people[0]] for rule, people in groups if rule == "locked"},
    }


@settings(max_examples=80, deadline=None)
@given(tiny_problems())
def test_of_a_conflict_no_rule_can_be_spared_and_what_is_said_to_help_does(problem: Json) -> None:
    full = in_full(problem)
    answer = json.loads(json.dumps(solved(problem, iterations=0).to_json()))
    if answer["status"] != "infeasible":
        return
    assert "text" not in answer
    conflict = answer["conflict"]
    assert not possible(with_only(full, conflict))
    for item in conflict:
        assert possible(with_only(full, [other for other in conflict if other is not item])), item
    narrow = [item | {"people": item.get("core", item["people"])} for item in conflict]
    assert not possible(with_only(full, narrow))
    for relaxation in [*conflict, *answer["relaxations"]]:
        if "relaxation" in relaxation:
            changed = relaxed(Problem.from_json(problem), relaxation["relaxation"]).to_json()
            assert possible(changed) == relaxation["helps"]
