"""Cheapest perfect matchings, with a trio where the number is odd: by rustworkx, in graphs that prices keep small.

Prices of vertices (see ``compiled.prices``) leave each edge an excess, twice its cost less the prices of its ends,
which is never negative. Then twice the cost of a perfect matching is the sum of all prices, which is the same for
every one, and the excess of its edges. So a matching of edges up to some excess is a cheapest of all if its own
excess is not above that; and what a trio costs beyond the prices of its three is a bound for all that have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import rustworkx

from lti_tool.matching.compiled.jit import Ints
from lti_tool.matching.compiled.prices import vertex_prices

Duo = tuple[int, int]
Trio = tuple[int, int, int]

LARGEST = 2**57
"""What all costs of a row may sum up to, at most."""
NEVER = 2**60
EDGES_OF_A_VERTEX = 8
"""So many on average to begin with."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A complete graph. ``excess`` is a symmetric matrix whose diagonal is NEVER."""

    price: Ints
    excess: Ints

    @classmethod
    def of(cls, costs: Ints) -> Priced:
        """The graph of a symmetric matrix of costs of at least two vertices. Raises ValueError above LARGEST."""
        if len(costs) * int(costs.max()) > LARGEST:
            raise ValueError("these costs are too large to be added up")
        price = vertex_prices(costs)
        excess = 2 * costs - price[:, None] - price
        np.fill_diagonal(excess, NEVER)
        return cls(price, excess)


def cheapest_matching(costs: Ints) -> list[Duo]:
    """A cheapest perfect matching of an even number of vertices; ``costs`` is symmetric and not negative."""
    return _cheapest(Priced.of(costs).excess, np.arange(len(costs)))[1]


def cheapest_with_trio(costs: Ints) -> tuple[Trio, list[Duo]]:
    """Three of an odd number of vertices, who cost as much as their three edges, and a matching of the others, such
    that nothing is cheaper.
    """
    graph = Priced.of(costs)
    everyone = np.arange(len(costs))
    # Each of a trio's edges carries half of the price of both its ends.
    shares = 2 * graph.excess + graph.price[:, None] + graph.price
    np.fill_diagonal(shares, NEVER)
    best, bound = _promising_trio(shares)
    rest, duos = _cheapest(graph.excess, np.delete(everyone, best))
    least = bound + rest
    promising = _trios_below(shares, least)
    if not promising:
        return best, duos
    leaves_pairs = _parity(graph.excess, least - 1 - promising[0][1])
    for trio, bound in promising:
        if bound >= least:
            break
        if not leaves_pairs(trio):
            continue
        better = _matched(graph.excess, np.delete(everyone, trio), least - 1 - bound)
        if better is not None and bound + better[0] < least:
            best, least, duos = trio, bound + better[0], better[1]
    return best, duos


def _cheapest(excess: Ints, vertices: Ints) -> tuple[int, list[Duo]]:
    """The excess of a cheapest matching of these vertices, and its edges."""
    if not len(vertices):
        return 0, []
    edges = excess[np.ix_(vertices, vertices)][np.triu_indices(len(vertices), 1)]
    few = min(EDGES_OF_A_VERTEX * len(vertices) // 2, len(edges)) - 1
    limit = int(np.partition(edges, few)[few])
    found = _matched(excess, vertices, limit)
    while found is None or found[0] > limit:
        limit = 4 * limit + 1 if found is None else found[0]
        found = _matched(excess, vertices, limit)
    return found


def _matched(excess: Ints, vertices: Ints, limit: int) -> tuple[int, list[Duo]] | None:
    """The best perfect matching of edges whose excess is at most ``limit`` each, if there is one."""
    among = excess[np.ix_(vertices, vertices)]
    chosen = rustworkx.max_weight_matching(_graph(among, limit), max_cardinality=True, weight_fn=int)
    if 2 * len(chosen) < len(vertices):
        return None
    total = sum(int(among[duo]) for duo in chosen)
    return total, sorted((int(vertices[min(duo)]), int(vertices[max(duo)])) for duo in chosen)


def _graph(excess: Ints, limit: int) -> rustworkx.PyGraph[int, int]:
    """The edges whose excess is at most ``limit``. Each weighs what it falls short of that: so the heaviest of the
    largest matchings is the cheapest.
    """
    ends = np.nonzero(np.triu(excess <= limit, 1))
    graph = rustworkx.PyGraph[int, int](multigraph=False)
    graph.add_nodes_from(range(len(excess)))
    graph.add_edges_from(list(zip(*(side.tolist() for side in (*ends, limit - excess[ends])), strict=True)))
    return graph


def _parity(excess: Ints, limit: int) -> Callable[[Trio], bool]:
    """Whether a trio leaves an even number in each part of the graph of edges up to ``limit``: else some part has no
    perfect matching.
    """
    parts = rustworkx.connected_components(_graph(excess, limit))
    part_of = {vertex: 1 << number for number, part in enumerate(parts) for vertex in part}
    odd = sum(1 << number for number, part in enumerate(parts) if len(part) % 2)
    return lambda trio: odd == part_of[trio[0]] ^ part_of[trio[1]] ^ part_of[trio[2]]


def _promising_trio(shares: Ints) -> tuple[Trio, int]:
    """The trio with the least bound among those that have one of the cheapest edges."""
    i, j = np.triu_indices(len(shares), 1)
    few = min(EDGES_OF_A_VERTEX * len(shares), len(i)) - 1
    cheap = np.argpartition(shares[i, j], few)[: few + 1]
    twice = _twice_the_bounds(shares, i[cheap], j[cheap])
    edge, third = np.unravel_index(int(twice.argmin()), twice.shape)
    trio = int(i[cheap[edge]]), int(j[cheap[edge]]), int(third)
    return trio, int(twice[edge, third]) // 2


def _trios_below(shares: Ints, limit: int) -> list[tuple[Trio, int]]:
    """Each trio whose bound is below ``limit``, and its bound; the least come first."""
    # The cheapest of three edges has a third of them at most.
    i, j = np.nonzero(np.triu(3 * shares < 2 * limit, 1))
    twice = _twice_the_bounds(shares, i, j)
    edges, thirds = np.nonzero(twice < 2 * limit)
    order = np.argsort(twice[edges, thirds], kind="stable")
    # A trio with several cheap edges is found at each.
    found: dict[frozenset[int], tuple[Trio, int]] = {}
    for edge, third in zip(edges[order].tolist(), thirds[order].tolist(), strict=True):
        trio = int(i[edge]), int(j[edge]), third
        found.setdefault(frozenset(trio), (trio, int(twice[edge, third]) // 2))
    return list(found.values())


def _twice_the_bounds(shares: Ints, i: Ints, j: Ints) -> Ints:
    """By edge and by third person, twice what the three cost beyond prices; at least NEVER for no trio."""
    return shares[i, j][:, None] + shares[i] + shares[j]
