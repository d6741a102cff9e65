"""Local search on J: exchanges and moves that never break a hard rule, accepted as in simulated annealing."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from lti_tool.matching.budget import Budget
from lti_tool.matching.feasible import exchange_back
from lti_tool.matching.state import State

Progress = Callable[[float, float], None]
"""Called with the share of the budget that is used and the best J so far."""

EPSILON = 1e-9
HOTTEST, COLDEST = 0.2, 0.005
"""Temperatures in units of the typical change of J by one exchange."""
MOVE_SHARE = 0.2
"""How often a unit moves without another coming back, where sizes may change."""


class Annealer:
    """Improves a feasible state in place; ``best`` is the best placement seen, ``best_cost`` its J."""

    def __init__(self, state: State, cost: float, rng: Random) -> None:
        instance = state.instance
        self.state = state
        self.rng = rng
        self.cost = cost
        self.best_cost = cost
        self.best = list(state.where)
        self.movable = [u for u, lock in enumerate(instance.lock) if lock < 0]
        self.single = [size == 1 for size in instance.sizes]
        # Where all sizes are equal, one person's move makes two of them differ by 2.
        even = sum(instance.sizes) % instance.count == 0
        self.sizes_may_change = instance.slack > even and instance.size_min < instance.size_max
        self.guarded = [bool(apart) for apart in instance.apart]
        self.rules_within = bool(instance.slots_needed or instance.accompanied[0])
        self.temperature = 0.0

    def run(self, budget: Budget, goal: float, progress: Progress | None = None) -> None:
        """Until the budget is used up or J reaches ``goal`` (the lower bound: nothing better exists)."""
        if len(self.movable) < 2 or self.state.instance.count < 2:
            return
        typical = self._typical_change()
        while self.best_cost > goal + EPSILON:
            spent = budget.spent()
            if spent >= 1.0:
                return
            if progress is not None:
                progress(spent, self.best_cost)
            self.temperature = typical * HOTTEST * (COLDEST / HOTTEST) ** spent
            for _ in budget.take_batch():
                self._step()

    def _typical_change(self) -> float:
        changes = []
        for _ in range(200):
            first, second = self.rng.choice(self.movable), self.rng.choice(self.movable)
            if self.single[first] and self.single[second]:
                changes.append(abs(self._swap_delta(first, second)))
        real = [change for change in changes if change > EPSILON]
        return sum(real) / len(real) if real else 1.0

    def _swap_delta(self, first: int, second: int) -> float:
        where = self.state.where
        return 0.0 if where[first] == where[second] else self.state.swap_delta(first, second)

    def _step(self) -> None:
        movable, random = self.movable, self.rng.random
        first = movable[int(random() * len(movable))]
        if self.sizes_may_change and random() < MOVE_SHARE:
            self._try_shifts(first, int(random() * self.state.instance.count), comes_back=False)
            return
        second = movable[int(random() * len(movable))]
        where = self.state.where
        if where[first] == where[second]:
            return
        if self.single[first] and self.single[second]:
            self._try_swap(first, second)
        elif self.state.instance.sizes[first] >= self.state.instance.sizes[second]:
            self._try_shifts(first, where[second], comes_back=True)
        else:
            self._try_shifts(second, where[first], comes_back=True)

    def _accepts(self, delta: float) -> bool:
        return delta <= 0 or self.rng.random() < math.exp(-delta / self.temperature)

    def _keep(self, delta: float) -> None:
        self.cost += delta
        if self.cost < self.best_cost - EPSILON:
            self.best_cost = self.cost
            self.best = list(self.state.where)

    def _try_swap(self, first: int, second: int) -> None:
        state = self.state
        delta = state.swap_delta(first, second)
        if not self._accepts(delta):
            return
        c, d = state.where[first], state.where[second]
        state.shift(first, d)
        state.shift(second, c)
        if self._rules_hold((first, second), c, d):
            self._keep(delta)
        else:
            state.shift(first, c)
            state.shift(second, d)

    def _try_shifts(self, unit: int, target: int, *, comes_back: bool) -> None:
        """Move a unit, and as many people back if asked; undone when a rule breaks or J refuses."""
        state = self.state
        home = state.where[unit]
        if target == home:
            return
        delta = state.shift(unit, target)
        shifted = [(unit, home)]
        if comes_back:
            gain, back = exchange_back(state, unit, home, target, self.rng)
            delta += gain
            shifted += back
        units = tuple(moved for moved, _ in shifted)
        if state.sizes_hold() and self._rules_hold(units, home, target) and self._accepts(delta):
            self._keep(delta)
            return
        for moved, origin in reversed(shifted):
            state.shift(moved, origin)

    def _rules_hold(self, moved: tuple[int, ...], c: int, d: int) -> bool:
        state = self.state
        for unit in moved:
            if self.guarded[unit] and state.meets_enemy(unit, state.where[unit]):
                return False
        return not self.rules_within or (state.holds_within(c) and state.holds_within(d))
