"""The answer to a problem whose rules cannot all hold: which, and what would help."""

from __future__ import annotations

from lti_tool.matching.budget import Budget
from lti_tool.matching.conflict import minimal_conflict, narrowed
from lti_tool.matching.exact import Prover
from lti_tool.matching.problem import Problem
from lti_tool.matching.relaxing import further_relaxations, relaxation_of
from lti_tool.matching.rules import hard
from lti_tool.matching.solution import Solution
from lti_tool.matching.telling import told

NOT_MINIMAL = "These rules cannot hold together; perhaps fewer of them already cannot."
FOR_ALL, FOR_CONFLICT, FOR_PEOPLE = 0.9, 0.7, 0.3
"""Of the time that remains: for the answer; of that for a minimal set of rules, then for whom of each it takes."""


def refusal(problem: Problem, seed: int, budget: Budget) -> Solution:
    """The conflict of a problem that is proved impossible, within the budget."""
    bare, limit = hard(problem), budget.share(FOR_ALL)
    clash = minimal_conflict(bare, Prover(seed, limit.share(FOR_CONFLICT)))
    clash = narrowed(bare, clash, Prover(seed, limit.share(FOR_PEOPLE)))
    prover = Prover(seed, limit)
    relaxations = [relaxation_of(bare, clash, rule, prover) for rule in clash.rules]
    alone = any(relaxation is not None and relaxation.helps for relaxation in relaxations)
    further = further_relaxations(bare, clash, prover, alone=alone)
    return Solution(
        "infeasible",
        seed,
        budget.elapsed(),
        conflict=tuple(
            told(problem, clash, rule, relaxation) for rule, relaxation in zip(clash.rules, relaxations, strict=True)
        ),
        relaxations=tuple(further),
        text=None if clash.minimal else NOT_MINIMAL,
    )
