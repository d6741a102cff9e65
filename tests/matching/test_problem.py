"""Malformed problems are refused with one line that names the field."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.matching.problem import Problem, ProblemError
from tests.matching.examples import a_course, plain


def changed(**fields: Any) -> dict[str, Any]:
    return plain(4, 2, 4) | fields


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (None, "problem: expected an object, found nothing"),
        ([], "problem: expected an object, found a list"),
        ({"people": []}, "problem: the field 'size' is missing"),
        (changed(colour="red"), "problem: unknown field 'colour'"),
        (changed(people="ann"), "people: expected a list, found a text"),
        (changed(people=[]), "people: there is nobody to place"),
        (changed(people=[{"id": "a"}, {"id": "a"}]), "people[1].id: 'a' is there twice"),
        (changed(people=[{"id": 7}]), "people[0].id: expected a text, found a number"),
        (changed(people=[{"id": ""}]), "people[0].id: must have 1 to 500 characters"),
        (changed(people=[{"id": "a", "name": "Ana"}]), "people[0]: unknown field 'name'"),
        (changed(people=[{"id": "a", "slots": [1]}]), "people[0].slots[0]: expected a text, found a number"),
        (
            changed(people=[{"id": "a", "attributes": {"x": []}}]),
            "people[0].attributes.x: expected a text or a number, found a list",
        ),
        (
            changed(people=[{"id": "a", "attributes": {"x": math.nan}}]),
            "people[0].attributes.x: must be a number between -1e+09 and 1e+09",
        ),
        (changed(size={"min": 5, "max": 4}), "size: min (5) is larger than max (4)"),
        (changed(size={"min": 0, "max": 4}), "size.min: must be from 1 to 10000"),
        (changed(size={"min": 2.5, "max": 4}), "size.min: expected a whole number, found a number"),
        (changed(size={"min": True, "max": 4}), "size.min: expected a whole number, found true or false"),
        (changed(size={"min": 2, "max": 4, "target": 0}), "size.target: must be more than 0"),
        (changed(size={"min": 2, "max": 4, "slack": -1}), "size.slack: must be from 0 to 10000"),
        (changed(size={"min": 2, "max": 10**400}), "size.max: must be from 1 to 10000"),
        (changed(cohorts=0), "cohorts: must be from 1 to 10000"),
        (changed(spread=[{"attribute": "x", "weight": -1}]), "spread[0].weight: must be from 0 to 1e+09"),
        (
            changed(spread=[{"attribute": "x", "weight": 10**400}]),
            "spread[0].weight: must be from 0 to 1e+09",
        ),
        (changed(gather=[{"attribute": "x"}] * 2), "gather[1].attribute: 'x' is in gather twice"),
        (changed(spread=[{"weight": 1}]), "spread[0]: the field 'attribute' is missing"),
        (changed(together=[["a", "z"]]), "together[0][1]: 'z' is not one of the people"),
        (changed(apart=[["a"]]), "apart[0]: needs at least two people"),
        (changed(apart=[["a", "a"]]), "apart[0]: names the same person twice"),
        (changed(locked={"z": 0}), "locked.z: 'z' is not one of the people"),
        (changed(locked={"a": -1}), "locked.a: must be from 0 to 10000"),
        (changed(locked=[1]), "locked: expected an object, found a list"),
        (changed(common_slots="two"), "common_slots: expected a whole number, found a text"),
        (changed(not_alone=[{"attribute": "x"}]), "not_alone[0]: the field 'value' is missing"),
        (changed(previous={"weight": 1}), "previous: the field 'cohorts' is missing"),
        (changed(previous={"cohorts": {"z": 1}}), "previous.cohorts.z: 'z' is not one of the people"),
        (
            changed(people=[{"id": "a", "attributes": {"level": "high"}}], balance=[{"attribute": "level"}]),
            "people[0].attributes.level: balance needs a number, not 'high'",
        ),
    ],
)
def test_what_is_wrong_is_told_by_field(problem: object, told: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        Problem.from_json(problem)
    assert str(refusal.value) == told


def test_too_many_people_are_refused() -> None:
    with pytest.raises(ProblemError, match="people: has 10001 entries, at most 10000 are allowed"):
        Problem.from_json(changed(people=[{"id": str(i)} for i in range(10_001)]))


def test_a_problem_survives_the_way_to_json_and_back() -> None:
    problem = Problem.from_json(
        a_course(
            30,
            together=[["u1", "u2"]],
            locked={"u3": 1},
            not_alone=[{"attribute": "gender", "value": "woman"}],
            previous={"cohorts": {"u4": 2}, "weight": 0.5},
            balance=[{"attribute": "level", "weight": 3}],
        )
    )
    assert Problem.from_json(problem.to_json()) == problem


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(sorted(a_course(8) | Problem.from_json(a_course(8)).to_json())),
    JUNK,
)
def test_junk_in_any_field_is_refused_or_read_but_never_crashes(field: str, junk: object) -> None:
    with suppress(ProblemError):
        problem = Problem.from_json(plain(3, 1, 3) | {field: junk})
        assert Problem.from_json(problem.to_json()) == problem
