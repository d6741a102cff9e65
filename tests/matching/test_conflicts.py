"""What cannot be done is said with the fewest rules that prevent it, and with what would help."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from lti_tool.matching.budget import Budget
from lti_tool.matching.conflict import minimal_conflict
from lti_tool.matching.decision import decide
from lti_tool.matching.exact import Prover
from lti_tool.matching.forming import solve
from lti_tool.matching.problem import Problem
from lti_tool.matching.rules import relaxed
from lti_tool.matching.solution import Solution
from tests.matching.brute_force import possible
from tests.matching.examples import a_course, plain
from tests.matching.test_forming import solved, ticking, tiny_problems

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


def test_many_who_can_meet_nobody_can_all_be_placed_without_their_hours() -> None:
    problem = a_course(24, common_slots=1)
    alone = [f"u{i}" for i in range(9)]
    for i, person in enumerate(problem["people"]):
        person["slots"] = [f"day-{i}"] if i < len(alone) else ["mon"]
    answer = solved(problem)
    assert answer.conflict[0].people == tuple(alone)
    assert {"any_time": alone} in [relaxation.change for relaxation in answer.relaxations]


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


def test_quarrels_that_no_three_cohorts_can_part_are_all_needed() -> None:
    """Mycielski's graph has no four people who all quarrel, so that counting them proves nothing."""
    circle = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]
    shadows = [*((a, b + 5) for a, b in circle), *((b, a + 5) for a, b in circle), *((i + 5, 10) for i in range(5))]
    quarrels = [*circle, *shadows]
    needless = [(11, 12), (12, 13), (13, 11)]
    apart = [[f"u{a}", f"u{b}"] for a, b in (*needless, *quarrels)]
    answer = solved(a_course(36, apart=apart, size={"min": 1, "max": 36, "slack": 36, "target": 12}))
    assert rules_of(answer) == ["apart"] * len(quarrels)
    assert answer.text is None
    assert all(item.helps for item in answer.conflict)
    assert [relaxation.change for relaxation in answer.relaxations] == [{"size.target": 10.0}]


def test_a_group_is_narrowed_to_those_who_are_in_the_way() -> None:
    answer = solved(plain(12, 3, 4, together=[["a", "b", "c", "d"]], apart=[["e", "c", "a"]]))
    assert [item.core for item in answer.conflict] == [("a", "c"), ("c", "a")]
    assert [item.text for item in answer.conflict] == ["a and c must be together", "c and a must be apart"]
    assert answer.conflict[1].relaxation == {"apart": [["c", "a"]]}


def test_whoever_cannot_meet_the_others_of_their_cohort_is_named() -> None:
    course = a_course(36, common_slots=1, locked={"u0": 0, "u1": 0, "u2": 0, "u3": 1})
    for person in course["people"]:
        person["slots"] = ["mon", "tue", "wed"]
    for i, slots in enumerate((["mon", "tue"], ["tue", "wed"], ["wed", "mon"])):
        course["people"][i]["slots"] = slots
    answer = solved(course)
    assert rules_of(answer) == ["common_slots", "locked", "locked", "locked"]
    assert answer.conflict[0].people == ("u0", "u1", "u2")
    assert answer.conflict[0].relaxation == {"common_slots": 0}
    assert [item.relaxation for item in answer.conflict[1:]] == [{"locked": [f"u{i}"]} for i in range(3)]


def test_three_who_never_meet_are_one_too_many_for_two_cohorts() -> None:
    course = a_course(24, common_slots=1)
    for i, person in enumerate(course["people"]):
        person["slots"] = ["mon", "tue", "wed"][i : i + 1] or ["mon", "tue", "wed"]
    answer = solved(course)
    assert rules_of(answer) == ["common_slots"]
    assert answer.conflict[0].people == ("u0", "u1", "u2")
    assert [relaxation.change for relaxation in answer.relaxations][-1] == {"size.target": 9.0}
    without = [relaxation.change["any_time"] for relaxation in answer.relaxations[:-1]]
    assert sorted(without) == [["u0"], ["u1"], ["u2"]]


def test_part_timers_are_named_and_can_be_placed_without_their_hours_and_the_silent_are_not() -> None:
    rng, hours = Random(1), [f"{day}-{hour:02}" for day in ("mon", "tue", "wed") for hour in range(9, 15)]
    own = [["mon-09"], ["tue-10"], ["wed-14", "wed-12"]]
    own += [hours if i % 2 else rng.sample(hours, 15) for i in range(21)]
    people = [{"id": f"u{i}", "slots": named} for i, named in enumerate(own)]
    mess = {"people": people, "size": {"min": 8, "max": 20, "target": 12}, "common_slots": 1}
    part_timers = {"u0", "u1", "u2"}
    answer = solved(mess)
    assert solved(mess, seed=2).to_json() == answer.to_json() | {"seed": 2}
    (cause,) = answer.conflict
    assert (cause.rule, set(cause.people)) == ("common_slots", part_timers)
    without = [
        set(relaxation.change["any_time"]) for relaxation in answer.relaxations if "any_time" in relaxation.change
    ]
    assert without
    assert all(people <= part_timers for people in without)
    for relaxation in answer.relaxations:
        assert solved(relaxed(Problem.from_json(mess), relaxation.change).to_json()).status == "solved"


def test_independent_quarrels_are_settled_together_by_the_fewest_changes() -> None:
    quarrels = {"together": [["a", "b"], ["c", "d"], ["e", "f"]], "apart": [["a", "b"], ["c", "d"], ["e", "g"]]}
    answer = solved(plain(9, 2, 4, **quarrels))
    assert [item.helps for item in answer.conflict] == [False, False]
    (both,) = answer.relaxations
    assert both.helps
    assert sum(len(groups) for groups in both.change.values()) == 2
    assert solved(relaxed(Problem.from_json(plain(9, 2, 4, **quarrels)), both.change).to_json()).status == "solved"


def test_a_group_that_must_be_left_out_as_a_whole_is_offered_as_a_whole() -> None:
    """Of four who must be apart in two cohorts three are one too many; with those let go the fourth is in the way."""
    course = a_course(24, together=[["u0", "u1"], ["u2", "u3"]], apart=[["u0", "u1", "u2", "u3"]])
    answer = solved(course)
    assert [(item.core, item.helps) for item in answer.conflict] == [(("u1", "u2", "u3"), False)]
    (whole,) = answer.relaxations
    assert (whole.change, whole.helps) == ({"apart": [["u0", "u1", "u2", "u3"]]}, True)
    assert solved(relaxed(Problem.from_json(course), whole.change).to_json()).status == "solved"


def test_the_same_seed_gives_the_same_conflict() -> None:
    course = a_course(60, common_slots=1, together=[[f"u{i}" for i in range(j, j + 9)] for j in range(0, 54, 9)])
    first, second = (solved(course, seed=3).to_json() for _ in range(2))
    assert first["status"] == "infeasible"
    assert first == second


@settings(max_examples=20, deadline=None)
@given(tiny_problems())
def test_what_an_instructor_is_told_is_minimal_too(problem: Json) -> None:
    """As pages and the command ask, with a clock and half a minute, of which next to nothing is needed."""
    answer = solve(Problem.from_json(problem), seed=1, now=time.monotonic, seconds=30.0)
    if answer.status == "infeasible":
        conflict, full = answer.to_json()["conflict"], in_full(problem)
        assert isinstance(conflict, list)
        assert answer.text is None
        assert not possible(with_only(full, conflict))
        assert all(possible(with_only(full, [other for other in conflict if other is not item])) for item in conflict)


def test_a_conflict_that_could_not_be_reduced_in_time_does_not_claim_to_be_minimal() -> None:
    problem = Problem.from_json(plain(6, 2, 4, together=[["a", "b"]], apart=[["a", "b"], ["c", "d"]]))
    prover = Prover(1, Budget(ticking(), 0.0, None))
    assert decide(problem, prover) == "impossible"
    clash = minimal_conflict(problem, prover)
    assert not clash.minimal
    assert {rule.field for rule in clash.rules} >= {"together", "apart"}


def test_nobody_waits_for_or_tools_who_does_not_need_it() -> None:
    program = """
import sys, time
import lti_tool.cli
from lti_tool.matching.forming import solve
from lti_tool.matching.problem import Problem
from tests.matching.examples import a_course
for more in {}, {"together": [["u1", "u2"]], "apart": [["u1", "u2"]]}:
    solve(Problem.from_json(a_course(24, **more)), seed=1, now=time.monotonic, seconds=1)
assert "ortools" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
