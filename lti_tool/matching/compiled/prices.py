"""The dual of the assignment relaxation of matching (Kuhn 1955, https://doi.org/10.1002/nav.3800020109)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lti_tool.matching.compiled.jit import Ints, compiled

FAR = np.iinfo(np.int64).max


class Assignment(NamedTuple):
    """People are rows and columns; column n is the root, where the row waits that has none yet."""

    rows: Ints
    """n prices of rows."""
    columns: Ints
    """n + 1 prices of columns."""
    row_of: Ints
    came_from: Ints
    reach: Ints
    """column → the excess on the way to it."""
    visited: Ints


def vertex_prices(costs: Ints) -> Ints:
    """Prices with p[i] + p[j] <= 2 costs[i, j] for i != j, whose sum is as large as can be.

    ``costs`` is symmetric; its diagonal is not looked at. The sum of all costs must stay below 2**60.
    """
    n = len(costs)
    blank = [np.zeros(n + 1, dtype=np.int64) for _ in range(5)]
    work = Assignment(np.zeros(n, dtype=np.int64), *blank)
    work.row_of[:] = -1
    _assign(costs, work)
    return work.rows + work.columns[:n]


@compiled
def _assign(costs: Ints, work: Assignment) -> None:
    """One shortest augmenting path for each row."""
    n = costs.shape[0]
    for row in range(n):
        work.row_of[n] = row
        column = _free_column(costs, work)
        while column != n:
            before = work.came_from[column]
            work.row_of[column] = work.row_of[before]
            column = before


@compiled
def _free_column(costs: Ints, work: Assignment) -> int:
    """The free column that is nearest to the root; prices follow the search."""
    n = costs.shape[0]
    for column in range(n + 1):
        work.visited[column] = 0
        work.reach[column] = FAR
    column = n
    while work.row_of[column] != -1:
        work.visited[column] = 1
        row = int(work.row_of[column])
        nearest = _look_around(costs, work, row, column)
        step = work.reach[nearest]
        for other in range(n + 1):
            if work.visited[other]:
                work.rows[work.row_of[other]] += step
                work.columns[other] -= step
            elif work.reach[other] != FAR:
                work.reach[other] -= step
        column = nearest
    return column


@compiled
def _look_around(costs: Ints, work: Assignment, row: int, column: int) -> int:
    """Note what columns can be reached from a row, which is at ``column``; returns the nearest."""
    nearest = -1
    for other in range(costs.shape[0]):
        if work.visited[other]:
            continue
        if other != row:  # nobody is paired with themself
            excess = costs[row, other] - work.rows[row] - work.columns[other]
            if excess < work.reach[other]:
                work.reach[other] = excess
                work.came_from[other] = column
        if nearest < 0 or work.reach[other] < work.reach[nearest]:
            nearest = other
    return nearest
