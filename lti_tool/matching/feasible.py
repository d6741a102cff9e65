"""A first placement that keeps every hard rule: greedy, then repaired move by move."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from lti_tool.matching.anchors import choose_anchors
from lti_tool.matching.instance import Instance
from lti_tool.matching.state import State

Late = Callable[[], bool]
"""Whether the time is up."""

ATTEMPTS = 3
CHOICES = 8
MOVES_PER_UNIT = 30
LEAST_MOVES = 3000
TEMPERATURE = 0.4
"""In broken rules: now and then the repair accepts one more, to get out of a dead end."""


def find_feasible(instance: Instance, rng: Random, late: Late) -> State | None:
    """A state without violations, or None when repairing led nowhere."""
    for _ in range(ATTEMPTS):
        state = greedy(instance, rng)
        if repair(state, rng, max(LEAST_MOVES, MOVES_PER_UNIT * len(instance.units)), late):
            return state
        if late():
            break
    return None


def greedy(instance: Instance, rng: Random) -> State:
    """Place locked units first, then the hardest, each where it breaks fewest rules and costs least J."""
    state = State(instance)
    anchors = choose_anchors(instance, rng) if instance.slots_needed else [0] * instance.count
    order = list(range(len(instance.units)))
    rng.shuffle(order)
    order.sort(
        key=lambda u: (
            instance.lock[u] < 0,
            -instance.sizes[u],
            -len(instance.apart[u]),
            sum(not anchor & ~instance.slots[u] for anchor in set(anchors)),
        )
    )
    for unit in order:
        cohort = instance.lock[unit]
        state.place(unit, cohort if cohort >= 0 else _cheapest(state, unit, anchors, rng))
    return state


def _cheapest(state: State, unit: int, anchors: list[int], rng: Random) -> int:
    """The cohort of least J among a few of those where the unit breaks fewest rules."""
    broken = [_would_break(state, unit, cohort, anchors[cohort]) for cohort in range(state.instance.count)]
    fewest = min(broken)
    choices = [cohort for cohort, number in enumerate(broken) if number == fewest]
    best, best_delta = choices[0], math.inf
    for cohort in rng.sample(choices, min(CHOICES, len(choices))):
        delta = state.place(unit, cohort)
        state.remove(unit)
        if delta < best_delta:
            best, best_delta = cohort, delta
    return best


def _would_break(state: State, unit: int, cohort: int, anchor: int) -> int:
    instance = state.instance
    share = instance.share
    broken = max(0, state.size[cohort] + instance.sizes[unit] - share)
    if instance.apart[unit]:
        broken += state.meets_enemy(unit, cohort)
    return broken + (anchor & ~instance.slots[unit]).bit_count()


def repair(state: State, rng: Random, moves: int, late: Late) -> bool:
    """Move and exchange units until no rule is broken; False when the moves are used up first."""
    instance = state.instance
    movable = [u for u, lock in enumerate(instance.lock) if lock < 0]
    flaws = [state.flaw(c) for c in range(instance.count)]
    broken = state.size_flaw() + sum(flaws)
    if not movable or instance.count < 2:
        return broken == 0
    for step in range(moves):
        if broken == 0:
            return True
        if step % 256 == 0 and late():
            return False
        unit, target = _repairing_move(state, flaws, movable, rng)
        c = state.where[unit]
        if target == c:
            continue
        shifted = [(unit, c)]
        state.shift(unit, target)
        if rng.random() < 0.6:
            shifted += exchange_back(state, unit, c, target, rng)[1]
        changed = state.flaw(c), state.flaw(target)
        now_broken = state.size_flaw() + sum(flaws) - flaws[c] - flaws[target] + sum(changed)
        worse = now_broken - broken
        if worse <= 0 or rng.random() < math.exp(-worse / TEMPERATURE):
            flaws[c], flaws[target] = changed
            broken = now_broken
        else:
            for moved, home in reversed(shifted):
                state.shift(moved, home)
    return broken == 0


def _repairing_move(state: State, flaws: list[int], movable: list[int], rng: Random) -> tuple[int, int]:
    """Some unit, mostly of a cohort with a broken rule, and some cohort for it."""
    flawed = [c for c, flaw in enumerate(flaws) if flaw]
    unit = rng.choice(movable)
    if flawed and rng.random() < 0.7:
        inside = [u for u in sorted(state.members[rng.choice(flawed)]) if state.instance.lock[u] < 0]
        unit = rng.choice(inside) if inside else unit
    return unit, rng.randrange(state.instance.count)


def exchange_back(state: State, unit: int, c: int, d: int, rng: Random) -> tuple[float, list[tuple[int, int]]]:
    """Shift units of as many people as ``unit`` has from ``d`` to ``c``: J's change, and who was where."""
    instance = state.instance
    owed = instance.sizes[unit]
    others = [u for u in sorted(state.members[d]) if u != unit and instance.lock[u] < 0]
    rng.shuffle(others)
    shifted: list[tuple[int, int]] = []
    delta = 0.0
    for other in others:
        if instance.sizes[other] <= owed:
            delta += state.shift(other, c)
            shifted.append((other, d))
            owed -= instance.sizes[other]
            if owed == 0:
                break
    return delta, shifted
