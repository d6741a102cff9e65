"""How long pairing takes, beside CP-SAT on the same question, which is also asked whether it finds anything better.

A cohort has fifteen sessions behind it, from each of which some people stayed away, and everybody likes everybody to
a different degree; so no two solutions are equally good, which is the hardest case. Seconds are of this process's
CPU, since whatever else runs on the machine takes time that is not the solver's.
"""

from __future__ import annotations

import statistics
import time
from itertools import combinations
from random import Random
from typing import Any

from ortools.sat.python import cp_model

from lti_tool.matching.pairing import Group, Preferences, meetings, pair

SIZES = {19: 0.001, 20: 0.001, 21: 0.001, 99: 0.010, 100: 0.010, 101: 0.010}
"""People → the goal in seconds."""
RUNS = 25
SESSIONS = 15
AWAY = 0.15
PEER_SECONDS = 60.0

History = list[tuple[Group, ...]]


def run() -> list[dict[str, Any]]:
    """A row for each number of people, odd ones with the choice of a trio."""
    return [_row(people, goal) for people, goal in SIZES.items()]


def _row(people: int, goal: float) -> dict[str, Any]:
    names, history, preferences = _cohort(people)
    pair(names, history, preferences=preferences)
    spent = [_seconds(names, history, preferences, seed) for seed in range(RUNS)]
    ours = statistics.median(spent)
    groups = pair(names, history, preferences=preferences).groups
    began = time.process_time()
    least = _peer(names, history, preferences)
    peer = time.process_time() - began
    if least is not None and least != _cost(groups, history, preferences):
        raise SystemExit(f"{people} people: CP-SAT found something else than the cheapest pairs")
    return {
        "name": f"pairing {people} people",
        "ours": ours * 1000,
        "peer": peer * 1000,
        "unit": "ms of CPU" if least is not None else "ms of CPU, peer not done",
        "ratio": peer / ours,
        "goal": goal * 1000,
        "holds": ours <= goal,
    }


def _cohort(people: int) -> tuple[list[str], History, Preferences]:
    rng = Random(people)
    names = [f"p{number}" for number in range(people)]
    history: History = []
    for session in range(SESSIONS):
        here = [name for name in names if rng.random() > AWAY]
        history.append(pair(here, history, seed=session).groups)
    return names, history, {a: {b: rng.randint(0, 1000) / 1000 for b in names} for a in names}


def _seconds(names: list[str], history: History, preferences: Preferences, seed: int) -> float:
    began = time.process_time()
    pair(names, history, preferences=preferences, seed=seed)
    return time.process_time() - began


def _weights(names: list[str], history: History, preferences: Preferences) -> dict[tuple[str, str], int]:
    """What each two people cost: a repeat more than all preferences, a late one more than an early one."""
    last: dict[frozenset[str], int] = {}
    for session, groups in enumerate(history, start=1):
        last.update(dict.fromkeys(meetings(groups), session))
    most = 2000 * len(names)
    return {
        (a, b): 2000
        - round(1000 * preferences[a][b])
        - round(1000 * preferences[b][a])
        + (most * (SESSIONS + 1) * len(names) + most * last[frozenset((a, b))] if frozenset((a, b)) in last else 0)
        for a, b in combinations(names, 2)
    }


def _cost(groups: tuple[Group, ...], history: History, preferences: Preferences) -> int:
    names = sorted(preferences)
    weights = _weights(names, history, preferences)
    return sum(weights[a, b] for a, b in (sorted(duo) for duo in meetings(groups)))


def _peer(names: list[str], history: History, preferences: Preferences) -> int | None:
    """The least cost, None if CP-SAT does not prove it in time: each has one partner, or two in the one trio."""
    model = cp_model.CpModel()
    weights = _weights(sorted(names), history, preferences)
    together = {duo: model.new_bool_var("") for duo in weights}
    in_trio = {name: model.new_bool_var("") for name in names}
    model.add(sum(in_trio.values()) == 3 * (len(names) % 2))
    for name in names:
        model.add(sum(var for duo, var in together.items() if name in duo) == 1 + in_trio[name])
    for (a, b), var in together.items():
        model.add(in_trio[a] == in_trio[b]).only_enforce_if(var)
    model.minimize(sum(weight * together[duo] for duo, weight in weights.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = PEER_SECONDS
    solver.parameters.num_workers = 1
    return round(solver.objective_value) if solver.solve(model) == cp_model.OPTIMAL else None
