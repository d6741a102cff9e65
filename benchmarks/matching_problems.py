"""Courses to form cohorts of, made by a seed: the same on every machine."""

from __future__ import annotations

from random import Random
from typing import Any

SLOTS = [f"slot {j}" for j in range(10)]
EVENINGS = ("monday evening", "tuesday evening", "thursday evening")


def course(people: int, seed: int = 0) -> dict[str, Any]:
    """Three attributes of 7, 4 and 3 values, a number, two of three evenings and other slots; cohorts of about 12."""
    rng = Random(1000 * people + seed)
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
                "slots": [*rng.sample(EVENINGS, 2), *rng.sample(SLOTS, 3)],
            }
            for i in range(people)
        ],
        "size": {"min": 8, "max": 20, "target": 12},
    }


def spread(people: int, seed: int = 0) -> dict[str, Any]:
    """Three attributes to spread."""
    return course(people, seed) | {"spread": [{"attribute": a} for a in ("department", "site", "experience")]}


def spread_with_slots(people: int, seed: int = 0) -> dict[str, Any]:
    """The same, and a slot in common in each cohort."""
    return spread(people, seed) | {"common_slots": 1}


def planted(people: int, seed: int = 0) -> dict[str, Any]:
    """Cohorts of twelve that are all alike, shuffled: J = 0 can be reached, in one of very many ways."""
    problem = spread(people // 12 * 12, seed)
    order = list(range(len(problem["people"])))
    Random(seed).shuffle(order)
    for place, person in zip(order, problem["people"], strict=True):
        kind = place % 12
        person["attributes"] |= {
            "department": "ABCDEF"[kind % 6],
            "site": "LMPQ"[kind % 4],
            "experience": ("new", "some", "much")[kind // 4],
        }
    return problem


def mixed(people: int, seed: int = 0) -> dict[str, Any]:
    """Two attributes to spread, one to gather, a number to balance."""
    return course(people, seed) | {
        "spread": [{"attribute": a} for a in ("department", "experience")],
        "balance": [{"attribute": "level"}],
        "gather": [{"attribute": "site", "weight": 0.5}],
    }


def mixed_with_rules(people: int, seed: int = 0) -> dict[str, Any]:
    """The same, with some people apart and some together, a value that is not alone, and locks."""
    rng = Random(seed)
    some = [f"u{i}" for i in rng.sample(range(people), 3 * (2 * (people // 200 + 2)) + 4)]
    pairs = [some[i : i + 2] for i in range(0, len(some), 2)]
    third = people // 200 + 2
    return mixed(people, seed) | {
        "apart": pairs[:third],
        "together": pairs[third : 2 * third],
        "not_alone": [{"attribute": "experience", "value": "new"}],
        "locked": {pair[0]: i % (people // 12) for i, pair in enumerate(pairs[2 * third : 2 * third + 5])},
    }
