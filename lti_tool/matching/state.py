"""A placement under construction, as the complete search needs it."""

from __future__ import annotations

from lti_tool.matching.instance import Instance


class State:
    """Units in cohorts (-1: not placed), with the counts from which broken rules are read."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.where = [-1] * len(instance.units)
        self.members: list[set[int]] = [set() for _ in range(instance.count)]
        self.size = [0] * instance.count
        self.accompanied = [[0] * len(instance.accompanied[0]) for _ in range(instance.count)]

    def place(self, unit: int, cohort: int) -> None:
        """Put a unit that is nowhere into a cohort."""
        self.where[unit] = cohort
        self.members[cohort].add(unit)
        self._count(unit, cohort, 1)

    def remove(self, unit: int) -> None:
        """Take a unit out of its cohort."""
        cohort = self.where[unit]
        self.where[unit] = -1
        self.members[cohort].remove(unit)
        self._count(unit, cohort, -1)

    def _count(self, unit: int, cohort: int, sign: int) -> None:
        self.size[cohort] += sign * self.instance.sizes[unit]
        for rule, number in enumerate(self.instance.accompanied[unit]):
            self.accompanied[cohort][rule] += sign * number

    def holds_within(self, cohort: int) -> bool:
        """Whether ``not_alone`` and ``common_slots`` hold in a cohort."""
        if 1 in self.accompanied[cohort]:
            return False
        needed = self.instance.slots_needed
        return not needed or self.common_slots(cohort).bit_count() >= needed

    def common_slots(self, cohort: int) -> int:
        """The slots that every member named, as bits."""
        slots, common = self.instance.slots, -1
        for unit in self.members[cohort]:
            common &= slots[unit]
        return max(common, 0)

    def meets_enemy(self, unit: int, cohort: int) -> bool:
        where = self.where
        return any(where[other] == cohort for other in self.instance.apart[unit])
