"""A lower bound L on J over all solutions that keep the size rule: a valid bound for each term, added up."""

from __future__ import annotations

from collections import Counter

from lti_tool.matching.problem import Problem
from lti_tool.matching.sizes import Window, windows


def lower_bound(problem: Problem, count: int) -> float:
    """L for ``count`` cohorts; balance and previous add nothing, as nothing forbids that they are 0."""
    spread = sum(w.weight * _spread(_occurrences(problem, w.attribute), count) for w in problem.spread)
    ranges = windows(problem, count)
    gather = sum(
        wish.weight
        * min((_gather(_occurrences(problem, wish.attribute), count, range_) for range_ in ranges), default=0)
        for wish in problem.gather
    )
    return spread + gather


def _occurrences(problem: Problem, attribute: str) -> list[int]:
    return list(Counter(person.value(attribute) for person in problem.people).values())


def _spread(occurrences: list[int], count: int) -> float:
    """Whole people cannot be shared out more evenly than: n mod K cohorts get one more than the others."""
    return sum((n % count) * (count - n % count) / count for n in occurrences)


def _gather(occurrences: list[int], count: int, window: Window) -> float:
    """All pairs of evenly sized cohorts, less the most pairs of equal values: each value in as few cohorts as
    fit.
    """
    share, rest = divmod(sum(occurrences), count)
    all_squares = (count - rest) * share**2 + rest * (share + 1) ** 2
    largest = window[1]
    equal_squares = sum((n // largest) * largest**2 + (n % largest) ** 2 for n in occurrences)
    return max(0, all_squares - equal_squares) / 2
