"""A lower bound L on J over all solutions that keep the size rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from lti_tool.matching.joint import Pace, choose_terms, joint_bound
from lti_tool.matching.problem import Problem
from lti_tool.matching.sizes import Window, windows


def lower_bound(problem: Problem, count: int) -> float:
    """L for ``count`` cohorts, at once: a bound for each term, added up.

    Balance and previous add nothing, as by themselves they can be 0.
    """
    spread = sum(w.weight * _spread(_occurrences(problem, w.attribute), count) for w in problem.spread)
    ranges = windows(problem, count)
    gather = sum(
        wish.weight
        * min((_gather(_occurrences(problem, wish.attribute), count, range_) for range_ in ranges), default=0)
        for wish in problem.gather
    )
    return spread + gather


def sharpened_bound(problem: Problem, count: int, pace: Pace) -> float:
    """L for ``count`` cohorts, with a joint bound for terms that pull in opposite directions."""
    simple = lower_bound(problem, count)
    terms = choose_terms(problem, count)
    if terms is None:
        return simple
    others = replace(
        problem,
        spread=tuple(wish for wish in problem.spread if wish not in terms.spread),
        gather=tuple(wish for wish in problem.gather if wish != terms.gather),
    )
    return max(simple, lower_bound(others, count) + joint_bound(problem, terms, count, pace))


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
