"""Whose hours leave no cohorts possible, where each cohort needs hours at which everybody can meet.

People are looked for twice at once, as implicit hitting sets do (Ignatiev and others, 2015): sets without whose hours
there are cohorts, each of which is a way out; and the fewest people who are in all of those. When these alone are in
the way although everybody else could meet at any time, no fewer are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from lti_tool.matching.decision import verdict
from lti_tool.matching.exact import FEW, Prover
from lti_tool.matching.instance import together_units
from lti_tool.matching.problem import Person, Problem
from lti_tool.matching.proofs import stranded_people
from lti_tool.matching.rules import Group, all_slots, relaxed
from lti_tool.matching.sizes import cohort_count

MOST_NAMED = 8
"""Of more people nobody could say what to do about them."""
MOST_TRIED = 3 * MOST_NAMED
"""Of what CP-SAT found, of which perhaps not all are needed."""
AT_MOST = (1, 2, FEW, MOST_TRIED)
"""Few are looked for first: that there are few is found sooner than who of many can be spared."""
EFFORT = 0.25


def blamed(problem: Problem, prover: Prover) -> tuple[Group, list[Group]]:
    """People whose hours are in the way of a problem that has no cohorts: all who can meet nobody, else a few, none
    where these would be too many; and sets of people without whose hours there may be cohorts.

    Either the hours of the first leave no cohorts, whenever all others can meet; or too few others can meet when they
    can.
    """
    stranded = _restricted(problem, stranded_people(problem))
    if stranded:
        return stranded, [stranded]
    bound = _bound_to_meet(problem)
    if bound:
        return bound, [(person,) for person in bound]
    ways, enough = _among_busiest(problem, prover)
    ways = list(dict.fromkeys([*ways, *((person,) for person in enough)]))
    if not ways:
        ways, enough = _ways_and_core(problem, prover)
    few = [way for way in ways if len(way) <= len(ways[0]) + 1]
    return enough or (ways[0] if ways else ()), few


def _bound_to_meet(problem: Problem) -> Group:
    """Some who must be in one cohort and share too few hours, of whom nobody can be spared; none without such."""
    groups: dict[object, list[Person]] = {}
    for number, unit in enumerate(together_units(problem)):
        people = [problem.people[i] for i in unit]
        locks = [problem.locked[person.id] for person in people if person.id in problem.locked]
        groups.setdefault(("cohort", min(locks)) if locks else ("unit", number), []).extend(people)
    clashing = (group for group in groups.values() if _shared(group) < problem.common_slots)
    needed = next(clashing, [])
    for person in sorted(needed, key=lambda person: -len(person.slots)):
        fewer = [other for other in needed if other is not person]
        if fewer and _shared(fewer) < problem.common_slots:
            needed = fewer
    return tuple(person.id for person in needed)


def _shared(people: Sequence[Person]) -> int:
    return len(set(people[0].slots).intersection(*(person.slots for person in people[1:])))


def _ways_and_core(problem: Problem, prover: Prover) -> tuple[list[Group], Group]:
    count = cohort_count(problem)
    ways: list[Group] = []
    suspects: Group = ()
    while count is not None and len(suspects) <= MOST_NAMED:
        if suspects and prover.place(_only_hours_of(problem, suspects), count, EFFORT) == "impossible":
            return ways, suspects
        tries = (prover.some_exempt(problem, count, suspects, most, EFFORT) for most in AT_MOST)
        way = _needed(problem, next(filter(None, tries), ()), prover)
        if not 0 < len(way) <= MOST_NAMED:
            break
        ways.append(way)
        suspects = _hitting(problem, ways)
    return ways, ()


def _among_busiest(problem: Problem, prover: Prover) -> tuple[list[Group], Group]:
    """The same among those with the fewest hours alone: mostly it is they, and this takes a moment."""
    count = cohort_count(problem)
    busiest = sorted(problem.people, key=lambda person: len(person.slots))[:MOST_NAMED]
    suspects = _restricted(problem, [person.id for person in busiest])

    def enough(people: Group) -> bool:
        return count is not None and prover.place(_only_hours_of(problem, people), count, EFFORT) == "impossible"

    way = suspects if verdict(relaxed(problem, {"any_time": suspects}), prover, rounds=1) == "possible" else ()
    ways = [_needed(problem, way, prover)] if way else []
    if not enough(suspects):
        return ways, ()
    for person in reversed(busiest):
        fewer = tuple(other for other in suspects if other != person.id)
        if fewer and enough(fewer):
            suspects = fewer
    return ways, suspects


def _needed(problem: Problem, people: Group, prover: Prover) -> Group:
    """Some of the people without whose slots there are cohorts, of whom nobody can be spared as far as is known."""
    most_hours_first = sorted((p for p in problem.people if p.id in people), key=lambda p: -len(p.slots))
    for person in most_hours_first:
        fewer = tuple(other for other in people if other != person.id)
        if verdict(relaxed(problem, {"any_time": fewer}), prover, rounds=1) == "possible":
            people = fewer
    return people


def _restricted(problem: Problem, people: Collection[str]) -> Group:
    """Those of the people who did not name every slot, as whoever has said nothing does."""
    every = len(all_slots(problem.people))
    return tuple(p.id for p in problem.people if p.id in people and (len(p.slots) < every or not every))


def _only_hours_of(problem: Problem, people: Collection[str]) -> Problem:
    """The problem, of which everybody else can meet whenever anybody can."""
    every = all_slots(problem.people)
    return replace(problem, people=tuple(p if p.id in people else replace(p, slots=every) for p in problem.people))


def _hitting(problem: Problem, sets: Sequence[Group]) -> Group:
    """The fewest people of whom each set has one; of equally few those with the fewest hours."""
    hours = {person.id: len(person.slots) for person in problem.people}
    fewest: list[str] | None = None

    def search(chosen: list[str], rest: Sequence[Group]) -> None:
        nonlocal fewest
        if fewest is not None and _weight(chosen) >= _weight(fewest):
            return
        if not rest:
            fewest = list(chosen)
            return
        for person in sorted(rest[0], key=hours.__getitem__):
            search([*chosen, person], [each for each in rest if person not in each])

    def _weight(people: Sequence[str]) -> tuple[int, int]:
        return len(people), sum(hours[person] for person in people)

    search([], sets)
    chosen = set(fewest or ())
    return tuple(person.id for person in problem.people if person.id in chosen)
