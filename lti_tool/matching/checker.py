"""An independent judge of solutions: it shares no code with the solver and works on the JSON forms alone.

Whatever is recomputed here is written from the definitions a second time, on purpose: an error of the solver
must not be able to hide in a function that both use.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeGuard

Json = Mapping[str, Any]

TOLERANCE = 1e-6
"""Largest allowed difference of two figures, relative to the larger of the figure and 1."""


def check(problem: Json, solution: Json) -> list[str]:
    """What is wrong with a solution of a well-formed problem, in words; empty when nothing is.

    Rules, J, its terms and the gap are recomputed; of the lower bound it is checked that it is not above J.
    An answer without cohorts keeps no rule that could be checked; only its shape is.
    """
    if not isinstance(solution, Mapping):
        return ["the solution is not an object"]
    status = solution.get("status")
    if status == "infeasible":
        return [] if _is_conflict(solution.get("conflict")) else ["an infeasible answer names no conflict"]
    if status == "unknown":
        return ["an unknown answer has cohorts"] if "cohorts" in solution else []
    if status != "solved":
        return [f"the status {status!r} is none of solved, infeasible, unknown"]
    cohorts = solution.get("cohorts")
    if not _is_list_of_texts(cohorts):
        return ["the cohorts are not lists of people"]
    wrong = _membership(problem, cohorts)
    if wrong:
        return wrong
    return _rules(problem, cohorts) + _slots_reported(problem, solution) + _figures(problem, solution)


def _is_conflict(conflict: object) -> bool:
    return (
        isinstance(conflict, list)
        and bool(conflict)
        and all(isinstance(item, Mapping) and item.get("rule") and item.get("text") for item in conflict)
    )


def _is_list_of_texts(cohorts: object) -> TypeGuard[list[list[str]]]:
    return (
        isinstance(cohorts, list)
        and bool(cohorts)
        and all(isinstance(c, list) and all(isinstance(person, str) for person in c) for c in cohorts)
    )


def _membership(problem: Json, cohorts: list[list[str]]) -> list[str]:
    known = [person["id"] for person in problem["people"]]
    placed = [person for cohort in cohorts for person in cohort]
    wrong = [f"{person} is not one of the people" for person in sorted(set(placed) - set(known))]
    wrong += [f"{person} is in no cohort" for person in sorted(set(known) - set(placed))]
    wrong += [f"{person} is in two places" for person, times in sorted(Counter(placed).items()) if times > 1]
    return wrong


def _rules(problem: Json, cohorts: list[list[str]]) -> list[str]:
    at = {person: c for c, cohort in enumerate(cohorts) for person in cohort}
    wrong = _sizes(problem, cohorts)
    for group in problem.get("together") or []:
        if len({at[person] for person in group}) > 1:
            wrong.append(f"{', '.join(group)} are not together")
    for group in problem.get("apart") or []:
        for first, second in itertools.combinations(group, 2):
            if at[first] == at[second]:
                wrong.append(f"{first} and {second} are not apart")
    for person, cohort in (problem.get("locked") or {}).items():
        if at[person] != cohort:
            wrong.append(f"{person} is in cohort {at[person]}, but locked in {cohort}")
    return wrong + _alone(problem, cohorts) + _too_few_slots(problem, cohorts)


def _sizes(problem: Json, cohorts: list[list[str]]) -> list[str]:
    rule, sizes = problem["size"], [len(cohort) for cohort in cohorts]
    wrong = []
    expected = _expected_cohorts(problem)
    if expected != len(cohorts):
        wrong.append(f"there are {len(cohorts)} cohorts, not {expected}")
    for c, size in enumerate(sizes):
        if size < rule["min"] or size > rule["max"]:
            wrong.append(f"cohort {c} has {size} people, not {rule['min']} to {rule['max']}")
    slack = rule.get("slack", 1)
    if max(sizes) - min(sizes) > slack:
        wrong.append(f"the sizes differ by {max(sizes) - min(sizes)}, more than {slack}")
    return wrong


def _expected_cohorts(problem: Json) -> int | None:
    if problem.get("cohorts") is not None:
        return int(problem["cohorts"])
    people, rule = len(problem["people"]), problem["size"]
    target = rule.get("target", (rule["min"] + rule["max"]) / 2)
    best: int | None = None
    for count in range(1, people + 1):
        fits = count * rule["min"] <= people <= count * rule["max"]
        if fits and (best is None or abs(people / count - target) < abs(people / best - target)):
            best = count
    return best


def _alone(problem: Json, cohorts: list[list[str]]) -> list[str]:
    wrong = []
    for rule in problem.get("not_alone") or []:
        value = _column(problem, rule["attribute"])
        for c, cohort in enumerate(cohorts):
            having = [person for person in cohort if value[person] == rule["value"]]
            if len(having) == 1:
                wrong.append(f"{having[0]} is the only {rule['value']!r} in cohort {c}")
    return wrong


def _too_few_slots(problem: Json, cohorts: list[list[str]]) -> list[str]:
    needed = problem.get("common_slots") or 0
    if needed == 0:
        return []
    return [
        f"cohort {c} shares {len(shared)} slots, not {needed}"
        for c, shared in enumerate(_shared_slots(problem, cohorts))
        if len(shared) < needed
    ]


def _shared_slots(problem: Json, cohorts: list[list[str]]) -> list[set[str]]:
    named = {person["id"]: set(person.get("slots") or []) for person in problem["people"]}
    return [set.intersection(*(named[person] for person in cohort)) if cohort else set() for cohort in cohorts]


def _slots_reported(problem: Json, solution: Json) -> list[str]:
    if not problem.get("common_slots"):
        return []
    reported = solution.get("slots")
    shared = _shared_slots(problem, solution["cohorts"])
    if not isinstance(reported, list) or [set(slots) for slots in reported] != shared:
        return ["the reported slots are not those that all members share"]
    return []


def _figures(problem: Json, solution: Json) -> list[str]:
    terms, weights = _terms(problem, solution["cohorts"])
    reported = solution.get("terms")
    if not isinstance(reported, Mapping) or set(reported) != set(terms):
        return [f"the terms reported are not {', '.join(sorted(terms)) or 'none'}"]
    wrong = [
        f"{name} is {terms[name]:.6g}, not {reported[name]!r}"
        for name in terms
        if not _same(reported[name], terms[name])
    ]
    objective = math.fsum(weights[name] * terms[name] for name in terms)
    if not _same(solution.get("objective"), objective):
        wrong.append(f"J is {objective:.6g}, not {solution.get('objective')!r}")
    return wrong + _bound(solution, objective)


def _bound(solution: Json, objective: float) -> list[str]:
    bound, gap = solution.get("lower_bound"), solution.get("gap")
    if not _is_number(bound):
        return ["the lower bound is not a number"]
    if bound > objective + TOLERANCE * max(1.0, abs(objective)):
        return [f"the lower bound {bound:.6g} is above J, which is {objective:.6g}"]
    expected = (objective - bound) / max(bound, 1)
    return [] if _same(gap, expected) else [f"the gap is {expected:.6g}, not {gap!r}"]


def _terms(problem: Json, cohorts: list[list[str]]) -> tuple[dict[str, float], dict[str, float]]:
    terms: dict[str, float] = {}
    weights: dict[str, float] = {}
    for name, measure in (("spread", _uneven), ("balance", _unbalanced), ("gather", _mixed)):
        for wish in problem.get(name) or []:
            key = f"{name}:{wish['attribute']}"
            terms[key] = measure(_column(problem, wish["attribute"]), cohorts)
            weights[key] = wish.get("weight", 1.0)
    previous = problem.get("previous")
    if previous is not None:
        at = {person: c for c, cohort in enumerate(cohorts) for person in cohort}
        terms["previous"] = float(sum(at[person] != c for person, c in previous["cohorts"].items()))
        weights["previous"] = previous.get("weight", 0.0)
    return terms, weights


def _column(problem: Json, attribute: str) -> dict[str, Any]:
    column = {}
    for person in problem["people"]:
        value = (person.get("attributes") or {}).get(attribute)
        column[person["id"]] = "unknown" if value is None else value
    return column


def _uneven(value: dict[str, Any], cohorts: list[list[str]]) -> float:
    everyone = list(value.values())
    squares = []
    for v in set(everyone):
        ideal = everyone.count(v) / len(cohorts)
        squares += [(sum(value[person] == v for person in cohort) - ideal) ** 2 for cohort in cohorts]
    return math.fsum(squares)


def _mixed(value: dict[str, Any], cohorts: list[list[str]]) -> float:
    return float(
        sum(
            value[first] != value[second] for cohort in cohorts for first, second in itertools.combinations(cohort, 2)
        )
    )


def _unbalanced(value: dict[str, Any], cohorts: list[list[str]]) -> float:
    groups = [[float(value[p]) for p in cohort if value[p] != "unknown"] for cohort in cohorts]
    everyone = [x for group in groups for x in group]
    if len(set(everyone)) < 2:
        return 0.0
    mean, variance = statistics.fmean(everyone), statistics.pvariance(everyone)
    return math.fsum(len(g) * (statistics.fmean(g) - mean) ** 2 for g in groups if g) / variance


def _is_number(figure: object) -> TypeGuard[float]:
    return isinstance(figure, int | float) and not isinstance(figure, bool) and math.isfinite(figure)


def _same(reported: Any, true: float) -> bool:
    return _is_number(reported) and abs(reported - true) <= TOLERANCE * max(1.0, abs(true))
