"""Who practises first, coaches first, observes first: shared out fairly over what really happened."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lti_tool.matching.pairing import pair
from lti_tool.matching.turns import in_turn


def test_in_a_pair_the_two_take_turns() -> None:
    history: list[list[tuple[str, ...]]] = []
    for _session in range(4):
        history.append(in_turn([("a", "b")], history))
    assert [groups[0][0] for groups in history] in (["a", "b", "a", "b"], ["b", "a", "b", "a"])


def test_who_observed_before_practises_before_others_observe_again() -> None:
    history = [[("a", "b", "c")], [("a", "c", "b")]]
    assert in_turn([("a", "b", "c")], history)[0][2] == "a"


def test_of_two_who_are_even_the_one_who_practised_first_longer_ago_does_so_again() -> None:
    history = [[("a", "x")], [("y", "a"), ("b", "x")], [("y", "b")]]
    assert in_turn([("b", "a")], history) == [("a", "b")]


def test_who_was_away_for_weeks_does_not_practise_first_for_weeks() -> None:
    history: list[list[tuple[str, ...]]] = [[("a", "b")], [("b", "a")], [("a", "b")], [("b", "a")]]
    firsts = []
    for _session in range(4):
        history.append(in_turn([("a", "new")], history))
        firsts.append(history[-1][0][0])
    assert sorted(firsts) == ["a", "a", "new", "new"]


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 20), st.floats(0, 0.3), st.integers(0, 10**6))
def test_over_a_program_with_absences_everybody_practises_first_as_often_as_they_coach_first(
    number: int, away: float, seed: int
) -> None:
    rng = Random(seed)
    people = [f"p{i}" for i in range(number)]
    history: list[tuple[tuple[str, ...], ...]] = []
    for session in range(12):
        here = [person for person in people if rng.random() >= away]
        history.append(pair(here, history, seed=session).groups)
    first = Counter(group[0] for groups in history for group in groups)
    second = Counter(group[1] for groups in history for group in groups)
    assert all(abs(first[person] - second[person]) <= 3 for person in people)


@pytest.mark.parametrize("number", [8, 9, 12, 13, 20])
def test_when_all_come_the_times_of_practising_first_differ_by_two_at_most(number: int) -> None:
    people = [f"p{i}" for i in range(number)]
    history: list[tuple[tuple[str, ...], ...]] = []
    for session in range(12):
        history.append(pair(people, history, seed=session).groups)
    first = Counter(group[0] for groups in history for group in groups)
    assert max(first[person] for person in people) - min(first[person] for person in people) <= 2


@settings(max_examples=100, deadline=None)
@given(st.permutations("abc"), st.lists(st.permutations("abcde"), max_size=6))
def test_no_other_order_of_three_is_fairer(trio: list[str], past: list[list[str]]) -> None:
    history = [[tuple(people[:3]), tuple(people[3:])] for people in past]
    watched = Counter(group[2] for groups in history for group in groups if len(group) > 2)
    lead = Counter(group[0] for groups in history for group in groups)
    lead.subtract(Counter(group[1] for groups in history for group in groups))

    def unfair(order: tuple[str, ...]) -> tuple[int, int]:
        after = Counter(lead)
        after.update(order[:1])
        after.subtract(order[1:2])
        return watched[order[2]], sum(after[person] ** 2 for person in order)

    (answer,) = in_turn([tuple(trio)], history)
    assert sorted(answer) == sorted(trio)
    assert unfair(answer) == min(unfair(order) for order in permutations(trio))
