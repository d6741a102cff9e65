"""Forming cohorts: every hard rule kept, and J as small as the budget allows."""

from __future__ import annotations

from random import Random

from lti_tool.matching.anneal import Annealer, Progress
from lti_tool.matching.bound import lower_bound
from lti_tool.matching.budget import Budget, Clock
from lti_tool.matching.conflict import minimal_conflict
from lti_tool.matching.decision import decide
from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Person, Problem
from lti_tool.matching.solution import Solution
from lti_tool.matching.state import State

NOT_MINIMAL = "These rules cannot hold together; perhaps fewer of them already cannot."
NOTHING_KNOWN = "No cohorts that keep every rule were found in the time, and there is no proof that none exist."


def solve(
    problem: Problem,
    *,
    seed: int,
    now: Clock,
    seconds: float | None = 2.0,
    iterations: int | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Place everybody, or say which rules prevent it.

    ``now`` gives seconds (``time.monotonic``); the search ends after ``seconds`` or ``iterations``, whichever
    comes first, or when J has reached the lower bound. With iterations and without a time limit, the same
    problem and seed give the same cohorts on every run.
    """
    budget = Budget(now, seconds, iterations)
    rng = Random(seed)  # noqa: S311 - repeatable choices, nothing secret
    found = decide(problem, rng, budget.late)
    while found == "unknown" and seconds is not None and not budget.late():
        found = decide(problem, rng, budget.late)
    if found == "unknown":
        return Solution("unknown", seed, budget.elapsed(), text=NOTHING_KNOWN)
    if found == "impossible":
        conflict, minimal = minimal_conflict(problem, rng, budget.late)
        text = None if minimal else NOT_MINIMAL
        return Solution("infeasible", seed, budget.elapsed(), conflict=conflict, text=text)
    return _improve(problem, found, budget, seed, progress, rng)


def _improve(
    problem: Problem, state: State, budget: Budget, seed: int, progress: Progress | None, rng: Random
) -> Solution:
    bound = lower_bound(problem, state.instance.count)
    start = objective(problem, terms(problem, _cohorts(problem, state, state.where)))
    annealer = Annealer(state, start, rng)
    annealer.run(budget, bound, progress)
    cohorts = _cohorts(problem, state, annealer.best)
    term = terms(problem, cohorts)
    reached = objective(problem, term)
    return Solution(
        status="solved",
        seed=seed,
        seconds=budget.elapsed(),
        cohorts=tuple(tuple(person.id for person in cohort) for cohort in cohorts),
        objective=reached,
        terms=term,
        # Rounding may put J a hair below the bound that it reaches.
        lower_bound=min(bound, reached),
        slots=tuple(_common_slots(cohort) for cohort in cohorts) if problem.common_slots else None,
        iterations=budget.used,
    )


def _cohorts(problem: Problem, state: State, where: list[int]) -> list[list[Person]]:
    """The people of each cohort, in the problem's order."""
    placed = {i: where[u] for u, unit in enumerate(state.instance.units) for i in unit}
    cohorts: list[list[Person]] = [[] for _ in range(state.instance.count)]
    for i, person in enumerate(problem.people):
        cohorts[placed[i]].append(person)
    return cohorts


def _common_slots(cohort: list[Person]) -> tuple[str, ...]:
    first, *others = cohort
    return tuple(slot for slot in first.slots if all(slot in person.slots for person in others))
