"""Can the hard rules of a problem hold together? Yes with a placement, no with certainty, or not known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from lti_tool.matching.compiled.layout import Placement, Question
from lti_tool.matching.exact import Prover
from lti_tool.matching.feasible import Late, find_feasible, find_near, placed_at
from lti_tool.matching.instance import Instance
from lti_tool.matching.numbering import question
from lti_tool.matching.problem import Problem
from lti_tool.matching.proofs import quickly_refuted
from lti_tool.matching.sizes import cohort_count

ROUNDS, FEW_ROUNDS = 3, 2
MOST_PATIENT = 10
LOOKS = 10
"""Of the first round's heuristic at the time; each round has four times the patience of the one before."""
EFFORT = 0.25
"""Of the first round's proof, in deterministic time."""


@dataclass(frozen=True, slots=True)
class Start:
    """A problem in numbers, with a placement that keeps every hard rule."""

    instance: Instance
    question: Question
    placement: Placement


Decision = Start | Literal["impossible", "unknown"]
Verdict = Literal["possible", "impossible", "unknown"]


def decide(problem: Problem, prover: Prover, rounds: int = ROUNDS, *, insist: bool = False) -> Decision:
    """A placement that keeps every hard rule, or whether there is proof that none exists.

    ``insist``: while there is time, however many rounds it takes.
    """
    count = cohort_count(problem)
    if count is None or quickly_refuted(problem):
        return "impossible"
    if prover.budget.late():
        return "unknown"
    instance = Instance.of(problem, count)
    numbers, budget = question(problem, instance), prover.budget
    endless = insist and budget.seconds is not None
    for tries in itertools.count() if endless else range(rounds):
        patience = 4 ** min(tries, MOST_PATIENT)
        late = _after(LOOKS * patience, budget.late)
        near = find_near(numbers, prover.seed, late) if numbers.move_cost and not tries else None
        found = near or find_feasible(instance, numbers, prover.seed + tries, late)
        if found is not None:
            return Start(instance, numbers, found)
        where = prover.place(problem, count, EFFORT * patience)
        if where == "impossible":
            return "impossible"
        if where != "unknown":
            return Start(instance, numbers, placed_at(numbers, [where[unit[0]] for unit in instance.units]))
        if budget.late():
            break
    return "unknown"


def verdict(problem: Problem, prover: Prover, rounds: int = FEW_ROUNDS) -> Verdict:
    """As :func:`decide`, without the placement and with less patience: for questions of which there are many."""
    answer: Decision = "unknown" if prover.budget.late() else decide(problem, prover, rounds)
    return "possible" if isinstance(answer, Start) else answer


def _after(looks: int, late: Late) -> Late:
    """Late after so many looks, or when it really is."""
    left = iter(range(looks))
    return lambda: next(left, None) is None or late()
