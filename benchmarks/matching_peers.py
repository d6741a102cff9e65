"""Other ways to form cohorts, on the same model and for the same time: a constraint solver, a genetic algorithm as
gruepr's, and a plain annealer in numpy.

They place people in cohorts of even sizes and keep no rule but these; each returns the least J that it found.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from lti_tool.matching.problem import Problem

Assignment = NDArray[np.int64]

SCALE = 1000
"""CP-SAT computes with whole numbers: J in thousandths."""


class Model:
    """J of an assignment (person → cohort), vectorised."""

    def __init__(self, problem: Problem, count: int) -> None:
        self.count, people = count, problem.people
        self.sizes = [len(part) for part in np.array_split(np.arange(len(people)), count)]
        self.columns = []
        self.weights = []
        for wish, gathers in [(w, False) for w in problem.spread] + [(w, True) for w in problem.gather]:
            _, column = np.unique([str(p.value(wish.attribute)) for p in people], return_inverse=True)
            self.columns.append(column)
            self.weights.append((wish.weight, gathers))
        self.numbers = []
        for wish in problem.balance:
            x = np.array([float(p.attributes[wish.attribute]) for p in people])
            self.numbers.append((x - x.mean()) * math.sqrt(wish.weight / x.var()))

    def cost(self, where: Assignment) -> float:
        size = np.bincount(where, minlength=self.count)
        total = 0.0
        for column, (weight, gathers) in zip(self.columns, self.weights, strict=True):
            values = int(column.max()) + 1
            n = np.bincount(where * values + column, minlength=self.count * values).reshape(self.count, values)
            if gathers:
                total += weight * float((size**2).sum() - (n**2).sum()) / 2
            else:
                total += weight * float(((n - n.sum(axis=0) / self.count) ** 2).sum())
        for x in self.numbers:
            total += float((np.bincount(where, weights=x, minlength=self.count) ** 2 / size).sum())
        return total

    def even(self, rng: np.random.Generator) -> Assignment:
        """People at random in cohorts of these sizes."""
        where = np.repeat(np.arange(self.count), self.sizes)
        rng.shuffle(where)
        return where


def annealer(model: Model, seconds: float, seed: int = 1) -> Iterator[tuple[float, float]]:
    """Exchanges of two people, J computed anew for the two cohorts. Yields (seconds, J) when it is better."""
    rng, start = np.random.default_rng(seed), time.process_time()
    where = model.even(rng)
    cost = best = model.cost(where)
    yield 0.0, best
    while (spent := time.process_time() - start) < seconds:
        temperature = 2.0 * 0.02 ** (spent / seconds)
        for i, j in rng.integers(len(where), size=(50, 2)):
            if where[i] == where[j]:
                continue
            delta = _part(model, where, i, j)
            if delta <= 0 or rng.random() < math.exp(-delta / temperature):
                where[i], where[j] = where[j], where[i]
                cost += delta
        if cost < best - 1e-9:
            best = cost
            yield time.process_time() - start, best


def _part(model: Model, where: Assignment, i: int, j: int) -> float:
    """J's change by an exchange, from the two cohorts alone."""
    c, d = where[i], where[j]
    ours, theirs = np.flatnonzero(where == c), np.flatnonzero(where == d)
    delta = 0.0
    for column, (weight, gathers) in zip(model.columns, model.weights, strict=True):
        v, w = column[i], column[j]
        if v != w:
            a, b = column[ours], column[theirs]
            change = (b == v).sum() - (a == v).sum() + (a == w).sum() - (b == w).sum() + 2
            delta += (-weight if gathers else 2 * weight) * float(change)
    for x in model.numbers:
        y, z = x[ours].sum(), x[theirs].sum()
        after = (y - x[i] + x[j]) ** 2 / len(ours) + (z - x[j] + x[i]) ** 2 / len(theirs)
        delta += float(after - y**2 / len(ours) - z**2 / len(theirs))
    return delta


def genetic(model: Model, seconds: float, seed: int = 1, population: int = 200) -> Iterator[tuple[float, float]]:
    """Orders of people cut into cohorts; tournaments, ordered crossover, exchanges as mutations, the best survive."""
    rng, start = np.random.default_rng(seed), time.process_time()
    cut = np.repeat(np.arange(model.count), model.sizes)
    people = len(cut)

    def cost(order: Assignment) -> float:
        where = np.empty(people, np.int64)
        where[order] = cut
        return model.cost(where)

    orders = [rng.permutation(people) for _ in range(population)]
    costs = np.array([cost(order) for order in orders])
    best = math.inf
    while time.process_time() - start < seconds:
        if costs.min() < best:
            best = float(costs.min())
            yield time.process_time() - start, best
        elite = np.argsort(costs)[: population // 20]
        children = [orders[k] for k in elite]
        while len(children) < population:
            a, b = (min(rng.integers(population, size=3), key=lambda k: costs[k]) for _ in range(2))
            children.append(_child(orders[a], orders[b], rng))
        orders = children
        costs = np.array([cost(order) for order in orders])


def _child(mother: Assignment, father: Assignment, rng: np.random.Generator) -> Assignment:
    begin, end = np.sort(rng.integers(len(mother) + 1, size=2))
    kept = mother[begin:end]
    others = father[~np.isin(father, kept)]
    child = np.concatenate((others[:begin], kept, others[begin:]))
    for i, j in rng.integers(len(child), size=(rng.poisson(1.0), 2)):
        child[i], child[j] = child[j], child[i]
    return child


def constraints(model: Model, seconds: float, workers: int = 2) -> Iterator[tuple[float, float]]:
    """CP-SAT: a Boolean for each person and cohort, squares of counts as table look-ups."""
    cp = cp_model.CpModel()
    people = len(model.columns[0])
    x = [[cp.new_bool_var("") for _ in range(model.count)] for _ in range(people)]
    for row in x:
        cp.add_exactly_one(row)
    cost: list[cp_model.LinearExprT] = []
    for c, size in enumerate(model.sizes):
        cp.add(sum(row[c] for row in x) == size)
        for column, (weight, gathers) in zip(model.columns, model.weights, strict=True):
            for v in range(int(column.max()) + 1):
                ideal = float((column == v).sum()) / model.count
                inside = [x[i][c] for i in np.flatnonzero(column == v)]
                prices = [
                    round(SCALE * weight * (n * (size - n) / 2 if gathers else (n - ideal) ** 2))
                    for n in range(min(size, len(inside)) + 1)
                ]
                cost.append(_looked_up(cp, sum(inside), prices))
        for deviations in model.numbers:
            total = cp.new_int_var(-(10**6), 10**6, "")
            cp.add(total == sum(round(100 * y) * row[c] for y, row in zip(deviations, x, strict=True)))
            square = cp.new_int_var(0, 10**12, "")
            cp.add_multiplication_equality(square, total, total)
            part = cp.new_int_var(0, 10**12, "")
            cp.add_division_equality(part, square, 10 * size)
            cost.append(part)
    cp.minimize(sum(cost))
    watch = _Watch()
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.solve(cp, watch)
    yield from watch.seen


def _looked_up(cp: cp_model.CpModel, number: cp_model.LinearExprT, prices: list[int]) -> cp_model.IntVar:
    at, price = cp.new_int_var(0, len(prices) - 1, ""), cp.new_int_var(min(prices), max(prices), "")
    cp.add(at == number)
    cp.add_element(at, prices, price)
    return price


class _Watch(cp_model.CpSolverSolutionCallback):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, float]] = []

    def on_solution_callback(self) -> None:
        self.seen.append((self.wall_time, self.objective_value / SCALE))


Peer = Callable[[Model, float], Iterator[tuple[float, float]]]

PEERS: dict[str, Peer] = {"CP-SAT": constraints, "genetic algorithm": genetic, "numpy annealer": annealer}
