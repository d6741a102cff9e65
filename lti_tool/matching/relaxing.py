"""What would help when rules cannot hold together: the smallest changes, each tried out on the whole problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from lti_tool.matching.conflict import Clash
from lti_tool.matching.decision import verdict
from lti_tool.matching.exact import Prover
from lti_tool.matching.problem import Problem
from lti_tool.matching.rules import Change, Rule, relaxed
from lti_tool.matching.sizes import cohort_count, windows
from lti_tool.matching.solution import Relaxation

LEFT_OUT = ("together", "apart", "locked", "not_alone")
"""Rules that hold or do not; the others have a figure."""
OTHER_COUNTS = 4
"""Other numbers of cohorts that are tried."""
MOST_LET_GO = 5
"""Of a larger group nobody is singled out."""
EFFORT = 1.0


def relaxation_of(problem: Problem, clash: Clash, rule: Rule, prover: Prover) -> Relaxation | None:
    """The smallest change of this rule that helps; to leave it out is told even if that is too little or unknown."""
    if rule.field in LEFT_OUT:
        change = _without(problem, [rule], clash)
        return Relaxation(change, _helps(problem, change, prover))
    return _first_that_helps(problem, ({rule.field: figure} for figure in _looser(problem, rule)), prover)


def further_relaxations(problem: Problem, clash: Clash, prover: Prover, *, alone: bool) -> list[Relaxation]:
    """People to place without their hours, where hours are in the way; another number of cohorts to aim at; and where
    no rule ``alone`` is enough, the fewest to leave out.
    """
    found = [*_without_hours(problem, clash, prover), _first_that_helps(problem, _targets(problem), prover)]
    found += _one_cohort_too_few(problem, clash, prover)
    count = cohort_count(problem)
    if not alone and count is not None:
        fewest = prover.fewest_broken(problem, count, EFFORT)
        if fewest:
            # What the conflict needs of a rule may not be all of it that is in the way.
            changes = [_without(problem, fewest, needs) for needs in (clash, replace(clash, core={}))]
            found.append(_first_that_helps(problem, changes, prover))
    return [relaxation for relaxation in found if relaxation is not None]


def _without_hours(problem: Problem, clash: Clash, prover: Prover) -> list[Relaxation]:
    changes: list[Change] = [{"any_time": list(people)} for people in clash.without_hours]
    return [Relaxation(change, True) for change in changes if _helps(problem, change, prover)]


def _one_cohort_too_few(problem: Problem, clash: Clash, prover: Prover) -> list[Relaxation | None]:
    """Where more people must be apart than there are cohorts: sizes small enough for as many cohorts, and where it is
    one too many, each of them let go alone.
    """
    count = cohort_count(problem)
    if count is None or problem.cohorts is not None:
        return []
    found: list[Relaxation | None] = []
    for rule in clash.rules:
        group = problem.apart[int(rule.key or 0)] if rule.field == "apart" else ()
        needed = len(clash.core.get(rule) or group)
        if needed > count:
            found.append(_first_that_helps(problem, _smaller_sizes(problem, needed), prover))
        if len(group) == count + 1 and len(group) <= MOST_LET_GO:
            changes: list[Change] = [
                {"apart": [[person, other] for other in group if other != person]} for person in group
            ]
            found += [Relaxation(change, True) for change in changes if _helps(problem, change, prover)]
    return found


def _smaller_sizes(problem: Problem, count: int) -> list[Change]:
    """A smallest size, and to aim at it, that makes so many cohorts where the sizes allow only fewer."""
    low = len(problem.people) // count
    return [{"size.min": low, "size.target": low}] if 0 < low < problem.size.min else []


def _first_that_helps(
    problem: Problem, changes: Iterator[Change] | Sequence[Change], prover: Prover
) -> Relaxation | None:
    for change in changes:
        if prover.budget.late():
            break
        if _helps(problem, change, prover):
            return Relaxation(change, True)
    return None


def _helps(problem: Problem, change: Change, prover: Prover) -> bool | None:
    """Whether all rules can hold after the change; None: not known."""
    changed = relaxed(problem, change)
    count = cohort_count(changed)
    if count is None or not windows(changed, count):
        return False
    answer = verdict(changed, prover)
    return None if answer == "unknown" else answer == "possible"


def _without(problem: Problem, rules: Sequence[Rule], clash: Clash) -> Change:
    """The change that leaves these rules out; of a conflict's rule, as far as the conflict needs it."""
    change: dict[str, Any] = {}
    for rule in rules:
        if rule.field == "common_slots":
            change[rule.field] = 0
        elif rule.field == "locked":
            change.setdefault(rule.field, []).append(rule.key)
        elif rule.field == "not_alone":
            not_alone = problem.not_alone[int(rule.key or 0)]
            change.setdefault(rule.field, []).append({"attribute": not_alone.attribute, "value": not_alone.value})
        else:
            groups = problem.together if rule.field == "together" else problem.apart
            people = clash.core.get(rule) or groups[int(rule.key or 0)]
            change.setdefault(rule.field, []).append(list(people))
    return change


def _looser(problem: Problem, rule: Rule) -> Iterator[int]:
    """Figures of a rule that ask for less, the nearest first."""
    size = problem.size
    match rule.field:
        case "size.slack":
            yield from range(size.slack + 1, size.max - size.min + 1)
        case "size.min":
            yield from range(size.min - 1, 0, -1)
        case "size.max":
            yield from range(size.max + 1, len(problem.people) + 1)
        case "common_slots":
            yield from range(problem.common_slots - 1, -1, -1)
        case "cohorts":
            yield from _counts(problem, problem.cohorts or 0)


def _counts(problem: Problem, count: int) -> list[int]:
    """Other numbers of cohorts that the sizes allow, the nearest first."""
    people, size = len(problem.people), problem.size
    allowed = [k for k in range(1, people + 1) if k != count and k * size.min <= people <= k * size.max]
    return sorted(allowed, key=lambda k: abs(k - count))[:OTHER_COUNTS]


def _targets(problem: Problem) -> Iterator[Change]:
    """Sizes to aim at that lead to another number of cohorts; whole ones where there are any."""
    count = cohort_count(problem)
    if problem.cohorts is not None or count is None:
        return
    size = problem.size
    whole = sorted(range(size.min, size.max + 1), key=lambda target: abs(target - size.target))
    for other in _counts(problem, count):
        targets = (float(target) for target in (*whole, len(problem.people) / other))
        changes = ({"size.target": target} for target in targets)
        yield next(change for change in changes if cohort_count(relaxed(problem, change)) == other)
