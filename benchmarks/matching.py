"""How good cohorts are, how soon, and how sure that is, beside other ways to form them.

`python -m benchmarks matching` prints the table and draws what `docs/matching.md` shows, in 40 minutes; SECONDS=20
gives the peers, and the long runs beside them, less than a minute each. Seconds are those of one core that is used,
so that other programs take nothing away (CP-SAT's are by the clock, of two cores).
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import matching_plots
from benchmarks.matching_peers import PEERS, Model
from benchmarks.matching_problems import mixed, mixed_with_rules, planted, spread, spread_with_slots
from lti_tool.matching.checker import check
from lti_tool.matching.forming import load_compiled, solve
from lti_tool.matching.problem import Problem
from lti_tool.matching.sizes import cohort_count
from lti_tool.matching.solution import Solution

CURVES = Path(__file__).parent / "results" / "matching-curves.json"

SPREAD_SIZES = (24, 120, 1000, 3000)
MIXED_SIZES = (24, 60, 120, 400, 1000)
LONG = float(os.environ.get("SECONDS", "60"))
"""What each peer gets, and the run of ours that the short ones are held against."""
MEDIAN_GAP = {"mixed": 0.04, "mixed, with rules": 0.15}

Make = Callable[[int], dict[str, Any]]


def run() -> list[dict[str, Any]]:
    """The rows of the table; what the plots need goes to a file."""
    load_compiled()
    rows: list[dict[str, Any]] = []
    for name, make in (("spread", spread), ("spread, common slots", spread_with_slots), ("planted", planted)):
        rows += [_time_to_proof(name, make(people)) for people in SPREAD_SIZES]
    curves: dict[str, Any] = {}
    rows += _mixed_rows("mixed", mixed, curves)
    rows += _mixed_rows("mixed, with rules", mixed_with_rules, curves)
    CURVES.parent.mkdir(exist_ok=True)
    CURVES.write_text(json.dumps(curves))
    matching_plots.draw(CURVES, LONG)
    return rows


def _time_to_proof(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Seconds until the optimum is proved, which ends the search."""
    people = len(data["people"])
    goal = 1.0 if people <= 1000 else 2.0
    answer = _solved(data, 10.0)
    proved = answer.gap == 0
    holds = proved and answer.seconds <= goal
    name = f"{kind}, {people} people: time to the proved optimum"
    return _row(name, answer.seconds, None, "s" if proved else "s, not proved", goal=goal, holds=holds)


def _mixed_rows(kind: str, make: Make, curves: dict[str, Any]) -> list[dict[str, Any]]:
    rows, gaps = [], []
    for people in MIXED_SIZES:
        data, name = make(people), f"{kind}, {people} people"
        short, middle, long = (_solved(data, seconds) for seconds in (1.0, 10.0, LONG))
        found = {"Peerloop": _curve(data)}
        # The peers keep no hard rules, so they would only solve an easier problem.
        if kind == "mixed":
            found |= _peers(Problem.from_json(data))
        best = min(_least(long), *(points[-1][1] for points in found.values() if points))
        first, second = (1.01, 1.002) if people <= 400 else (1.04, 1.02)
        rows.append(_beside_best(f"{name}: J at 1 s", _least(short), best, first))
        rows.append(_beside_best(f"{name}: J at 10 s", _least(middle), best, second))
        for peer, points in found.items():
            if peer != "Peerloop":
                rows.append(_row(f"{name}: J at 1 s, {peer} at {LONG:.0f} s", _least(short), _last(points), "J"))
        sharp = _solved(data, 2.0)
        gaps.append(sharp.gap or 0.0)
        rows.append(_row(f"{name}: proved gap at 2 s", gaps[-1], None, "(J - L) / L"))
        curves[name] = {"bound": long.lower_bound, "found": found}
    goal = MEDIAN_GAP[kind]
    median = statistics.median(gaps)
    return [*rows, _row(f"{kind}: median gap at 2 s", median, None, "(J - L) / L", goal=goal, holds=median <= goal)]


def _peers(problem: Problem) -> dict[str, list[tuple[float, float]]]:
    model = Model(problem, cohort_count(problem) or 1)
    return {name: list(peer(model, LONG)) for name, peer in PEERS.items()}


def _curve(data: dict[str, Any]) -> list[tuple[float, float]]:
    """J over the time of a run as long as the peers'."""
    points: list[tuple[float, float]] = []

    def note(spent: float, best: float) -> None:
        if not points or best < points[-1][1] - 1e-9:
            points.append((spent * LONG, best))

    solve(Problem.from_json(data), seed=3, now=time.process_time, seconds=LONG, progress=note)
    return points


def _solved(data: dict[str, Any], seconds: float) -> Solution:
    answer = solve(Problem.from_json(data), seed=1, now=time.process_time, seconds=seconds)
    wrong = check(data, answer.to_json())
    if wrong or answer.status != "solved":
        raise SystemExit(f"{len(data['people'])} people: {wrong or answer.text}")
    return answer


def _least(answer: Solution) -> float:
    assert answer.objective is not None
    return answer.objective


def _last(points: list[tuple[float, float]]) -> float | None:
    return points[-1][1] if points else None


def _beside_best(name: str, ours: float, best: float, most: float) -> dict[str, Any]:
    """Ours beside the best that anybody found in any time."""
    row = _row(name, ours, best, "J, best known", goal=round(1 / most, 4))
    return row | {"holds": ours <= most * best}


def _row(
    name: str, ours: float, peer: float | None, unit: str, *, goal: float | None = None, holds: bool | None = None
) -> dict[str, Any]:
    ratio = peer / ours if peer is not None and ours else None
    return {"name": name, "ours": ours, "peer": peer, "unit": unit, "ratio": ratio, "goal": goal, "holds": holds}
