"""How many cohorts there are, and which sizes they may have."""

from __future__ import annotations

from lti_tool.matching.problem import Problem

Window = tuple[int, int]
"""The smallest and the largest size of one solution."""


def cohort_count(problem: Problem) -> int | None:
    """K: as given, else the feasible K that minimises |N/K - target| (ties: the smaller), None if none is."""
    if problem.cohorts is not None:
        return problem.cohorts
    people, size = len(problem.people), problem.size
    feasible = range(-(-people // size.max), people // size.min + 1)
    return min(feasible, key=lambda count: (abs(people / count - size.target), count), default=None)


def windows(problem: Problem, count: int) -> list[Window]:
    """Each (low, high) within the size rule, as wide as the slack allows, that N people can keep."""
    people, size = len(problem.people), problem.size
    found: list[Window] = []
    for low in range(size.min, min(size.max, people // count) + 1):
        high = min(low + size.slack, size.max)
        if count * high >= people and not (found and found[-1][1] == high):
            found.append((low, high))
    return found


def narrowest(problem: Problem, count: int) -> Window:
    """The smallest and the largest size of any solution, when there is one."""
    ranges = windows(problem, count)
    return min(low for low, _ in ranges), max(high for _, high in ranges)
