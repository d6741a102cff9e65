"""Balance in the joint bound.

A cohort in which m people have numbers, with deviations of the sum S, costs S²/m, not less than 2yS - y²m whatever y
is: a sum over its people. Here y is the price of the site that most of them are from. As everybody is placed, each
person's deviation counts at their own site's price, and in a cohort of another site the difference of the two prices
comes on top: for each type that of the person for whom it is least.
"""

from __future__ import annotations

from lti_tool.matching.compiled.jit import compiled
from lti_tool.matching.compiled.relaxation import Prices, Relaxation, Room


@compiled
def evaluate_balance(x: Relaxation, prices: Prices, room: Room) -> float:
    """What the sites' means bring; ``room.unbalance`` becomes what people cost in cohorts of each first site."""
    bound = 0.0
    for g in range(len(x.total)):
        for b in range(len(x.scale)):
            bound += x.scale[b] * 2.0 * prices.of_mean[g, b] * x.total[g, b]
    for g in range(len(x.total)):
        for home in range(len(x.total)):
            for t in range(x.first_type[home], x.first_type[home + 1]):
                room.unbalance[g, t] = 0.0
                for b in range(len(x.scale)):
                    _unbalance(x, prices, room, g, home, t, b)
    return bound


@compiled
def _unbalance(x: Relaxation, prices: Prices, room: Room, g: int, home: int, t: int, b: int) -> None:
    """The least that a person of a type can cost."""
    mean, tilt = prices.of_mean[g, b], 2.0 * (prices.of_mean[g, b] - prices.of_mean[home, b])
    number = 0.0
    if g != home:
        number = x.lowest[t, b] if tilt > 0.0 else x.highest[t, b]
    cost = tilt * number - mean * mean
    room.slope[g, t, b] = room.outward[g, t, b] = 0.0
    if x.known[t, b] and (cost < 0.0 or not x.unknown[t, b]):
        room.unbalance[g, t] += x.scale[b] * cost
        room.slope[g, t, b] = 2.0 * x.scale[b] * (number - mean)
        room.outward[g, t, b] = -2.0 * x.scale[b] * number
