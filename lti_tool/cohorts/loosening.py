"""What cohorts keep of the rules that they were not made by: they came from a file, or were changed by hand.

The rules stay as they were chosen, and hold again for the next proposal. The draft's problem has of them what its
cohorts keep, so that its figures can be checked; what they do not keep is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lti_tool.cohorts import words
from lti_tool.cohorts.proposing import Draft
from lti_tool.cohorts.wishes import asked
from lti_tool.matching.problem import NotAlone, Problem, SizeRule
from lti_tool.matching.rules import Group, without_feuds

Cohorts = Sequence[Sequence[str]]


def loosened(problem: Problem, cohorts: Cohorts) -> Problem:
    """The problem with no more of its hard rules than these cohorts keep; locks are the caller's to judge."""
    at = {person: position for position, members in enumerate(cohorts) for person in members}
    shared = [len(slots) for slots in words.common_slots(problem, cohorts)] if problem.common_slots else [0]
    return replace(
        problem,
        size=_sizes(problem.size, [len(members) for members in cohorts]),
        together=tuple(part for group in problem.together for part in _still_together(group, at)),
        apart=without_feuds(problem.apart, list(_met(problem.apart, at))),
        not_alone=tuple(rule for rule in problem.not_alone if not _leaves_alone(problem, rule, cohorts)),
        common_slots=min(problem.common_slots, *shared),
    )


def unkept(draft: Draft, names: words.Names) -> list[str]:
    """The rules as they were chosen that a draft does not keep, a sentence each; empty where it keeps all."""
    return all_broken(asked(draft.rules, draft.problem), draft.cohorts, names)


def all_broken(problem: Problem, cohorts: Cohorts, names: words.Names) -> list[str]:
    """The hard rules of a problem that these cohorts break, that of how much sizes may differ among them."""
    uneven = words.uneven([len(members) for members in cohorts], problem.size.slack)
    return [*uneven, *words.broken(problem, cohorts, names)]


def _sizes(size: SizeRule, counts: Sequence[int]) -> SizeRule:
    low, high = min(counts), max(counts)
    return replace(size, min=min(size.min, low), max=max(size.max, high), slack=max(size.slack, high - low))


def _still_together(group: Group, at: Mapping[str, int]) -> Iterator[Group]:
    for position in sorted({at[person] for person in group}):
        part = tuple(person for person in group if at[person] == position)
        if len(part) > 1:
            yield part


def _met(groups: Sequence[Group], at: Mapping[str, int]) -> Iterator[Group]:
    for group in groups:
        yield from (pair for pair in itertools.combinations(group, 2) if at[pair[0]] == at[pair[1]])


def _leaves_alone(problem: Problem, rule: NotAlone, cohorts: Cohorts) -> bool:
    having = {person.id for person in problem.people if person.value(rule.attribute) == rule.value}
    return any(len(having.intersection(members)) == 1 for members in cohorts)
