"""Every possible answer of a tiny problem, judged by the independent checker."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from lti_tool.matching.checker import check


def feasible_objectives(problem: dict[str, Any], count: int) -> Iterator[float]:
    """J of every placement in ``count`` cohorts that the checker finds no rule broken in."""
    people = [person["id"] for person in problem["people"]]
    for where in product(range(count), repeat=len(people)):
        cohorts = [[p for p, c in zip(people, where, strict=True) if c == k] for k in range(count)]
        if all(cohorts):
            objective = _judged(problem, cohorts)
            if objective is not None:
                yield objective


def _judged(problem: dict[str, Any], cohorts: list[list[str]]) -> float | None:
    """The checker complains of wrong figures only, and so tells the right J: None when a rule is broken."""
    names = [
        f"{term}:{wish['attribute']}" for term in ("spread", "balance", "gather") for wish in problem.get(term, [])
    ]
    names += ["previous"] if problem.get("previous") else []
    shared = [
        sorted(set.intersection(*(set(p["slots"]) for p in problem["people"] if p["id"] in cohort)))
        if problem.get("common_slots")
        else []
        for cohort in cohorts
    ]
    nothing = {
        "status": "solved",
        "cohorts": cohorts,
        "terms": dict.fromkeys(names, -1e9),
        "objective": -1e9,
        "lower_bound": -1e9,
        "gap": -1e9,
        "slots": shared,
    }
    complaints = check(problem, nothing)
    figures = [c for c in complaints if c.startswith("J is ")]
    others = [c for c in complaints if not c.startswith(("J is ", "the gap is ")) and c.split(" is ")[0] not in names]
    return None if others else float(figures[0].removeprefix("J is ").split(",")[0])


def possible(problem: dict[str, Any]) -> bool:
    """Whether any placement at all keeps the hard rules; the defaults of the format must be written out."""
    people, size, count = problem["people"], problem["size"], _count(problem)
    if count is None:
        return False
    for where in product(range(count), repeat=len(people)):
        sizes = [where.count(c) for c in range(count)]
        if size["min"] <= min(sizes) and max(sizes) <= min(size["max"], min(sizes) + size["slack"]):
            cohorts = [[p for p, c in zip(people, where, strict=True) if c == k] for k in range(count)]
            if _keeps(problem, cohorts):
                return True
    return False


def _count(problem: dict[str, Any]) -> int | None:
    people, size = len(problem["people"]), problem["size"]
    if problem["cohorts"] is not None:
        return int(problem["cohorts"])
    fitting = [k for k in range(1, people + 1) if k * size["min"] <= people <= k * size["max"]]
    return min(fitting, key=lambda k: abs(people / k - size["target"]), default=None)


def _keeps(problem: dict[str, Any], cohorts: list[list[dict[str, Any]]]) -> bool:
    at = {person["id"]: c for c, cohort in enumerate(cohorts) for person in cohort}
    slots = [set.intersection(*(set(person["slots"]) for person in cohort)) for cohort in cohorts]
    alone = [
        sum(person["attributes"].get(rule["attribute"], "unknown") == rule["value"] for person in cohort)
        for rule in problem["not_alone"]
        for cohort in cohorts
    ]
    return (
        all(len({at[person] for person in group}) == 1 for group in problem["together"])
        and all(len({at[person] for person in group}) == len(group) for group in problem["apart"])
        and all(at[person] == cohort for person, cohort in problem["locked"].items())
        and all(len(common) >= problem["common_slots"] for common in slots)
        and 1 not in alone
    )
