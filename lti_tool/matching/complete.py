"""A complete search over placements of the hard rules alone: finds one, or proves that none exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from lti_tool.matching.instance import Instance
from lti_tool.matching.sizes import Window
from lti_tool.matching.state import State


class OutOfNodesError(Exception):
    """The search was stopped before it could say yes or no."""


class CompleteSearch:
    """Backtracking, the hardest units first; cohorts that nothing tells apart yet are tried once only."""

    def __init__(self, instance: Instance, nodes: int, late: Callable[[], bool]) -> None:
        self.instance = instance
        self.state = State(instance)
        self.nodes = nodes
        self.late = late
        self.order = sorted(
            range(len(instance.units)),
            key=lambda u: (
                instance.lock[u] < 0,
                -instance.sizes[u],
                -len(instance.apart[u]),
                instance.slots[u].bit_count() if instance.slots_needed else 0,
                -sum(instance.accompanied[u]),
                self._kind(u),
            ),
        )
        # Units of one kind are interchangeable, so only placements in ascending cohorts are tried.
        self.twin = [
            i > 0 and self._kind(self.order[i - 1]) == self._kind(unit) and not instance.apart[unit]
            for i, unit in enumerate(self.order)
        ]
        rules = range(len(instance.accompanied[0]))
        self.left_with = [Counter[int]() for _ in range(len(self.order) + 1)]
        for i in reversed(range(len(self.order))):
            unit = self.order[i]
            self.left_with[i] = self.left_with[i + 1].copy()
            for rule in rules:
                self.left_with[i][rule] += instance.accompanied[unit][rule]

    def find(self, windows: list[Window]) -> list[int] | None:
        """The cohort of each unit, or None as a proof; raises :class:`OutOfNodesError`."""
        for window in windows:
            if self._extend(0, sum(self.instance.sizes), window):
                return self.state.where
        return None

    def _kind(self, unit: int) -> tuple[int, int, int, tuple[int, ...], tuple[int, ...]]:
        instance = self.instance
        slots = instance.slots[unit] if instance.slots_needed else 0
        return (
            instance.lock[unit],
            instance.sizes[unit],
            slots,
            instance.accompanied[unit],
            instance.apart[unit],
        )

    def _extend(self, depth: int, left: int, window: Window) -> bool:
        if depth == len(self.order):
            return all(self.state.holds_within(c) for c in range(self.instance.count))
        self.nodes -= 1
        if self.nodes < 0 or (self.nodes % 256 == 0 and self.late()):
            raise OutOfNodesError
        unit = self.order[depth]
        left -= self.instance.sizes[unit]
        for cohort in self._candidates(depth, unit):
            self.state.place(unit, cohort)
            if self._may_succeed(depth + 1, unit, left, window) and self._extend(depth + 1, left, window):
                return True
            self.state.remove(unit)
        return False

    def _candidates(self, depth: int, unit: int) -> list[int]:
        lock = self.instance.lock[unit]
        if lock >= 0:
            return [lock]
        first = self.state.where[self.order[depth - 1]] if self.twin[depth] else 0
        found, seen_empty = [], False
        for cohort in range(self.instance.count):
            empty = not self.state.members[cohort]
            if empty and seen_empty:
                continue
            seen_empty = seen_empty or empty
            if cohort >= first:
                found.append(cohort)
        return found

    def _may_succeed(self, depth: int, unit: int, left: int, window: Window) -> bool:
        state, (low, high) = self.state, window
        cohort = state.where[unit]
        if state.size[cohort] > high or sum(max(0, low - size) for size in state.size) > left:
            return False
        if sum(high - size for size in state.size) < left or state.meets_enemy(unit, cohort):
            return False
        needed = self.instance.slots_needed
        if needed and state.common_slots(cohort).bit_count() < needed:
            return False
        remaining = self.left_with[depth]
        return all(
            sum(inside[rule] == 1 for inside in state.accompanied) <= remaining[rule]
            for rule in range(len(self.instance.accompanied[0]))
        )
