"""Can the hard rules of a problem hold together? Yes with a placement, no with certainty, or not known."""

from __future__ import annotations

from random import Random
from typing import Literal

from lti_tool.matching.complete import CompleteSearch, OutOfNodesError
from lti_tool.matching.feasible import Late, find_feasible
from lti_tool.matching.instance import Instance
from lti_tool.matching.problem import Problem
from lti_tool.matching.proofs import quickly_refuted
from lti_tool.matching.sizes import cohort_count, windows
from lti_tool.matching.state import State

NODES = 20_000
DEEPEST = 400
"""The complete search recurses once for each unit; beyond this it would prove nothing in time anyway."""

Decision = State | Literal["impossible", "unknown"]


def decide(problem: Problem, rng: Random, late: Late) -> Decision:
    """A state that keeps every hard rule, or whether there is proof that none exists."""
    count = cohort_count(problem)
    if count is None or quickly_refuted(problem):
        return "impossible"
    instance, ranges = Instance.of(problem, count), windows(problem, count)
    found = find_feasible(instance, rng, late)
    if found is not None:
        return found
    if len(instance.units) > DEEPEST:
        return "unknown"
    try:
        return CompleteSearch(instance, NODES, late).find(ranges) or "impossible"
    except OutOfNodesError:
        return "unknown"
