"""Minimum-cost perfect matching of a small complete graph, exactly.

The dual of the assignment relaxation (Kuhn 1955, https://doi.org/10.1002/nav.3800020109) gives each vertex a
price such that no edge costs less than the prices of its ends. What an edge costs beyond them is its excess,
and a memoised search over vertex sets only follows edges whose excess still fits below the best matching
known.
"""

from __future__ import annotations

from collections.abc import Sequence

Matrix = Sequence[Sequence[int]]


def vertex_prices(cost: Matrix, vertices: Sequence[int]) -> dict[int, int]:
    """Prices with p[i] + p[j] <= 2 * cost[i][j]; half their sum is a lower bound on all matchings."""
    size = len(vertices)
    # The diagonal is as dear as can be: nobody is paired with themself.
    barrier = 1 + size * (1 + max((cost[i][j] for i in vertices for j in vertices if i != j), default=0))
    square = [[barrier if i == j else cost[i][j] for j in vertices] for i in vertices]
    rows, columns = _assignment_dual(square)
    return {v: rows[i] + columns[i] for i, v in enumerate(vertices)}


def _assignment_dual(square: list[list[int]]) -> tuple[list[int], list[int]]:
    """Row and column prices of a cheapest assignment, one shortest augmenting path for each row."""
    size = len(square)
    row_price, column_price = [0] * size, [0] * (size + 1)
    row_of = [-1] * (size + 1)
    for row in range(size):
        row_of[size] = row
        column, came_from = _augmenting_path(square, row_price, column_price, row_of)
        while column != size:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    return row_price, column_price[:size]


def _augmenting_path(
    square: list[list[int]], row_price: list[int], column_price: list[int], row_of: list[int]
) -> tuple[int, list[int]]:
    """From the root (the last column, which holds the new row) to a free column; prices follow the search."""
    size = len(square)
    column, came_from = size, [size] * size
    far = 1 + 2 * sum(map(max, square))
    reach = [far] * size
    open_columns, visited = set(range(size)), [size]
    while row_of[column] != -1:
        current = row_of[column]
        base, costs = row_price[current], square[current]
        for j in open_columns:
            excess = costs[j] - base - column_price[j]
            if excess < reach[j]:
                reach[j], came_from[j] = excess, column
        nearest = min(open_columns, key=reach.__getitem__)
        step = reach[nearest]
        for j in visited:
            row_price[row_of[j]] += step
            column_price[j] -= step
        for j in open_columns:
            reach[j] -= step
        open_columns.remove(nearest)
        visited.append(nearest)
        column = nearest
    return column, came_from


def cheapest_matching(cost: Matrix, vertices: Sequence[int]) -> tuple[int, list[tuple[int, int]]]:
    """The cost and the pairs of a cheapest perfect matching of an even number of vertices."""
    pairs = _good_matching(cost, vertices)
    known = sum(cost[i][j] for i, j in pairs)
    return matching_below(cost, vertices, known) or (known, pairs)


def matching_below(cost: Matrix, vertices: Sequence[int], limit: int) -> tuple[int, list[tuple[int, int]]] | None:
    """A cheapest perfect matching if it costs less than ``limit``, else None."""
    if not vertices:
        return (0, []) if limit > 0 else None
    price = vertex_prices(cost, vertices)
    allowed = 2 * (limit - 1) - sum(price.values())
    pairs = _Search(cost, vertices, price).run(allowed) if allowed >= 0 else []
    return (sum(cost[i][j] for i, j in pairs), pairs) if pairs else None


class _Search:
    def __init__(self, cost: Matrix, vertices: Sequence[int], price: dict[int, int]) -> None:
        excess = {(i, j): 2 * cost[i][j] - price[i] - price[j] for i in vertices for j in vertices if i != j}
        tight = {i: sum(excess[i, j] == 0 for j in vertices if j != i) for i in vertices}
        # Vertices with few ways to go come first, so that dead ends show early.
        self.vertices = sorted(vertices, key=lambda v: tight[v])
        self.edges = [
            sorted((excess[v, w], k) for k, w in enumerate(self.vertices) if k > i)
            for i, v in enumerate(self.vertices)
        ]
        self.best: dict[int, tuple[int, int]] = {}
        self.dearer_than: dict[int, int] = {}

    def run(self, allowed: int) -> list[tuple[int, int]]:
        """The pairs of a cheapest matching whose excess is allowed; none when there is no such matching."""
        everyone = (1 << len(self.vertices)) - 1
        if self._least(everyone, allowed) is None:
            return []
        pairs, left = [], everyone
        while left:
            i = (left & -left).bit_length() - 1
            j = self.best[left][1]
            pairs.append((self.vertices[i], self.vertices[j]))
            left ^= (1 << i) | (1 << j)
        return pairs

    def _least(self, left: int, allowed: int) -> int | None:
        """The least excess of a matching of these vertices, None if it is more than allowed."""
        if not left:
            return 0
        if left in self.best:
            least = self.best[left][0]
            return least if least <= allowed else None
        if allowed < 0 or self.dearer_than.get(left, -1) >= allowed:
            return None
        i = (left & -left).bit_length() - 1
        limit = allowed
        for excess, j in self.edges[i]:
            if excess > limit:
                break
            if not left >> j & 1:
                continue
            rest = self._least(left ^ (1 << i) ^ (1 << j), limit - excess)
            if rest is not None:
                self.best[left] = excess + rest, j
                limit = excess + rest - 1
        if left in self.best:
            return self.best[left][0]
        self.dearer_than[left] = allowed
        return None


def _good_matching(cost: Matrix, vertices: Sequence[int]) -> list[tuple[int, int]]:
    """A matching to compare with: cheapest edges first, then partners exchanged while that pays."""
    free = set(vertices)
    pairs: list[tuple[int, int]] = []
    for _, i, j in sorted((cost[i][j], i, j) for i in vertices for j in vertices if i < j):
        if i in free and j in free:
            free -= {i, j}
            pairs.append((i, j))
    improved = True
    while improved:
        improved = False
        for x in range(len(pairs)):
            for y in range(x):
                (a, b), (c, d) = pairs[x], pairs[y]
                now = cost[a][b] + cost[c][d]
                if cost[a][c] + cost[b][d] < now:
                    pairs[x], pairs[y], improved = (a, c), (b, d), True
                elif cost[a][d] + cost[b][c] < now:
                    pairs[x], pairs[y], improved = (a, d), (b, c), True
    return pairs
