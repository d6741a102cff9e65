"""Can the hard rules of a problem hold together? Yes with a placement, no with certainty, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lti_tool.matching.compiled.layout import Placement, Question
from lti_tool.matching.complete import CompleteSearch, OutOfNodesError
from lti_tool.matching.feasible import Late, find_feasible, placed_at
from lti_tool.matching.instance import Instance
from lti_tool.matching.numbering import question
from lti_tool.matching.problem import Problem
from lti_tool.matching.proofs import quickly_refuted
from lti_tool.matching.sizes import cohort_count, windows

NODES = 20_000
DEEPEST = 400
"""The complete search recurses once for each unit; beyond this it would prove nothing in time anyway."""


@dataclass(frozen=True, slots=True)
class Start:
    """A problem in numbers, with a placement that keeps every hard rule."""

    instance: Instance
    question: Question
    placement: Placement


Decision = Start | Literal["impossible", "unknown"]


def decide(problem: Problem, seed: int, late: Late) -> Decision:
    """A placement that keeps every hard rule, or whether there is proof that none exists."""
    count = cohort_count(problem)
    if count is None or quickly_refuted(problem):
        return "impossible"
    instance = Instance.of(problem, count)
    numbers = question(problem, instance)
    found = find_feasible(instance, numbers, seed, late)
    if found is not None:
        return Start(instance, numbers, found)
    if len(instance.units) > DEEPEST:
        return "unknown"
    try:
        where = CompleteSearch(instance, NODES, late).find(windows(problem, count))
    except OutOfNodesError:
        return "unknown"
    return Start(instance, numbers, placed_at(numbers, where)) if where is not None else "impossible"
