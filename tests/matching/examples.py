"""Problems that the tests share."""

from __future__ import annotations

from random import Random
from typing import Any


def a_course(people: int, seed: int = 1, **more: Any) -> dict[str, Any]:
    """A course in the JSON form: 8 to 20 to a cohort, three attributes to spread, a level, five of ten slots
    each.
    """
    rng = Random(seed)
    slots = [f"s{j}" for j in range(10)]
    return {
        "people": [
            {
                "id": f"u{i}",
                "attributes": {
                    "department": rng.choice("ABCDE"),
                    "site": rng.choice(["Lyon", "Oslo", "Pune"]),
                    "gender": rng.choice(["woman", "man"]),
                    "level": round(rng.gauss(3, 1), 2),
                },
                "slots": rng.sample(slots, 5),
            }
            for i in range(people)
        ],
        "size": {"min": 8, "max": 20, "target": 12},
        "spread": [{"attribute": name} for name in ("department", "site", "gender")],
    } | more


def plain(people: int, low: int, high: int, **more: Any) -> dict[str, Any]:
    """People a, b, c… without attributes."""
    return {
        "people": [{"id": chr(ord("a") + i)} for i in range(people)],
        "size": {"min": low, "max": high},
    } | more
