"""Compile the search ahead of time: ``python -m lti_tool.matching.preparing``, and the start of every process."""

from __future__ import annotations

from lti_tool.matching.compiled import cache

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


def prepare() -> None:
    """Make sure that nobody will wait for the compiler. The first time takes up to 30 seconds, then a moment."""
    if cache.is_complete():
        return
    from lti_tool.matching.forming import solve
    from lti_tool.matching.problem import Problem

    solve(Problem.from_json(WITH_EVERYTHING), seed=0, now=lambda: 0.0, seconds=None, iterations=1)
    cache.completed()


if __name__ == "__main__":
    prepare()
