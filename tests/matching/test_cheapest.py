"""The cheapest pairs, and the cheapest trio when the number is odd: exactly, ties and very large costs included."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from lti_tool.matching.cheapest import LARGEST, cheapest_matching, cheapest_with_trio
from lti_tool.matching.compiled.jit import Ints
from lti_tool.matching.compiled.prices import vertex_prices

Groups = list[tuple[int, ...]]


def every_matching(people: tuple[int, ...]) -> Iterator[Groups]:
    if not people:
        yield []
        return
    first, *others = people
    for other in others:
        for rest in every_matching(tuple(p for p in others if p != other)):
            yield [(first, other), *rest]


def every_grouping(size: int) -> Iterator[Groups]:
    everyone = tuple(range(size))
    if size % 2 == 0:
        yield from every_matching(everyone)
        return
    for trio in combinations(everyone, 3):
        for rest in every_matching(tuple(p for p in everyone if p not in trio)):
            yield [trio, *rest]


def cost(costs: Ints, groups: Groups) -> int:
    return sum(int(costs[duo]) for group in groups for duo in combinations(group, 2))


def found(costs: Ints) -> Groups:
    if len(costs) % 2 == 0:
        return [*cheapest_matching(costs)]
    trio, duos = cheapest_with_trio(costs)
    return [trio, *duos]


@st.composite
def symmetric(draw: st.DrawFn, sizes: st.SearchStrategy[int]) -> Ints:
    size = draw(sizes)
    most = draw(st.sampled_from([0, 1, 3, 100, LARGEST // size]))
    entries = draw(st.lists(st.integers(0, most), min_size=size * size, max_size=size * size))
    upper = np.triu(np.array(entries, dtype=np.int64).reshape(size, size), 1)
    return upper + upper.T


@settings(max_examples=200, deadline=None)
@given(symmetric(st.integers(2, 9)))
def test_nothing_is_cheaper(costs: Ints) -> None:
    groups = found(costs)
    assert sorted(person for group in groups for person in group) == list(range(len(costs)))
    assert cost(costs, groups) == min(cost(costs, other) for other in every_grouping(len(costs)))


@settings(max_examples=100, deadline=None)
@given(symmetric(st.integers(2, 30)))
def test_no_edge_costs_less_than_the_prices_of_its_ends(costs: Ints) -> None:
    price = vertex_prices(costs)
    excess = 2 * costs - price[:, None] - price
    np.fill_diagonal(excess, 0)
    assert excess.min() >= 0


@pytest.mark.parametrize("size", [14, 15, 21])
@pytest.mark.parametrize("most", [1, 3, 2000])
def test_of_larger_cohorts_an_integer_program_finds_nothing_cheaper(size: int, most: int) -> None:
    rng = np.random.default_rng(size * most)
    upper = np.triu(rng.integers(0, most, (size, size), endpoint=True) * (rng.random((size, size)) < 0.7), 1)
    costs = upper + upper.T
    assert cost(costs, found(costs)) == least_by_integer_program(costs)


def least_by_integer_program(costs: Ints) -> int:
    """Everybody has one partner, or two in the one trio of an odd number: then those two are partners as well."""
    model, size = cp_model.CpModel(), len(costs)
    works = {duo: model.new_bool_var(f"{duo}") for duo in combinations(range(size), 2)}
    in_trio = [model.new_bool_var(f"{person}") for person in range(size)]
    model.add(sum(in_trio) == 3 * (size % 2))
    for person in range(size):
        model.add(sum(var for duo, var in works.items() if person in duo) == 1 + in_trio[person])
    for (a, b), var in works.items():
        model.add(in_trio[a] == in_trio[b]).only_enforce_if(var)
    model.minimize(sum(int(costs[duo]) * var for duo, var in works.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)


@settings(max_examples=60, deadline=None)
@given(symmetric(st.sampled_from([5, 7, 9])), st.lists(st.integers(0, 2), min_size=9, max_size=9))
def test_nothing_is_cheaper_where_camps_do_not_mix(costs: Ints, camps: list[int]) -> None:
    camp = np.array(camps[: len(costs)])
    costs = costs % 4 + np.where(camp[:, None] == camp, 0, 1000)
    assert cost(costs, found(costs)) == min(cost(costs, other) for other in every_grouping(len(costs)))


def test_three_odd_camps_that_may_not_mix_have_their_trio_in_one_of_them() -> None:
    camp = np.arange(21) % 3
    costs = np.where(camp[:, None] == camp, 0, 1)
    trio, duos = cheapest_with_trio(costs)
    assert len({camp[person] for person in trio}) == 1
    assert cost(costs, [trio, *duos]) == 1


def test_costs_that_cannot_be_added_up_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        cheapest_matching(np.full((4, 4), LARGEST, dtype=np.int64))
