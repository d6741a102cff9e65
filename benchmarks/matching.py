"""How good cohorts are after one second, beside random restarts with the same rules, time and objective.

`python -m benchmarks matching` prints the table.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

from lti_tool.matching.checker import check
from lti_tool.matching.forming import solve
from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Problem

SECONDS = 1.0
PEOPLE = (60, 200, 1000)


def course(people: int) -> dict[str, Any]:
    rng = Random(people)
    return {
        "people": [
            {
                "id": f"u{i}",
                "attributes": {
                    "department": rng.choice("ABCDEFG"),
                    "site": rng.choice("LMPQ"),
                    "experience": rng.choice(["new", "some", "much"]),
                    "level": rng.gauss(3, 1),
                },
            }
            for i in range(people)
        ],
        "size": {"min": 8, "max": 20, "target": 12},
    }


def spread_only(people: int) -> dict[str, Any]:
    return course(people) | {"spread": [{"attribute": a} for a in ("department", "site", "experience")]}


def mixed(people: int) -> dict[str, Any]:
    return course(people) | {
        "spread": [{"attribute": a} for a in ("department", "experience")],
        "balance": [{"attribute": "level"}],
        "gather": [{"attribute": "site", "weight": 0.5}],
    }


def random_restarts(problem: Problem, count: int, seconds: float) -> float:
    """The least J of as many even random placements as fit into the time."""
    rng, people = Random(1), list(problem.people)
    best, deadline = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        rng.shuffle(people)
        placement = [people[c::count] for c in range(count)]
        best = min(best, objective(problem, terms(problem, placement)))
    return best


def run() -> list[dict[str, Any]]:
    """J of ours and of the peer (smaller is better), our gap to the lower bound, our time."""
    table: list[dict[str, Any]] = []
    for kind, make in (("spread", spread_only), ("mixed", mixed)):
        for people in PEOPLE:
            data = make(people)
            problem = Problem.from_json(data)
            answer = solve(problem, seed=1, now=time.monotonic, seconds=SECONDS)
            violations = check(data, answer.to_json())
            if violations or answer.objective is None or answer.gap is None:
                raise SystemExit(f"{kind}, {people} people: {violations or answer.text}")
            name = f"cohorts: {kind}, {people} people"
            peer = random_restarts(problem, len(answer.cohorts), SECONDS)
            table += [
                row(f"{name}, J", answer.objective, peer, "J"),
                row(f"{name}, gap to the bound", answer.gap, None, "(J - L) / L"),
                row(f"{name}, time", answer.seconds, SECONDS, "s"),
            ]
    return table


def row(name: str, ours: float, peer: float | None, unit: str) -> dict[str, Any]:
    ratio = ours / peer if peer else None
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "unit": unit,
        "ratio": ratio,
        "goal": None,
        "holds": None,
    }
