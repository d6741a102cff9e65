"""Placing somebody who joins later, without moving anybody else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Person, Problem


@dataclass(frozen=True, slots=True)
class Placement:
    """The cohort's index and J with the newcomer in it, or None and why each cohort is closed to them."""

    cohort: int | None
    objective: float | None = None
    reasons: tuple[str, ...] = ()


def place_newcomer(
    problem: Problem, cohorts: Sequence[Sequence[str]], person: str, avoided: Collection[int] = ()
) -> Placement:
    """The cohort in which no hard rule breaks for the newcomer and J is least; the smaller one, then the
    first, on ties. One whose index is in ``avoided`` is taken only where no other is open.

    ``problem`` includes the newcomer, ``cohorts`` do not; the rules and wishes of the problem hold for the
    cohorts as they are. Raises ValueError when the newcomer or a member is not among the problem's people, or
    is placed already.
    """
    by_id = {p.id: p for p in problem.people}
    members = [member for cohort in cohorts for member in cohort]
    if person in members:
        raise ValueError(f"{person} is in a cohort already")
    for name in (person, *members):
        if name not in by_id:
            raise ValueError(f"{name} is not one of the problem's people")
    current = [[by_id[member] for member in cohort] for cohort in cohorts]
    at = {member: c for c, cohort in enumerate(cohorts) for member in cohort}
    obstacles = [_obstacle(problem, current, at, by_id[person], c) for c in range(len(current))]
    added = _Added(problem, current, by_id[person])
    options = [
        (c in avoided, round(added.to(c), 9), len(current[c]), c)
        for c, obstacle in enumerate(obstacles)
        if obstacle is None
    ]
    if not options:
        return Placement(None, reasons=tuple(reason for reason in obstacles if reason is not None))
    *_worth, cohort = min(options)
    current[cohort].append(by_id[person])
    return Placement(cohort, objective(problem, terms(problem, current)))


class _Added:
    """What somebody adds to J in one cohort, without what is the same in each.

    Totals and overall means count the newcomer, wherever they go.
    """

    def __init__(self, problem: Problem, current: list[list[Person]], person: Person) -> None:
        self._problem, self._current, self._person = problem, current, person
        self._everybody = [person, *(member for cohort in current for member in cohort)]
        self._shares = {w.attribute: self._share(w.attribute) for w in problem.spread}
        self._spreads = {w.attribute: self._overall(w.attribute) for w in problem.balance}

    def to(self, cohort: int) -> float:
        """The part of J that differs, with the newcomer in `cohort`."""
        members, problem = self._current[cohort], self._problem
        added = sum(
            w.weight * (2 * (self._alike(w.attribute, members) - self._shares[w.attribute]) + 1)
            for w in problem.spread
        )
        added += sum(w.weight * (len(members) - self._alike(w.attribute, members)) for w in problem.gather)
        added += sum(w.weight * self._balance(w.attribute, members) for w in problem.balance)
        if problem.previous is not None:
            added += problem.previous.weight * (problem.previous.cohorts.get(self._person.id, cohort) != cohort)
        return added

    def _alike(self, attribute: str, members: list[Person]) -> int:
        value = self._person.value(attribute)
        return sum(member.value(attribute) == value for member in members)

    def _share(self, attribute: str) -> float:
        return self._alike(attribute, self._everybody) / len(self._current)

    def _overall(self, attribute: str) -> tuple[float, float]:
        """Mean and variance over everybody who has a value; the variance is 0 where there is nothing to balance."""
        known = _numbers(attribute, self._everybody)
        if not known or min(known) == max(known):
            return 0.0, 0.0
        mean = sum(known) / len(known)
        return mean, sum((x - mean) ** 2 for x in known) / len(known)

    def _balance(self, attribute: str, members: list[Person]) -> float:
        mean, variance = self._spreads[attribute]
        if not variance:
            return 0.0

        def term(people: list[Person]) -> float:
            known = _numbers(attribute, people)
            return len(known) * (sum(known) / len(known) - mean) ** 2 / variance if known else 0.0

        return term([*members, self._person]) - term(members)


def _numbers(attribute: str, people: list[Person]) -> list[float]:
    return [float(person.attributes[attribute]) for person in people if attribute in person.attributes]


def _obstacle(
    problem: Problem, current: list[list[Person]], at: Mapping[str, int], person: Person, cohort: int
) -> str | None:
    """Why the person cannot join this cohort; None when they can."""
    for reason in (
        _size_obstacle(problem, current, cohort),
        _people_obstacle(problem, at, person, cohort),
        _alone_obstacle(problem, current[cohort], person),
        _slots_obstacle(problem, current[cohort], person),
    ):
        if reason is not None:
            return f"cohort {cohort + 1}: {reason}"
    return None


def _size_obstacle(problem: Problem, current: list[list[Person]], cohort: int) -> str | None:
    before = [len(members) for members in current]
    size = before[cohort] + 1
    if size > problem.size.max:
        return f"it already has {before[cohort]} people, the most allowed"
    # Cohorts that people left may differ by more than the slack; joining a smaller one is then still right.
    difference = size - min(before[:cohort] + before[cohort + 1 :], default=size)
    if difference > problem.size.slack:
        return f"it would have {difference} people more than the smallest cohort"
    return None


def _people_obstacle(problem: Problem, at: Mapping[str, int], person: Person, cohort: int) -> str | None:
    lock = problem.locked.get(person.id, cohort)
    if lock != cohort:
        return f"{person.id} must be in cohort {lock + 1}"
    for friend in _companions(problem, person.id):
        if at.get(friend, cohort) != cohort:
            return f"{person.id} and {friend} must be together"
    for group in problem.apart:
        for other in group:
            if person.id in group and other != person.id and at.get(other) == cohort:
                return f"{person.id} and {other} must be apart"
    return None


def _companions(problem: Problem, person: str) -> list[str]:
    """Everybody who must be with the person, directly or through others."""
    found = [person]
    for known in found:
        for group in problem.together:
            if known in group:
                found += [other for other in group if other not in found]
    return found[1:]


def _alone_obstacle(problem: Problem, members: list[Person], person: Person) -> str | None:
    for rule in problem.not_alone:
        if person.value(rule.attribute) == rule.value:
            already = sum(member.value(rule.attribute) == rule.value for member in members)
            if already == 0:
                return f"{person.id} would be the only one with {rule.attribute} {rule.value!r}"
    return None


def _slots_obstacle(problem: Problem, members: list[Person], person: Person) -> str | None:
    shared = set(person.slots).intersection(*(member.slots for member in members))
    if len(shared) < problem.common_slots:
        return f"{person.id} shares too few slots with it"
    return None
