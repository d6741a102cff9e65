"""Somebody who joins later gets a place, and nobody else moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.matching.newcomer import Placement, place_newcomer
from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Problem
from tests.matching.examples import plain


def place(cohorts: list[str], low: int = 2, high: int = 4, **rules: Any) -> Placement:
    """Place the next letter."""
    number = sum(map(len, cohorts)) + 1
    problem = plain(number, low, high)
    problem["people"] = [
        person | {"attributes": rules["attributes"].get(person["id"], {})} if "attributes" in rules else person
        for person in problem["people"]
    ]
    problem |= {name: rule for name, rule in rules.items() if name != "attributes"}
    return place_newcomer(
        Problem.from_json(problem), [list(cohort) for cohort in cohorts], chr(ord("a") + number - 1)
    )


def test_the_smallest_cohort_is_chosen_among_equals() -> None:
    assert place(["abc", "de", "fg"]).cohort == 1


def test_the_place_with_the_least_objective_is_chosen() -> None:
    attributes = {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 2}, "d": {"x": 2}, "e": {"x": 2}}
    answer = place(["ab", "cd"], attributes=attributes, gather=[{"attribute": "x"}])
    assert answer == Placement(1, 0.0)
    assert place(["ab", "cd"], attributes=attributes, spread=[{"attribute": "x"}]).cohort == 0


@given(st.data())
def test_no_other_place_has_a_smaller_objective(data: st.DataObject) -> None:
    values = st.fixed_dictionaries(
        {"x": st.integers(1, 3), "y": st.integers(1, 3)}, optional={"n": st.integers(0, 5)}
    )
    everybody = {letter: data.draw(values) for letter in "abcdefgh"}
    problem = Problem.from_json(
        {
            "people": [{"id": letter, "attributes": known} for letter, known in everybody.items()],
            "size": {"min": 1, "max": 8, "target": 3, "slack": 8},
            "spread": [{"attribute": "x", "weight": 1.5}],
            "gather": [{"attribute": "y", "weight": 0.5}],
            "balance": [{"attribute": "n", "weight": 2.0}],
            "previous": {"cohorts": {"h": data.draw(st.integers(0, 2))}, "weight": 0.25},
        }
    )
    at = {letter: data.draw(st.integers(0, 2)) for letter in "abcdefg"}
    cohorts = [[letter for letter in at if at[letter] == position] for position in range(3)]
    answer = place_newcomer(problem, cohorts, "h")
    by_id = {person.id: person for person in problem.people}
    reached = [
        objective(
            problem,
            terms(
                problem,
                [
                    [by_id[letter] for letter in (*members, "h") if letter != "h" or position == chosen]
                    for position, members in enumerate(cohorts)
                ],
            ),
        )
        for chosen in range(3)
    ]
    assert answer.cohort is not None
    assert answer.objective == pytest.approx(min(reached))
    assert reached[answer.cohort] == pytest.approx(min(reached))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"high": 2}, "already has 2 people"),
        ({"locked": {"e": 5}}, "e must be in cohort 6"),
        ({"apart": [["e", "a"], ["c", "e"]]}, "must be apart"),
        ({"together": [["e", "a"]], "apart": [["e", "b"]]}, "e and b must be apart"),
        ({"common_slots": 1}, "shares too few slots"),
        ({"attributes": {"e": {"x": 1}}, "not_alone": [{"attribute": "x", "value": 1}]}, "the only one"),
    ],
)
def test_when_no_cohort_is_open_the_answer_says_why(rules: dict[str, Any], reason: str) -> None:
    answer = place(["ab", "cd"], **rules)
    assert answer.cohort is None
    assert len(answer.reasons) == 2
    assert any(reason in told for told in answer.reasons)


def test_companions_of_companions_are_kept_together() -> None:
    assert place(["ab", "cd"], together=[["e", "d"], ["d", "c"]]).cohort == 1


def test_sizes_stay_within_the_slack() -> None:
    answer = place(["abc", "de"], apart=[["f", "d"]])
    assert answer.cohort is None
    assert answer.reasons[0] == "cohort 1: it would have 2 people more than the smallest cohort"


def test_a_person_who_is_placed_or_unknown_is_refused() -> None:
    problem = Problem.from_json(plain(3, 1, 3))
    with pytest.raises(ValueError, match="in a cohort already"):
        place_newcomer(problem, [["a", "b"]], "a")
    with pytest.raises(ValueError, match="z is not one"):
        place_newcomer(problem, [["a", "b"]], "z")
