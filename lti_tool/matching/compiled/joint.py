"""A dual function of J over the make-up of cohorts, and its ascent.

People of one type share the value of one gathered attribute (their site, as it is called here) and of all spread
attributes. Cohorts of one class have the same number of people of each site, so the same gather cost. Prices take the
place of two rules, that every type is placed and that a value's number in a cohort is the sum of its types'. What is
left falls apart into one small minimum for each class, so every choice of prices gives a valid lower bound.
"""

from __future__ import annotations

import math

import numpy as np

from lti_tool.matching.compiled.jit import Floats, compiled
from lti_tool.matching.compiled.relaxation import Prices, Relaxation, Room
from lti_tool.matching.compiled.unbalance import evaluate_balance

MEMORY, MEMORY_OF_SQUARES = 0.98, 0.99
FASTEST, SLOWEST = 0.5, 0.001
SOFTEST, HARDEST = 2.0, 0.005
"""How large steps are, and how much dearer classes count as well, at first and at last, for weights near 1."""
LOOK = 10
"""Every so many steps all classes are looked at; else those alone that are not much dearer than the cheapest."""
NEAR, DRIFT = 12.0, 100.0
"""Much dearer: so many times the softness, as then they hardly count, and so many steps of the prices."""


@compiled
def evaluate(x: Relaxation, prices: Prices, room: Room) -> float:
    """The lower bound that the prices give, if no class were cheaper than those that are near."""
    bound = _evaluate_cuts(x, prices, room) + evaluate_balance(x, prices, room)
    for t in range(len(x.people)):
        bound += prices.of_type[t] * x.people[t]
    for at in range(room.family_count[0]):
        _evaluate_family(x, prices, room, room.families[at])
    for b in range(len(x.cohorts)):
        room.least[b] = math.inf
    for at in range(room.near_count[0]):
        k = room.near[at]
        f = x.family[k]
        reduced = x.cost[k] + room.spread[f]
        for g in range(x.make_up.shape[1]):
            reduced += room.cheapest[f, g, x.make_up[k, g]]
        for j in range(x.together.shape[1]):
            reduced += room.toll[j, x.together[k, j]]
        room.reduced[k] = reduced
        room.least[x.size_bin[k]] = min(room.least[x.size_bin[k]], reduced)
    for b in range(len(x.cohorts)):
        bound += x.cohorts[b] * room.least[b]
    return bound


@compiled
def _look_everywhere(x: Relaxation, room: Room) -> None:
    """Look at all classes the next time."""
    for k in range(len(x.cost)):
        room.near[k] = k
    for f in range(len(room.spread)):
        room.families[f] = f
    room.near_count[0], room.family_count[0] = len(x.cost), len(room.spread)


@compiled
def _look_near(x: Relaxation, room: Room, most: float) -> None:
    """From now on look at the classes alone that are not much dearer than the cheapest."""
    number = 0
    for k in range(len(x.cost)):
        if room.reduced[k] <= room.least[x.size_bin[k]] + most:
            room.near[number] = k
            number += 1
    room.near_count[0] = number
    families = 0
    for f in range(len(room.spread)):
        for at in range(number):
            if x.family[room.near[at]] == f:
                room.families[families] = f
                families += 1
                break
    room.family_count[0] = families


@compiled
def _evaluate_cuts(x: Relaxation, prices: Prices, room: Room) -> float:
    bound = 0.0
    for j in range(x.crowds.shape[0]):
        for m in range(room.toll.shape[1]):
            room.toll[j, m] = 0.0
        for n in range(x.crowds.shape[1]):
            price = prices.of_crowd[j, n]
            if price < 0.0:
                bound += price * x.crowds[j, n]
                for m in range(room.toll.shape[1]):
                    room.toll[j, m] -= price * x.weight_of_crowd[j, n, m]
    return bound


@compiled
def _evaluate_family(x: Relaxation, prices: Prices, room: Room, f: int) -> None:
    room.spread[f] = 0.0
    for v in range(len(x.weight)):
        price = prices.of_value[f, v]
        n = min(max(np.int64(math.floor(x.ideal[v] + price / (2.0 * x.weight[v]) + 0.5)), 0), x.most[v])
        room.number[f, v] = n
        room.spread[f] += x.weight[v] * (n - x.ideal[v]) ** 2 - price * n
    for t in range(len(x.people)):
        price = room.unbalance[x.first_site[f], t] - prices.of_type[t]
        for a in range(x.value.shape[1]):
            price += prices.of_value[f, x.value[t, a]]
        room.price[t] = price
    for g in range(len(x.first_type) - 1):
        _sort(room, f, x.first_type[g], x.first_type[g + 1])
        total, n = 0.0, 0
        room.cheapest[f, g, 0] = 0.0
        for at in range(x.first_type[g], x.first_type[g + 1]):
            t = room.order[f, at]
            for _ in range(x.people[t]):
                n += 1
                if n >= room.cheapest.shape[2]:
                    break
                total += room.price[t]
                room.cheapest[f, g, n] = total
            if n >= room.cheapest.shape[2]:
                break


@compiled
def _sort(room: Room, f: int, begin: int, end: int) -> None:
    for at in range(begin + 1, end):
        t = room.order[f, at]
        price = room.price[t]
        gap = at
        while gap > begin and room.price[room.order[f, gap - 1]] > price:
            room.order[f, gap] = room.order[f, gap - 1]
            gap -= 1
        room.order[f, gap] = t


@compiled
def find_gradient(x: Relaxation, room: Room, softness: float, gradient: Prices) -> None:
    """Which way the bound grows, when cohorts choose classes not much dearer than the cheapest too."""
    _share_out(x, room, softness)
    for t in range(len(x.people)):
        gradient.of_type[t] = x.people[t]
    _count_crowds(x, room, gradient)
    for g in range(len(x.total)):
        for b in range(len(x.scale)):
            gradient.of_mean[g, b] = 2.0 * x.scale[b] * x.total[g, b]
    for at in range(room.family_count[0]):
        f = room.families[at]
        cohorts = 0.0
        for n in range(room.share.shape[2]):
            cohorts += room.share[f, 0, n]
        for v in range(len(x.weight)):
            gradient.of_value[f, v] = -cohorts * room.number[f, v]
        for g in range(len(x.first_type) - 1):
            _take_people(x, room, f, g, gradient)


@compiled
def _share_out(x: Relaxation, room: Room, softness: float) -> None:
    for at in range(room.family_count[0]):
        room.share[room.families[at], :, :] = 0.0
    room.crowded[:, :] = 0.0
    for b in range(len(x.cohorts)):
        total = 0.0
        for at in range(room.near_count[0]):
            k = room.near[at]
            if x.size_bin[k] == b:
                room.reduced[k] = math.exp((room.least[b] - room.reduced[k]) / softness)
                total += room.reduced[k]
        for at in range(room.near_count[0]):
            k = room.near[at]
            if x.size_bin[k] == b:
                part = x.cohorts[b] * room.reduced[k] / total
                for g in range(x.make_up.shape[1]):
                    room.share[x.family[k], g, x.make_up[k, g]] += part
                for j in range(x.together.shape[1]):
                    room.crowded[j, x.together[k, j]] += part


@compiled
def _count_crowds(x: Relaxation, room: Room, gradient: Prices) -> None:
    for j in range(x.crowds.shape[0]):
        for n in range(x.crowds.shape[1]):
            counted = 0.0
            for m in range(room.crowded.shape[1]):
                counted += room.crowded[j, m] * x.weight_of_crowd[j, n, m]
            gradient.of_crowd[j, n] = x.crowds[j, n] - counted


@compiled
def _take_people(x: Relaxation, room: Room, f: int, g: int, gradient: Prices) -> None:
    """The n-th cheapest person of a site is taken by all cohorts with n of it or more."""
    last = room.share.shape[2] - 1
    # From the largest number down, so that those who have n or more add up.
    more = 0.0
    for n in range(last, 0, -1):
        more += room.share[f, g, n]
        room.share[f, g, n] = more
    n = 0
    for at in range(x.first_type[g], x.first_type[g + 1]):
        t = room.order[f, at]
        for _ in range(x.people[t]):
            n += 1
            if n > last or room.share[f, g, n] == 0.0:
                return
            gradient.of_type[t] -= room.share[f, g, n]
            for b in range(len(x.scale)):
                gradient.of_mean[x.first_site[f], b] += room.share[f, g, n] * room.slope[x.first_site[f], t, b]
                gradient.of_mean[g, b] += room.share[f, g, n] * room.outward[x.first_site[f], t, b]
            for a in range(x.value.shape[1]):
                gradient.of_value[f, x.value[t, a]] += room.share[f, g, n]


@compiled
def climb(
    x: Relaxation,
    prices: Prices,
    gradient: Prices,
    mean: Prices,
    square: Prices,
    room: Room,
    begin: int,
    end: int,
    part: float,
    pace: float,
    scale: float,
) -> float:
    """Take the steps from ``begin`` to ``end``, ever smaller ones: ``part`` of the way is behind, each step takes
    ``pace`` of it. Returns the best bound seen where all classes were looked at.
    """
    best = -math.inf
    for step in range(begin, end):
        softness = scale * SOFTEST * (HARDEST / SOFTEST) ** part
        rate = scale * FASTEST * (SLOWEST / FASTEST) ** part
        if step % LOOK == 0:
            _look_everywhere(x, room)
            best = max(best, evaluate(x, prices, room))
            _look_near(x, room, NEAR * softness + DRIFT * rate)
        else:
            evaluate(x, prices, room)
        find_gradient(x, room, softness, gradient)
        _ascend(prices.of_type, gradient.of_type, mean.of_type, square.of_type, rate, step + 1)
        for at in range(room.family_count[0]):
            f = room.families[at]
            _ascend(prices.of_value[f], gradient.of_value[f], mean.of_value[f], square.of_value[f], rate, step + 1)
        for g in range(len(prices.of_mean)):
            _ascend(prices.of_mean[g], gradient.of_mean[g], mean.of_mean[g], square.of_mean[g], rate, step + 1)
        for j in range(len(prices.of_crowd)):
            _ascend(prices.of_crowd[j], gradient.of_crowd[j], mean.of_crowd[j], square.of_crowd[j], rate, step + 1)
            for n in range(prices.of_crowd.shape[1]):
                prices.of_crowd[j, n] = min(prices.of_crowd[j, n], 0.0)
        part += pace
    _look_everywhere(x, room)
    return max(best, evaluate(x, prices, room))


@compiled
def _ascend(price: Floats, gradient: Floats, mean: Floats, square: Floats, rate: float, step: int) -> None:
    """One step of Adam, upwards."""
    fade, fade_square = 1.0 - MEMORY**step, 1.0 - MEMORY_OF_SQUARES**step
    for at in range(len(price)):
        mean[at] = MEMORY * mean[at] + (1.0 - MEMORY) * gradient[at]
        square[at] = MEMORY_OF_SQUARES * square[at] + (1.0 - MEMORY_OF_SQUARES) * gradient[at] ** 2
        price[at] += rate * (mean[at] / fade) / (math.sqrt(square[at] / fade_square) + 1e-9)
