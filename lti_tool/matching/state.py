"""A placement under change: every move of a unit costs constant time and returns its change of J."""

from __future__ import annotations

from lti_tool.matching.instance import Instance


class State:
    """Units in cohorts (-1: not placed), with the counts from which J's change and broken rules are read."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        cohorts = range(instance.count)
        self.where = [-1] * len(instance.units)
        self.members: list[set[int]] = [set() for _ in cohorts]
        self.size = [0] * instance.count
        self.values = [[0] * len(instance.curvature) for _ in cohorts]
        self.known = [[0] * len(instance.number_scale) for _ in cohorts]
        self.deviation = [[0.0] * len(instance.number_scale) for _ in cohorts]
        rules = len(instance.accompanied[0])
        self.accompanied = [[0] * rules for _ in cohorts]

    def place(self, unit: int, cohort: int) -> float:
        """Put a unit that is nowhere into a cohort."""
        self.where[unit] = cohort
        self.members[cohort].add(unit)
        return self._count(unit, cohort, 1)

    def remove(self, unit: int) -> float:
        """Take a unit out of its cohort."""
        cohort = self.where[unit]
        self.where[unit] = -1
        self.members[cohort].remove(unit)
        return self._count(unit, cohort, -1)

    def shift(self, unit: int, cohort: int) -> float:
        return self.remove(unit) + self.place(unit, cohort)

    def _count(self, unit: int, cohort: int, sign: int) -> float:
        instance, values = self.instance, self.values[cohort]
        people, size = sign * instance.sizes[unit], self.size[cohort]
        delta = instance.size_curvature * people * (2 * size + people)
        self.size[cohort] = size + people
        for value in instance.values[unit]:
            n = values[value]
            delta += instance.curvature[value] * (2 * sign * n + 1)
            values[value] = n + sign
        known, deviation = self.known[cohort], self.deviation[cohort]
        for j, (number, total) in enumerate(instance.numbers[unit]):
            before = _imbalance(deviation[j], known[j])
            known[j] += sign * number
            # A cohort in which nobody has a number starts again from an exact zero.
            deviation[j] = deviation[j] + sign * total if known[j] else 0.0
            delta += instance.number_scale[j] * (_imbalance(deviation[j], known[j]) - before)
        accompanied = self.accompanied[cohort]
        for rule, number in enumerate(instance.accompanied[unit]):
            accompanied[rule] += sign * number
        return delta - sign * instance.stayers[unit].get(cohort, 0.0)

    def swap_delta(self, first: int, second: int) -> float:
        """The change of J if two units of one person each, in different cohorts, changed places."""
        instance, c, d = self.instance, self.where[first], self.where[second]
        here, there, curvature = self.values[c], self.values[d], instance.curvature
        delta = 0.0
        for a, b in zip(instance.values[first], instance.values[second], strict=True):
            if a != b:
                delta += curvature[a] * (there[a] - here[a] + 1) + curvature[b] * (here[b] - there[b] + 1)
        delta *= 2
        if instance.number_scale:
            delta += self._swap_imbalance(first, second, c, d)
        leaving, coming = instance.stayers[first], instance.stayers[second]
        if leaving:
            delta += leaving.get(c, 0.0) - leaving.get(d, 0.0)
        if coming:
            delta += coming.get(d, 0.0) - coming.get(c, 0.0)
        return delta

    def _swap_imbalance(self, first: int, second: int, c: int, d: int) -> float:
        instance, delta = self.instance, 0.0
        pairs = zip(instance.numbers[first], instance.numbers[second], instance.number_scale, strict=True)
        for j, ((m, x), (n, y), scale) in enumerate(pairs):
            known_c, known_d = self.known[c][j], self.known[d][j]
            sum_c, sum_d = self.deviation[c][j], self.deviation[d][j]
            delta += scale * (
                _imbalance(sum_c - x + y, known_c - m + n)
                + _imbalance(sum_d - y + x, known_d - n + m)
                - _imbalance(sum_c, known_c)
                - _imbalance(sum_d, known_d)
            )
        return delta

    def sizes_hold(self) -> bool:
        smallest, largest = min(self.size), max(self.size)
        instance = self.instance
        return smallest >= instance.size_min and largest <= instance.size_max and largest - smallest <= instance.slack

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

    def violations(self) -> int:
        """How far all hard rules but the locks are from being kept; 0 when they are."""
        return self.size_flaw() + sum(self.flaw(cohort) for cohort in range(self.instance.count))

    def size_flaw(self) -> int:
        instance = self.instance
        outside = sum(max(0, instance.size_min - s) + max(0, s - instance.size_max) for s in self.size)
        return outside + max(0, max(self.size) - min(self.size) - instance.slack)

    def flaw(self, cohort: int) -> int:
        """Broken rules inside one cohort: enemies met, people alone, members who miss the best slots."""
        met = sum(self.meets_enemy(unit, cohort) for unit in self.members[cohort])
        return met + self.accompanied[cohort].count(1) + self._slot_flaw(cohort)

    def _slot_flaw(self, cohort: int) -> int:
        needed, slots = self.instance.slots_needed, self.instance.slots
        if not needed or self.common_slots(cohort).bit_count() >= needed:
            return 0
        members = self.members[cohort]
        named: dict[int, int] = {}
        for unit in members:
            mask = slots[unit]
            while mask:
                lowest = mask & -mask
                named[lowest] = named.get(lowest, 0) + 1
                mask ^= lowest
        best = sorted(named.values(), reverse=True)[:needed]
        return needed * len(members) - sum(best)


def _imbalance(deviation: float, known: int) -> float:
    return deviation * deviation / known if known else 0.0
