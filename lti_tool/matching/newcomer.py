"""Placing somebody who joins later, without moving anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Person, Problem


@dataclass(frozen=True, slots=True)
class Placement:
    """The cohort's index and J with the newcomer in it, or None and why each cohort is closed to them."""

    cohort: int | None
    objective: float | None = None
    reasons: tuple[str, ...] = ()


def place_newcomer(problem: Problem, cohorts: Sequence[Sequence[str]], person: str) -> Placement:
    """The cohort in which no hard rule breaks for the newcomer and J is least; the smaller one, then the
    first, on ties.

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
    obstacles = [_obstacle(problem, current, by_id[person], c) for c in range(len(current))]
    options = [
        (_objective_with(problem, current, by_id[person], c), len(current[c]), c)
        for c, obstacle in enumerate(obstacles)
        if obstacle is None
    ]
    if not options:
        return Placement(None, reasons=tuple(reason for reason in obstacles if reason is not None))
    cost, _, cohort = min(options, key=lambda option: (round(option[0], 9), *option[1:]))
    return Placement(cohort, cost)


def _objective_with(problem: Problem, current: list[list[Person]], person: Person, cohort: int) -> float:
    after = [[*members, person] if c == cohort else members for c, members in enumerate(current)]
    return objective(problem, terms(problem, after))


def _obstacle(problem: Problem, current: list[list[Person]], person: Person, cohort: int) -> str | None:
    """Why the person cannot join this cohort; None when they can."""
    for reason in (
        _size_obstacle(problem, current, cohort),
        _people_obstacle(problem, current, person, cohort),
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


def _people_obstacle(problem: Problem, current: list[list[Person]], person: Person, cohort: int) -> str | None:
    lock = problem.locked.get(person.id, cohort)
    if lock != cohort:
        return f"{person.id} must be in cohort {lock + 1}"
    at = {p.id: c for c, members in enumerate(current) for p in members}
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
