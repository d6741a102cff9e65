"""The hard rules of a problem one by one: which there are, what is left with some of them, and looser ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from lti_tool.matching.problem import Person, Problem

Change = Mapping[str, Any]
"""What to make looser. ``size.min``, ``size.max``, ``size.slack``, ``size.target``, ``cohorts`` and ``common_slots``
have their new figure; ``together``, ``apart``, ``locked`` and ``not_alone`` list what to leave out, written as in the
problem. Two of a group that is apart may be left out alone. ``any_time`` lists people who count as free at any time.
"""

Group = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a problem: its field, and which entry of the field's list or mapping."""

    field: str
    key: int | str | None = None


def rules(problem: Problem) -> list[Rule]:
    """Every hard rule that can be left out; what stands first is spared first when a conflict is reduced."""
    found = [Rule("size.slack"), Rule("size.min"), Rule("size.max")]
    if problem.cohorts is not None:
        found.append(Rule("cohorts"))
    if problem.common_slots:
        found.append(Rule("common_slots"))
    found += [Rule("not_alone", i) for i in range(len(problem.not_alone))]
    found += [Rule("together", i) for i in range(len(problem.together))]
    found += [Rule("apart", i) for i in range(len(problem.apart))]
    return found + [Rule("locked", person) for person in problem.locked]


def keeping(problem: Problem, kept: Collection[Rule]) -> Problem:
    """The problem with these hard rules and no others; wishes about quality are left out too."""
    people, size = len(problem.people), problem.size
    chosen = set(kept)
    return replace(
        hard(problem),
        size=replace(
            size,
            min=size.min if Rule("size.min") in chosen else 1,
            max=size.max if Rule("size.max") in chosen else max(people, size.min),
            slack=size.slack if Rule("size.slack") in chosen else people,
        ),
        cohorts=problem.cohorts if Rule("cohorts") in chosen else None,
        common_slots=problem.common_slots if Rule("common_slots") in chosen else 0,
        not_alone=tuple(r for i, r in enumerate(problem.not_alone) if Rule("not_alone", i) in chosen),
        together=tuple(g for i, g in enumerate(problem.together) if Rule("together", i) in chosen),
        apart=tuple(g for i, g in enumerate(problem.apart) if Rule("apart", i) in chosen),
        locked={p: c for p, c in problem.locked.items() if Rule("locked", p) in chosen},
    )


def hard(problem: Problem) -> Problem:
    """The problem without wishes about quality."""
    return replace(problem, spread=(), balance=(), gather=(), previous=None)


def relaxed(problem: Problem, change: Change) -> Problem:
    """The problem after a change."""
    figures = {field.removeprefix("size."): value for field, value in change.items() if field.startswith("size.")}
    free = set(change.get("locked", ()))
    alone = [(rule["attribute"], rule["value"]) for rule in change.get("not_alone", ())]
    return replace(
        problem,
        people=_free_at_any_time(problem.people, change.get("any_time", ())),
        size=replace(problem.size, **figures),
        cohorts=change.get("cohorts", problem.cohorts),
        common_slots=change.get("common_slots", problem.common_slots),
        together=without_bonds(problem.together, change.get("together", ())),
        apart=without_feuds(problem.apart, change.get("apart", ())),
        not_alone=tuple(rule for rule in problem.not_alone if (rule.attribute, rule.value) not in alone),
        locked={person: cohort for person, cohort in problem.locked.items() if person not in free},
    )


def all_slots(people: Iterable[Person]) -> tuple[str, ...]:
    """Every slot that somebody named. Whoever named all of them is in nobody's way."""
    return tuple(dict.fromkeys(slot for person in people for slot in person.slots))


def _free_at_any_time(people: tuple[Person, ...], free: Collection[str]) -> tuple[Person, ...]:
    every = all_slots(people)
    return tuple(replace(person, slots=every) if person.id in free else person for person in people)


def without_bonds(groups: Iterable[tuple[T, ...]], left_out: Iterable[Iterable[T]]) -> tuple[tuple[T, ...], ...]:
    """Groups without those in which everybody of one that is left out must be together."""
    freed = [set(people) for people in left_out]
    return tuple(group for group in groups if not any(people <= set(group) for people in freed))


def without_feuds(groups: Iterable[tuple[T, ...]], left_out: Iterable[Iterable[T]]) -> tuple[tuple[T, ...], ...]:
    """Groups in which the people of each one that is left out may meet, and all others stay apart."""
    found = whole = list(groups)
    for freed in map(set, left_out):
        found = [part for group in found for part in _parts(group, freed)]
    untouched = set(whole)
    return tuple(group for n, group in enumerate(found) if group in untouched or not _is_said(n, found))


def _is_said(number: int, groups: Sequence[tuple[T, ...]]) -> bool:
    """Whether another group keeps all people of this one apart already; of equal ones the first counts."""
    people = set(groups[number])
    earlier, later = groups[:number], groups[number + 1 :]
    return any(people <= set(other) for other in earlier) or any(people < set(other) for other in later)


def _parts(group: tuple[T, ...], freed: set[T]) -> list[tuple[T, ...]]:
    inside = [person for person in group if person in freed]
    if len(inside) < 2:
        return [group]
    rest = tuple(person for person in group if person not in freed)
    return [(*rest, person) for person in inside] if rest else []
