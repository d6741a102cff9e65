"""When the rules cannot hold together: a set of them that cannot, of which any one left out can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lti_tool.matching.decision import Verdict, verdict
from lti_tool.matching.exact import SIZES, Prover
from lti_tool.matching.feasible import Late
from lti_tool.matching.hours import blamed
from lti_tool.matching.problem import Problem
from lti_tool.matching.proofs import quickly_refuted
from lti_tool.matching.rules import Group, Rule, keeping, rules
from lti_tool.matching.sizes import cohort_count

T = TypeVar("T")
Oracle = Callable[[list[T]], Verdict]

CORE_EFFORT = 1.0


@dataclass(frozen=True, slots=True)
class Clash:
    """Rules that cannot hold together, in the order of the problem.

    ``core`` has, for rules about several people, those between whom they already are one too many. ``minimal``:
    it is proved that all others can hold whichever rule is left out. ``without_hours``: sets of people without whose
    slots they can hold, where common slots are among them.
    """

    rules: tuple[Rule, ...]
    core: Mapping[Rule, Group]
    minimal: bool
    without_hours: tuple[Group, ...] = ()


def minimal_conflict(problem: Problem, prover: Prover) -> Clash:
    """The conflict of a problem whose rules are proved not to hold together."""

    def thorough(kept: Sequence[Rule]) -> Verdict:
        return verdict(keeping(problem, kept), prover)

    late = prover.budget.late
    kept, nearly = _first_cut(problem, prover)
    sizes = [rule for rule in kept if rule.field in SIZES]
    others = [rule for rule in kept if rule.field not in SIZES]
    # Sizes come first: with fewer of them the number of cohorts is another, with fewer of the others it is not.
    before = None
    while before != sizes:
        before = sizes
        sizes, sizes_sure = _filtered(sizes, lambda fewer: thorough([*fewer, *others]), 1, late)
    others, sure = _filtered(
        others, lambda fewer: thorough([*sizes, *fewer]), chunk=1 if nearly else len(others), late=late
    )
    return Clash((*sizes, *others), {}, sizes_sure and sure)


def _first_cut(problem: Problem, prover: Prover) -> tuple[list[Rule], bool]:
    """A set of rules that cannot hold, found fast; and whether it is nearly minimal."""

    def quick(kept: Sequence[Rule]) -> Verdict:
        return "impossible" if quickly_refuted(keeping(problem, kept)) else "unknown"

    everything = rules(problem)
    if quickly_refuted(problem):
        kept, _ = _filtered(everything, quick, len(everything), prover.budget.late)
        return kept, True
    count = cohort_count(problem)
    core = prover.core(problem, count, CORE_EFFORT) if count is not None else None
    if core is None:
        return everything, False
    chosen = set(core)
    return [rule for rule in everything if rule.field in SIZES or rule in chosen], True


def _filtered(items: Sequence[T], oracle: Oracle[T], chunk: int, late: Late) -> tuple[list[T], bool]:
    """The deletion filter, many at once at first: what is left when nothing can go, and whether that is sure."""
    kept, sure = list(items), True
    while chunk:
        start, sure = 0, True
        while start < len(kept):
            if late():
                return kept, False
            fewer = kept[:start] + kept[start + chunk :]
            answer = oracle(fewer)
            if answer == "impossible":
                kept = fewer
            else:
                sure = sure and answer != "unknown"
                start += chunk
        chunk //= 2
    return kept, sure


def narrowed(problem: Problem, clash: Clash, prover: Prover) -> Clash:
    """The clash with the people whom it takes of each rule."""
    core: dict[Rule, Group] = {}
    for rule in clash.rules:
        if rule.field != "common_slots":
            core[rule] = _fewest(problem, clash, core, rule, prover)
    hours, ways = Rule("common_slots"), list[Group]()
    if hours in clash.rules:
        sizes = [rule for rule in rules(problem) if rule.field in SIZES]
        core[hours], ways = blamed(keeping(_with_core(problem, core), [*sizes, *clash.rules]), prover)
    return replace(clash, core=core, without_hours=tuple(ways))


def _fewest(problem: Problem, clash: Clash, core: Mapping[Rule, Group], rule: Rule, prover: Prover) -> Group:
    """Some people of a rule among whom alone it need hold, and the clash stays one."""

    def still(fewer: Sequence[str]) -> Verdict:
        part = _with_core(problem, {**core, rule: tuple(fewer)})
        return verdict(keeping(part, clash.rules), prover)

    people = _people_of(problem, rule)
    if len(people) <= 2:
        return people
    return tuple(_filtered(people, still, len(people) // 2, prover.budget.late)[0])


def _people_of(problem: Problem, rule: Rule) -> Group:
    if rule.field == "together":
        return problem.together[int(rule.key or 0)]
    if rule.field == "apart":
        return problem.apart[int(rule.key or 0)]
    return ()


def _with_core(problem: Problem, core: Mapping[Rule, Group]) -> Problem:
    """The problem with rules that concern these people only."""
    return replace(
        problem,
        together=tuple(core.get(Rule("together", i), group) for i, group in enumerate(problem.together)),
        apart=tuple(core.get(Rule("apart", i), group) for i, group in enumerate(problem.apart)),
    )
