"""Forming cohorts: every hard rule kept, and J as small as the budget allows."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from lti_tool.matching.bound import lower_bound, sharpened_bound
from lti_tool.matching.budget import Budget, Cancelled, Clock, never
from lti_tool.matching.compiled.jit import Ints
from lti_tool.matching.decision import Start, decide
from lti_tool.matching.exact import Prover
from lti_tool.matching.feasible import placed_at
from lti_tool.matching.instance import Instance
from lti_tool.matching.joint import Pace
from lti_tool.matching.numbering import cohorts_of, question
from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Person, Problem
from lti_tool.matching.refusing import refusal
from lti_tool.matching.search import Progress, Search, improve
from lti_tool.matching.solution import Solution

ROUNDING = 1e-9
SHARE_OF_BOUND = 0.4
"""Of the time, at most, to make the bound sharp where terms pull in opposite directions."""
SHORT = 2.0
"""Seconds; with less time the share is smaller too, since good cohorts matter more than to know how good they are."""
STEPS_OF_BOUND = 8_000
ITERATIONS_PER_STEP = 100
"""Of the search, for one step of the bound, which takes longer."""

WITH_EVERYTHING = {
    "people": [
        {"id": str(i), "attributes": {"site": i, "team": i % 3, "level": i}, "slots": ["noon"]} for i in range(4)
    ],
    "size": {"min": 1, "max": 3},
    "cohorts": 2,
    "spread": [{"attribute": "team"}],
    "gather": [{"attribute": "site"}],
    "balance": [{"attribute": "level"}],
    "common_slots": 1,
}
"""A problem that leaves nothing of the compiled code out."""

NOTHING_KNOWN = "No cohorts that keep every rule were found in the time, and there is no proof that none exist."


def solve(
    problem: Problem,
    *,
    seed: int,
    now: Clock,
    seconds: float | None = 2.0,
    iterations: int | None = None,
    progress: Progress | None = None,
    threads: int = 1,
    cancelled: Cancelled = never,
) -> Solution:
    """Place everybody, or say which rules prevent it.

    ``now`` gives seconds (``time.monotonic``); the search ends after ``seconds`` or ``iterations`` of each thread,
    whichever comes first, when ``cancelled`` says so, or when J has reached the lower bound. With iterations and
    without a time limit, the same problem, seed and threads give the same cohorts on every run; more iterations or
    threads never give worse ones.
    """
    load_compiled()
    return _solve(problem, seed, Budget(now, seconds, iterations, cancelled), progress, threads)


def polished(
    problem: Problem, where: Sequence[int], *, seed: int, now: Clock, seconds: float | None, iterations: int | None
) -> Solution:
    """The best answer that is found from a placement of the people which keeps every hard rule; never a worse one."""
    load_compiled()
    instance = Instance.of(problem, max(where) + 1)
    numbers = question(problem, instance)
    start = Start(instance, numbers, placed_at(numbers, [where[unit[0]] for unit in instance.units]))
    return _improve(problem, start, Budget(now, seconds, iterations), seed, None, 1)


@functools.cache
def load_compiled() -> None:
    """Load the compiled code, or compile it where nothing prepared that; takes no time from a search's budget."""
    _solve(Problem.from_json(WITH_EVERYTHING), 0, Budget(lambda: 0.0, None, 1), None, 1)


def _solve(problem: Problem, seed: int, budget: Budget, progress: Progress | None, threads: int) -> Solution:
    found = decide(problem, Prover(seed, budget), insist=True)
    if found == "unknown":
        return Solution("unknown", seed, budget.elapsed(), text=NOTHING_KNOWN, cut_short=budget.seconds is not None)
    if found == "impossible":
        return refusal(problem, seed, budget)
    return _improve(problem, found, budget, seed, progress, threads)


def _improve(
    problem: Problem, start: Start, budget: Budget, seed: int, progress: Progress | None, threads: int
) -> Solution:
    instance = start.instance
    bound = lower_bound(problem, instance.count)

    def cost(where: Ints) -> float:
        return objective(problem, terms(problem, cohorts_of(problem, instance, where)))

    searches = [Search(start, cost, bound, seed + i, budget.late) for i in range(threads)]
    # The search comes first, so that there is something good at any moment; it goes on when the bound is sharp.
    until = 1.0 if budget.iterations is not None else 1.0 - _share_of_bound(budget)
    best = improve(searches, budget, until, progress)
    if min(search.best_cost for search in searches) > bound + ROUNDING:
        bound = sharpened_bound(problem, instance.count, _pace(budget))
        for search in searches:
            search.aim_at(bound)
        best = improve(searches, budget, 1.0, progress)
    cohorts = cohorts_of(problem, instance, best)
    term = terms(problem, cohorts)
    reached = objective(problem, term)
    return Solution(
        status="solved",
        seed=seed,
        seconds=budget.elapsed(),
        cohorts=tuple(tuple(person.id for person in cohort) for cohort in cohorts),
        objective=reached,
        terms=term,
        # J and a bound that it reaches are rounded differently.
        lower_bound=reached if reached - bound < ROUNDING * max(1.0, reached) else bound,
        slots=tuple(_common_slots(cohort) for cohort in cohorts) if problem.common_slots else None,
        iterations=budget.used,
    )


def _share_of_bound(budget: Budget) -> float:
    return SHARE_OF_BOUND if budget.seconds is None else SHARE_OF_BOUND * min(1.0, budget.seconds / SHORT)


def _pace(budget: Budget) -> Pace:
    steps = STEPS_OF_BOUND if budget.iterations is None else 1 + budget.iterations // ITERATIONS_PER_STEP
    seconds = None if budget.seconds is None else max(0.0, budget.seconds - budget.elapsed())
    return Pace(min(steps, STEPS_OF_BOUND), seconds, budget.now, budget.late)


def _common_slots(cohort: list[Person]) -> tuple[str, ...]:
    first, *others = cohort
    return tuple(slot for slot in first.slots if all(slot in person.slots for person in others))
