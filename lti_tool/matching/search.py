"""The search for better cohorts: rounds of annealing, of which every second starts warm at the best that is known.

The rounds depend on the problem and the seed alone, never on the budget: whoever allows more iterations or time gets
the same rounds and then others, so more is never worse, and the search can be stopped at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lti_tool.matching.budget import Budget
from lti_tool.matching.compiled.anneal import (
    BEST,
    COOLING,
    COST,
    GOAL,
    MOST_SHIFTS,
    TEMPERATURE,
    anneal,
    typical_change,
)
from lti_tool.matching.compiled.jit import Ints, seeded
from lti_tool.matching.compiled.layout import Placement
from lti_tool.matching.decision import Start
from lti_tool.matching.feasible import Late, find_feasible, movable_units, placed_at, relocked, unlocked

Progress = Callable[[float, float], None]
"""Called with the share of the budget that is used and the best J so far."""

Cost = Callable[[Ints], float]
"""J when unit u is in cohort ``where[u]``."""

CHUNK = 40_000
"""Steps between two looks at the budget, and at least in a round."""
SAMPLES = 1_000
FIRST_ROUND, LONGEST_ROUND = 300, 2_400
"""Steps a unit; each two rounds are twice as long as the two before until they are the longest."""
HOTTEST, COLDEST = 0.12, 0.004
"""Temperatures in units of what the typical exchange changes J by."""
WARM, COLDEST_FROM_BEST = 0.03, 0.002
"""The same in a round that begins at the best placement: few people move, and numbers are balanced finely."""
HOTTEST_OF_SPREAD, COLDEST_OF_SPREAD = 0.045, 0.025
"""The same where J is spread alone: few exchanges change it, and the search goes where they do."""


class Search:
    """One annealer; ``best`` is the best placement seen, ``best_cost`` its J."""

    def __init__(self, start: Start, cost: Cost, goal: float, seed: int, late: Late) -> None:
        question, placement = unlocked(start.question), placed_at(start.question, start.placement.where)
        self._start, self._question, self._placement = start, question, placement
        self._cost, self._seed, self._late = cost, seed, late
        self._movable = movable_units(question)
        self._rng = seeded(seed)
        self._shifted = np.zeros((MOST_SHIFTS, 2), np.int64)
        # Where all sizes are equal, one person's move makes two of them differ by 2.
        even = int(question.size.sum()) % question.cohorts == 0
        self._sizes_change = question.slack > even and question.size_min < question.size_max
        reached = cost(placement.where)
        self._figures = np.array([reached, reached, 0.0, 1.0, goal])
        self._length = max(CHUNK, FIRST_ROUND * len(question.size))
        self._longest = max(CHUNK, LONGEST_ROUND * len(question.size))
        self._round = self._left = 0
        self._best: Ints = placement.where.copy()
        self.idle = len(self._movable) < 2 or question.cohorts < 2
        self._typical = 1.0 if self.idle else typical_change(question, placement, self._movable, self._rng, SAMPLES)

    @property
    def best(self) -> Ints:
        """The cohort of each unit in the best placement seen."""
        return relocked(self._start.question, self._best)

    @property
    def best_cost(self) -> float:
        """Its J."""
        return float(self._figures[BEST])

    @property
    def done(self) -> bool:
        """Whether nothing better exists, or nobody can move."""
        return self.idle or self.best_cost <= self._figures[GOAL] + 1e-9

    def aim_at(self, goal: float) -> None:
        """Stop when J has come down to the goal."""
        self._figures[GOAL] = goal

    def run(self, steps: int) -> int:
        """Take at most so many steps; returns how many were taken."""
        if self._left == 0:
            self._begin_round()
        taken = anneal(
            self._question,
            self._placement,
            self._movable,
            self._sizes_change,
            min(steps, self._left),
            self._figures,
            self._best,
            self._rng,
            self._shifted,
        )
        self._left -= taken
        return taken

    def _begin_round(self) -> None:
        hottest, coldest = HOTTEST, COLDEST
        if self._question.only_spread:
            hottest, coldest = HOTTEST_OF_SPREAD, COLDEST_OF_SPREAD
        elif self._round % 2:
            hottest, coldest = WARM, COLDEST_FROM_BEST
            self._go_to(placed_at(self._question, self._best))
        if self._round % 2 == 0 and self._round:
            self._length = min(2 * self._length, self._longest)
            if self._question.slots_needed:
                self._start_anew()
        self._left = self._length
        self._round += 1
        self._figures[TEMPERATURE] = hottest * self._typical
        self._figures[COOLING] = (coldest / hottest) ** (1.0 / self._left)

    def _start_anew(self) -> None:
        """Exchanges seldom lead from one choice of the cohorts' slots to another; another start does."""
        placement = find_feasible(self._start.instance, self._start.question, self._seed + self._round, self._late)
        if placement is not None:
            self._go_to(placement)

    def _go_to(self, placement: Placement) -> None:
        self._placement = placement
        self._figures[COST] = self._cost(placement.where)


def improve(searches: Sequence[Search], budget: Budget, until: float, progress: Progress | None) -> Ints:
    """Run searches side by side until that share of the budget is used up or one is done: the cohort of each unit."""
    with ThreadPoolExecutor(len(searches)) as pool:
        while not any(search.done for search in searches):
            spent = budget.spent()
            if spent >= until:
                break
            if progress is not None:
                progress(spent, min(search.best_cost for search in searches))
            steps = CHUNK if budget.iterations is None else min(CHUNK, budget.iterations - budget.used)
            budget.used += max(pool.map(lambda search, steps=steps: search.run(steps), searches))
    best = min(searches, key=lambda search: search.best_cost)
    return best.best
