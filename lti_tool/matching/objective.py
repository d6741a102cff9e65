"""J and its terms, from the definitions, for a whole set of cohorts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lti_tool.matching.problem import Person, Problem

Cohorts = Sequence[Sequence[Person]]


def terms(problem: Problem, cohorts: Cohorts) -> dict[str, float]:
    """Each term without its weight, keyed as in the solution's JSON."""
    found = {f"spread:{w.attribute}": _spread(w.attribute, cohorts) for w in problem.spread}
    found |= {f"balance:{w.attribute}": _balance(w.attribute, cohorts) for w in problem.balance}
    found |= {f"gather:{w.attribute}": _gather(w.attribute, cohorts) for w in problem.gather}
    if problem.previous is not None:
        before = problem.previous.cohorts
        found["previous"] = float(sum(before.get(p.id, c) != c for c, cohort in enumerate(cohorts) for p in cohort))
    return found


def objective(problem: Problem, term: dict[str, float]) -> float:
    """J, the weighted sum of the terms."""
    weights = {f"spread:{w.attribute}": w.weight for w in problem.spread}
    weights |= {f"balance:{w.attribute}": w.weight for w in problem.balance}
    weights |= {f"gather:{w.attribute}": w.weight for w in problem.gather}
    if problem.previous is not None:
        weights["previous"] = problem.previous.weight
    return sum(weights[name] * value for name, value in term.items())


def _spread(attribute: str, cohorts: Cohorts) -> float:
    inside = [Counter(person.value(attribute) for person in cohort) for cohort in cohorts]
    overall = sum(inside, Counter())
    return sum((n[v] - total / len(cohorts)) ** 2 for v, total in overall.items() for n in inside)


def _gather(attribute: str, cohorts: Cohorts) -> float:
    return sum(
        (len(cohort) ** 2 - sum(n * n for n in Counter(p.value(attribute) for p in cohort).values())) / 2
        for cohort in cohorts
    )


def _balance(attribute: str, cohorts: Cohorts) -> float:
    known = [[float(p.attributes[attribute]) for p in cohort if attribute in p.attributes] for cohort in cohorts]
    everyone = [x for cohort in known for x in cohort]
    if not everyone or min(everyone) == max(everyone):
        return 0.0
    mean = sum(everyone) / len(everyone)
    variance = sum((x - mean) ** 2 for x in everyone) / len(everyone)
    return sum(len(xs) * (sum(xs) / len(xs) - mean) ** 2 for xs in known if xs) / variance
