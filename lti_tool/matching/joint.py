"""A joint lower bound for gather, which pulls in the opposite direction of spread and balance.

Dealt with one at a time, each can be satisfied at the cost of the other. Here cohorts are priced by their make-up,
see ``compiled/joint.py``. One attribute is gathered; the others, and what would make the bound slow, are left to the
bounds of single terms.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lti_tool.matching.budget import Clock
from lti_tool.matching.compiled.jit import Floats, Ints
from lti_tool.matching.compiled.joint import climb
from lti_tool.matching.compiled.relaxation import Prices, Relaxation, Room
from lti_tool.matching.problem import Problem, Value, Wish
from lti_tool.matching.sizes import narrowest, windows

MOST_SITES, MOST_SITES_AT_LEAST = 5, 2
MOST_CLASSES = 4_000
MOST_TYPES = 400
LARGEST_CROWD = 2
"""Cuts are made for crowds of up to so many times the largest cohort's size."""
CHUNK = 50
"""Steps between two looks at the time."""
ROUNDING = 1e-10
"""More than what the sums of the bound lose by rounding, relative to their largest parts."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to sharpen a bound: so many steps, fewer where they would take longer than ``seconds``."""

    steps: int
    seconds: float | None
    now: Clock
    late: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Joint:
    """Terms that are bounded together: one gathered attribute, some spread ones, all balanced ones."""

    gather: Wish
    spread: tuple[Wish, ...]
    balance: tuple[Wish, ...]


def choose_terms(problem: Problem, count: int) -> Joint | None:
    """The heaviest gathered attribute, and spread ones, the heaviest first, while there are not too many types."""
    gather = [wish for wish in problem.gather if wish.weight > 0 and _values(problem, wish) > 1]
    if not gather or not windows(problem, count) or _most_sites(_sizes(problem, count)) < MOST_SITES_AT_LEAST:
        return None
    site = max(gather, key=lambda wish: wish.weight)
    chosen: tuple[Wish, ...] = ()
    for wish in sorted(problem.spread, key=lambda wish: -wish.weight):
        types = {tuple(p.value(w.attribute) for w in (site, *chosen, wish)) for p in problem.people}
        if wish.weight > 0 and len(types) <= MOST_TYPES:
            chosen = (*chosen, wish)
    return Joint(site, chosen, problem.balance) if chosen else None


def _values(problem: Problem, wish: Wish) -> int:
    return len({person.value(wish.attribute) for person in problem.people})


def joint_bound(problem: Problem, terms: Joint, count: int, pace: Pace) -> float:
    """A lower bound on the weighted sum of the terms over all solutions that keep the size rule."""
    x = relaxation(problem, terms, count)
    prices, gradient, mean, square = (_no_prices(x) for _ in range(4))
    room = _room(x)
    scale = max(wish.weight for wish in (terms.gather, *terms.spread))
    best, begin, part, left, started = 0.0, 0, 0.0, pace.steps, pace.now()
    while left > 0:
        end, share, looked = begin + min(left, CHUNK), (1.0 - part) / left, pace.now()
        reached = climb(x, prices, gradient, mean, square, room, begin, end, part, share, scale)
        best = max(best, reached - ROUNDING * _size_of_sums(x, prices, room))
        if pace.late():
            break
        part += share * (end - begin)
        left, begin = pace.steps - end, end
        if pace.seconds is not None:
            # As many steps as the time allows: only the small last ones make the bound sharp.
            now = pace.now()
            left = min(left, int(CHUNK * (pace.seconds - now + started) / max(now - looked, 1e-6)))
    return best


def _size_of_sums(x: Relaxation, prices: Prices, room: Room) -> float:
    people = np.abs(prices.of_type) @ x.people + 2 * (x.scale * np.abs(prices.of_mean * x.total)).sum()
    return float(people + np.abs(room.least) @ x.cohorts + np.abs(prices.of_crowd * x.crowds).sum())


def relaxation(problem: Problem, terms: Joint, count: int) -> Relaxation:
    """The types of people, and the classes of cohorts in which any solution's cohorts are."""
    people = len(problem.people)
    bins = _size_bins(problem, count)
    site_of = _sites(problem, terms.gather, _most_sites(_sizes(problem, count)))
    kind_of = [
        (site_of[p.value(terms.gather.attribute)], *(p.value(w.attribute) for w in terms.spread))
        for p in problem.people
    ]
    kinds = Counter(kind_of)
    types = sorted(kinds, key=lambda kind: (kind[0], *map(repr, kind[1:])))
    number = {
        key: v for v, key in enumerate(dict.fromkeys((a, kind[1 + a]) for kind in types for a in _range(terms)))
    }
    occurrences = np.zeros(len(number), np.int64)
    for kind, n in kinds.items():
        for a in _range(terms):
            occurrences[number[a, kind[1 + a]]] += n
    sites = max(site_of.values()) + 1
    of_site = [sum(n for kind, n in kinds.items() if kind[0] == g) for g in range(sites)]
    classes = [(b, make_up) for b, (sizes, _) in enumerate(bins) for s in sizes for make_up in _make_ups(s, of_site)]
    make_up = np.array([made for _, made in classes], np.int64)
    together, weight_of_crowd, crowds = _crowds(make_up, of_site)
    families: dict[tuple[int, ...], int] = {}
    family = [families.setdefault(_family(made), len(families)) for _, made in classes]
    place = {kind: t for t, kind in enumerate(types)}
    scale, deviation = _deviations(problem, terms.balance)
    of_type = _Deviations(deviation, np.array([place[kind] for kind in kind_of]), len(types))
    of_site_alone = _Deviations(deviation, np.array([site for site, *_ in kind_of]), sites)
    return Relaxation(
        people=np.array([kinds[kind] for kind in types], np.int64),
        first_type=np.searchsorted([kind[0] for kind in types], np.arange(sites + 1)).astype(np.int64),
        value=np.array([[number[a, kind[1 + a]] for a in _range(terms)] for kind in types], np.int64),
        weight=np.array([terms.spread[a].weight for a, _ in number], np.float64),
        ideal=occurrences / count,
        most=np.minimum(occurrences, people),
        make_up=make_up,
        cost=terms.gather.weight * (make_up.sum(axis=1) ** 2 - (make_up**2).sum(axis=1)) / 2,
        family=np.array(family, np.int64),
        first_site=np.array([first for first, *_ in families], np.int64),
        size_bin=np.array([b for b, _ in classes], np.int64),
        cohorts=np.array([cohorts for _, cohorts in bins], np.int64),
        together=together,
        weight_of_crowd=weight_of_crowd,
        crowds=crowds,
        scale=scale,
        total=of_site_alone.total,
        lowest=of_type.lowest,
        highest=of_type.highest,
        known=of_type.known,
        unknown=of_type.unknown,
    )


def _deviations(problem: Problem, wishes: Sequence[Wish]) -> tuple[Floats, Floats]:
    """What balance weighs, 0 where all numbers are equal; by how many standard deviations people deviate (NaN: has
    no number).
    """
    number = np.array([[float(p.attributes.get(w.attribute, math.nan)) for w in wishes] for p in problem.people])
    number = number.reshape(len(problem.people), len(wishes))
    scale, deviation = np.zeros(len(wishes)), np.full(number.shape, np.nan)
    for b, wish in enumerate(wishes):
        known = ~np.isnan(number[:, b])
        if known.any() and np.ptp(number[known, b]) > 0:
            # From a number that is there, so that close ones lose nothing beside a large mean.
            near = number[:, b] - number[known, b][0]
            scale[b] = wish.weight
            deviation[:, b] = (near - near[known].mean()) / near[known].std()
    return scale, deviation


class _Deviations:
    """Of the people of each group, by balanced number: the sum, the extremes, and whether any is known or unknown."""

    def __init__(self, deviation: Floats, group: Ints, groups: int) -> None:
        there = ~np.isnan(deviation)
        shape = (groups, deviation.shape[1])
        self.total, lowest, highest = np.zeros(shape), np.full(shape, np.inf), np.full(shape, -np.inf)
        np.add.at(self.total, group, np.where(there, deviation, 0.0))
        np.minimum.at(lowest, group, np.where(there, deviation, np.inf))
        np.maximum.at(highest, group, np.where(there, deviation, -np.inf))
        self.known, self.unknown = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        np.maximum.at(self.known, group, there.astype(np.int64))
        np.maximum.at(self.unknown, group, (~there).astype(np.int64))
        self.lowest, self.highest = (np.where(self.known, extreme, 0.0) for extreme in (lowest, highest))


def _range(terms: Joint) -> range:
    return range(len(terms.spread))


def _size_bins(problem: Problem, count: int) -> list[tuple[list[int], int]]:
    """Sizes, and how many cohorts have one of them; a slack of 1 leaves no choice of their numbers."""
    people = len(problem.people)
    share, rest = divmod(people, count)
    if problem.size.slack <= 1:
        return [([size], cohorts) for size, cohorts in ((share, count - rest), (share + 1, rest)) if cohorts]
    low, high = narrowest(problem, count)
    return [(list(range(low, high + 1)), count)]


def _sizes(problem: Problem, count: int) -> list[int]:
    return [size for sizes, _ in _size_bins(problem, count) for size in sizes]


def _most_sites(sizes: Sequence[int]) -> int:
    """For how many sites there are not too many classes."""
    classes = {g: sum(math.comb(size + g - 1, g - 1) for size in sizes) for g in range(1, MOST_SITES + 1)}
    return max((g for g, number in classes.items() if number <= MOST_CLASSES), default=0)


def _sites(problem: Problem, wish: Wish, most: int) -> dict[Value, int]:
    """A number for each value of the gathered attribute; the rarest share one where there are too many.

    Pairs with different values of which both are rare then cost nothing, so the bound stays one.
    """
    common = Counter(person.value(wish.attribute) for person in problem.people).most_common()
    return {value: min(g, most - 1) for g, (value, _) in enumerate(common)}


def _make_ups(size: int, available: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Each way to have so many people, from each site no more than there are."""
    if len(available) == 1:
        if size <= available[0]:
            yield (size,)
        return
    for n in range(min(size, available[0]) + 1):
        for others in _make_ups(size - n, available[1:]):
            yield (n, *others)


def _family(make_up: Sequence[int]) -> tuple[int, ...]:
    """Classes with the same first and second site, and as many people of the first, share their prices."""
    first, *second = sorted(range(len(make_up)), key=lambda g: (-make_up[g], g))[:2]
    return (first, make_up[first], *second)


def _crowds(make_up: Ints, of_site: Sequence[int]) -> tuple[Ints, Floats, Floats]:
    """Cuts that hold because cohorts are whole.

    All cohorts together have the N people of a set of sites. Divided by n, this is a sum of whole numbers of cohorts,
    and a mixed-integer rounding cut (Marchand and Wolsey, 2001): a cohort with m of these people counts
    ⌊m/n⌋ + max(0, m mod n - N mod n) / (n - N mod n), all cohorts at most ⌊N/n⌋.
    """
    largest = int(make_up.sum(axis=1).max())
    sets = [s for r in range(1, len(of_site)) for s in itertools.combinations(range(len(of_site)), r)]
    together = np.array([make_up[:, list(s)].sum(axis=1) for s in sets], np.int64).T
    n = np.arange(2, LARGEST_CROWD * largest + 1)
    total = np.array([sum(of_site[g] for g in s) for s in sets])[:, None]
    m, rest = np.arange(largest + 1), (total % n)[:, :, None]
    over = np.maximum(0, m % n[:, None] - rest) / (n[:, None] - rest)
    return np.ascontiguousarray(together), m // n[:, None] + over, (total // n).astype(np.float64)


def _no_prices(x: Relaxation) -> Prices:
    families = int(x.family.max()) + 1
    return Prices(
        of_type=np.zeros(len(x.people)),
        of_value=np.zeros((families, len(x.weight))),
        of_crowd=np.zeros(x.crowds.shape),
        of_mean=np.zeros(x.total.shape),
    )


def _room(x: Relaxation) -> Room:
    families, types, values = int(x.family.max()) + 1, len(x.people), len(x.weight)
    by_number = (families, len(x.first_type) - 1, int(x.make_up.max()) + 1)
    by_crowd = (x.crowds.shape[0], x.weight_of_crowd.shape[2])
    return Room(
        order=np.tile(np.arange(types), (families, 1)),
        price=np.zeros(types),
        cheapest=np.full(by_number, np.inf),
        number=np.zeros((families, values), np.int64),
        spread=np.zeros(families),
        reduced=np.zeros(len(x.cost)),
        share=np.zeros(by_number),
        toll=np.zeros(by_crowd),
        crowded=np.zeros(by_crowd),
        least=np.zeros(len(x.cohorts)),
        unbalance=np.zeros((len(x.total), types)),
        slope=np.zeros((len(x.total), *x.lowest.shape)),
        outward=np.zeros((len(x.total), *x.lowest.shape)),
        near=np.zeros(len(x.cost), np.int64),
        near_count=np.zeros(1, np.int64),
        families=np.zeros(families, np.int64),
        family_count=np.zeros(1, np.int64),
    )
