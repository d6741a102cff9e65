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
FOR_ALL = 0.7
"""Of the time that remains."""
FOR_CONFLICT, FOR_PEOPLE, FOR_WAYS = 5.0, 3.0, 3.0
"""Of effort: for a minimal set of rules, for whom of each it takes, and for what helps. No part of it depends on how
fast the machine is; where the time ends before the effort, the answer says that it was cut short.
"""
SEED = 1
"""The same for every question, so that the same rules are told whichever cohorts were looked for."""


def refusal(problem: Problem, seed: int, budget: Budget) -> Solution:
    """The conflict of a problem that is proved impossible, within the budget."""
    bare, limit = hard(problem), budget.share(FOR_ALL)
    provers = [Prover(SEED, limit, effort) for effort in (FOR_CONFLICT, FOR_PEOPLE, FOR_WAYS)]
    clash = narrowed(bare, minimal_conflict(bare, provers[0]), provers[1])
    prover = provers[2]
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
        cut_short=limit.late() or any(prover.starved for prover in provers),
    )
