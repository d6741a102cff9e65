"""The hard rules as a model of CP-SAT, which finds a placement or proves that there is none.

OR-Tools is loaded when the first question comes: most problems are decided without it. One worker, a seed and
limits of deterministic time (about a second each on a quiet core) make the same answers on every run.
https://developers.google.com/optimization/cp/cp_solver
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from lti_tool.matching.budget import Budget
from lti_tool.matching.instance import together_units
from lti_tool.matching.problem import Person, Problem
from lti_tool.matching.rules import Group, Rule, all_slots, rules

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel, CpSolver, IntVar, LinearExpr

EFFORT_IN_ALL = 4.0
"""Where the time has no limit."""
FOUND = ("OPTIMAL", "FEASIBLE")
SIZES = ("size.min", "size.max", "size.slack", "cohorts")
LOADING = 0.5
"""Seconds that loading OR-Tools takes once in each process."""
FEW = 4
"""So many people are found sooner where it does not matter whether fewer are enough."""
MOST_TERMS = 1_000_000
TERMS_PER_SECOND = 200_000
"""A larger model would not even be written down in the time."""


class Prover:
    """Answers questions about hard rules within a budget, and within an effort where the budget has no time."""

    def __init__(self, seed: int, budget: Budget, effort: float | None = None) -> None:
        self.seed = seed
        self.budget = budget
        unlimited = EFFORT_IN_ALL if budget.seconds is None else math.inf
        self.effort = unlimited if effort is None else effort
        self.starved = False  # a question was not asked that more time would have allowed

    def place(self, problem: Problem, count: int, effort: float) -> list[int] | Literal["impossible", "unknown"]:
        """The cohort of each person, or whether there is proof that none fits in ``count`` cohorts."""
        if not self._may_ask(problem, count):
            return "unknown"
        model = _Model(problem, count, soft=False)
        solver, status = self._solved(model.model, effort)
        if status in FOUND:
            return model.read(solver)
        return "impossible" if status == "INFEASIBLE" else "unknown"

    def fewer_moves(self, problem: Problem, count: int, most: int, effort: float) -> tuple[list[int] | None, bool]:
        """A placement in which ``most`` people at most leave the cohort of ``problem.previous``, as few as it found,
        and whether there is proof that none moves fewer (than that, or than ``most`` + 1 where there is none).
        """
        if not self._may_ask(problem, count, moving=True):
            return None, False
        model = _Model(problem, count, soft=False, most_moves=most)
        solver, status = self._solved(model.model, effort)
        found = model.read(solver) if status in FOUND else None
        return found, status in ("OPTIMAL", "INFEASIBLE")

    def fewest_broken(self, problem: Problem, count: int, effort: float) -> list[Rule]:
        """The smallest set of rules, sizes apart, that was found to stand in the way; empty when none was."""
        if not self._may_ask(problem, count):
            return []
        model = _Model(problem, count, soft=True)
        model.model.maximize(sum(model.literal.values()))
        solver, status = self._solved(model.model, effort)
        if status not in FOUND:
            return []
        return [rule for rule, literal in model.literal.items() if not solver.boolean_value(literal)]

    def some_exempt(
        self, problem: Problem, count: int, holding: Collection[str], most: int, effort: float
    ) -> Group | None:
        """At most so many people without whose slots all rules hold; of many as few as were found. Those of
        ``holding`` are not among them. None when none were found.
        """
        if not self._may_ask(problem, count):
            return None
        model = _Model(problem, count, soft=False, exempting=True)
        model.limit_exempt(holding, most)
        solver, status = self._solved(model.model, effort, relaxations=0)
        return model.read_exempt(solver, holding) if status in FOUND else None

    def core(self, problem: Problem, count: int, effort: float) -> list[Rule] | None:
        """Some of the rules that cannot hold with the sizes in ``count`` cohorts, if that is proved."""
        if not self._may_ask(problem, count):
            return None
        model = _Model(problem, count, soft=True)
        model.model.add_assumptions(list(model.literal.values()))
        solver, status = self._solved(model.model, effort)
        if status != "INFEASIBLE":
            return None
        named = set(solver.sufficient_assumptions_for_infeasibility())
        return [rule for rule, literal in model.literal.items() if literal.index in named]

    def _may_ask(self, problem: Problem, count: int, *, moving: bool = False) -> bool:
        terms, left = _terms(problem, count, moving=moving), self.budget.left()
        writing = terms / TERMS_PER_SECOND
        if self.budget.late() or terms > MOST_TERMS or writing >= self.effort:
            return False
        loading = 0.0 if _is_loaded() else LOADING
        if left is not None and writing + loading >= left:
            self.starved = True
            return False
        self.effort -= writing
        return True

    def _solved(self, model: CpModel, effort: float, relaxations: int = 1) -> tuple[CpSolver, str]:
        """``relaxations``: CP-SAT's level of linear ones. None at all finds good answers sooner, and proves later."""
        solver = _cp_model().CpSolver()
        parameters, left = solver.parameters, self.budget.left()
        parameters.num_workers = 1
        parameters.linearization_level = relaxations
        parameters.random_seed = self.seed % 2**31
        parameters.max_deterministic_time = min(effort, self.effort)
        if left is not None:
            parameters.max_time_in_seconds = max(left, 0.001)
        status = solver.solve(model)
        self.effort -= solver.response_proto.deterministic_time
        name = solver.status_name(status)
        if name == "MODEL_INVALID":
            raise AssertionError(f"CP-SAT refused the model: {model.validate()}")
        return solver, name


def load() -> None:
    """Load OR-Tools, so that it takes no time from a proof's budget."""
    _cp_model()


def _is_loaded() -> bool:
    return "ortools.sat.python.cp_model" in sys.modules


@functools.cache
def _cp_model() -> Any:
    from ortools.sat.python import cp_model

    return cp_model


def named_by(problem: Problem) -> set[str]:
    """The people whom a rule names; all others differ by their slots and values at most."""
    groups = (*problem.together, *problem.apart, tuple(problem.locked))
    return {person for group in groups for person in group}


def _terms(problem: Problem, count: int, *, moving: bool = False) -> int:
    """About how much the model has to say."""
    named = named_by(problem)
    kinds = {_kind(problem, person, moving=moving) for person in problem.people if person.id not in named}
    slots = len({slot for person in problem.people for slot in person.slots}) if problem.common_slots else 0
    return count * (len(named) + len(kinds)) * (2 + slots // 2)


def _kind(problem: Problem, person: Person, *, moving: bool) -> tuple[frozenset[str], tuple[bool, ...], int | None]:
    """What the rules can see of somebody whom they do not name; and where they were, if moves are counted."""
    slots = frozenset(person.slots) if problem.common_slots else frozenset[str]()
    was = problem.previous.cohorts.get(person.id) if moving and problem.previous else None
    return slots, tuple(person.value(rule.attribute) == rule.value for rule in problem.not_alone), was


class _Model:
    """People whom a rule names each have a place; of the others, so many of a kind are in each cohort.

    ``soft``: every rule holds only if its literal does. ``exempting``: some people's slots need not count.
    ``most_moves``: so many leave their cohort at most.
    """

    def __init__(
        self,
        problem: Problem,
        count: int,
        *,
        soft: bool,
        exempting: bool = False,
        most_moves: int | None = None,
    ) -> None:
        cp = _cp_model()
        self.problem, self.count, self.soft, self.moving = problem, count, soft, most_moves is not None
        self.model = cp.CpModel()
        by_literal = [rule for rule in rules(problem) if rule.field not in SIZES] if soft else []
        self.literal = {rule: self.model.new_bool_var("") for rule in by_literal}
        self.places: dict[str, Sequence[IntVar]] = {}
        self.kinds: list[tuple[list[Person], Sequence[IntVar]]] = []
        self.exempt: list[tuple[list[Person], Sequence[IntVar]]] = []
        self._add_people()
        self._add_sizes()
        self._add_groups()
        for i in range(len(problem.not_alone)):
            self._add_not_alone(i)
        if problem.common_slots:
            self._add_slots(exempting=exempting)
        if most_moves is not None:
            self._add_moves(most_moves)

    def read(self, solver: CpSolver) -> list[int]:
        """The cohort of each person in a solution."""
        at = {
            person: next(c for c, place in enumerate(places) if solver.boolean_value(place))
            for person, places in self.places.items()
        }
        for people, numbers in self.kinds:
            rest = iter(people)
            for cohort, number in enumerate(numbers):
                at |= {next(rest).id: cohort for _ in range(solver.value(number))}
        return [at[person.id] for person in self.problem.people]

    def _add_people(self) -> None:
        problem, model, named = self.problem, self.model, named_by(self.problem)
        alike: dict[object, list[Person]] = {}
        for person in problem.people:
            if person.id not in named:
                alike.setdefault(_kind(problem, person, moving=self.moving), []).append(person)
        units = [[i] for i in range(len(problem.people))] if self.soft else together_units(problem)
        for unit in units:
            members = [problem.people[i].id for i in unit]
            if members[0] in named:
                places = [model.new_bool_var("") for _ in range(self.count)]
                model.add_exactly_one(places)
                self.places |= dict.fromkeys(members, places)
        for people in alike.values():
            most = min(len(people), problem.size.max)
            numbers = [model.new_int_var(0, most, "") for _ in range(self.count)]
            model.add(sum(numbers) == len(people))
            self.kinds.append((people, numbers))

    def _add_sizes(self) -> None:
        size, model, everybody = self.problem.size, self.model, self._rows(self.problem.people)
        low = model.new_int_var(size.min, size.max, "")
        for cohort in range(self.count):
            here = model.new_int_var(size.min, size.max, "")
            model.add(_number(everybody, cohort) == here)
            model.add(here >= low)
            model.add(here <= low + size.slack)

    def _add_groups(self) -> None:
        problem, model = self.problem, self.model
        for i, group in enumerate(problem.together if self.soft else ()):
            for places in zip(*(self.places[person] for person in group), strict=True):
                for one, other in zip(places, (*places[1:], places[0]), strict=True):
                    self._if(Rule("together", i), model.add_bool_or(~one, other))
        for i, group in enumerate(problem.apart):
            for places in zip(*(self.places[person] for person in group), strict=True):
                self._if(Rule("apart", i), model.add(sum(places) <= 1))
        for person, cohort in problem.locked.items():
            here = self.places[person][cohort : cohort + 1]
            self._if(Rule("locked", person), model.add_bool_or(here))

    def _add_not_alone(self, i: int) -> None:
        rule, everybody = self.problem.not_alone[i], len(self.problem.people)
        domain = _cp_model().Domain.from_intervals([[0, 0], [2, max(2, everybody)]])
        having = self._rows(person for person in self.problem.people if person.value(rule.attribute) == rule.value)
        for cohort in range(self.count) if having else ():
            number = _number(having, cohort)
            self._if(Rule("not_alone", i), self.model.add_linear_expression_in_domain(number, domain))

    def limit_exempt(self, holding: Collection[str], most: int) -> None:
        """Let at most so many people be exempt, and nobody of ``holding``."""
        for people, numbers in self.exempt:
            self.model.add(sum(numbers) <= sum(person.id not in holding for person in people))
        self.model.add(sum(sum(numbers) for _, numbers in self.exempt) <= most)
        if most > FEW:
            self.model.minimize(sum(sum(numbers) for _, numbers in self.exempt))

    def read_exempt(self, solver: CpSolver, holding: Collection[str]) -> Group:
        """Who is exempt in a solution, in the order of the people."""
        found: set[str] = set()
        for people, numbers in self.exempt:
            ids = [person.id for person in people if person.id not in holding]
            found.update(ids[: sum(solver.value(number) for number in numbers)])
        return tuple(person.id for person in self.problem.people if person.id in found)

    def _add_slots(self, *, exempting: bool) -> None:
        """In each cohort exactly so many slots count, and all its people have named them."""
        slots, need, hours = all_slots(self.problem.people), self.problem.common_slots, Rule("common_slots")
        chosen = [{slot: self.model.new_bool_var("") for slot in slots} for _ in range(self.count)]
        for common in chosen:
            self._if(hours, self.model.add(sum(common.values()) == need))
        self._order(chosen)
        for people, numbers in self._all_rows():
            if len(people[0].slots) == len(slots) >= need:
                continue
            exempt: Sequence[IntVar | int] = self._exempt(people, numbers) if exempting else [0] * self.count
            most = min(len(people), self.problem.size.max)
            for common, number, without in zip(chosen, numbers, exempt, strict=True):
                named = sum(common[slot] for slot in people[0].slots)
                if need > 1 and most > 1:
                    here = self.model.new_bool_var("")
                    self.model.add(number - without <= most * here)
                    self._if(hours, self.model.add(need * here <= named))
                else:
                    self._if(hours, self.model.add(need * (number - without) <= most * named))

    def _order(self, chosen: Sequence[Mapping[str, IntVar]]) -> None:
        """Cohorts that neither a lock nor who was there tells apart may as well stand in the order of their slots."""
        if self.moving:
            return
        alike = [common for cohort, common in enumerate(chosen) if cohort not in self.problem.locked.values()]
        ranks = [sum(rank * used for rank, used in enumerate(common.values())) for common in alike]
        for one, other in itertools.pairwise(ranks):
            self.model.add(one <= other)

    def _all_rows(self) -> list[tuple[list[Person], Sequence[IntVar]]]:
        """People of one kind, and how many of them are in each cohort."""
        known = {person.id: person for person in self.problem.people}
        return [*(([known[person]], places) for person, places in self.places.items()), *self.kinds]

    def _exempt(self, people: list[Person], numbers: Sequence[IntVar]) -> Sequence[IntVar]:
        exempt = [self.model.new_int_var(0, min(len(people), self.problem.size.max), "") for _ in numbers]
        for number, without in zip(numbers, exempt, strict=True):
            self.model.add(without <= number)
        self.exempt.append((people, exempt))
        return exempt

    def _add_moves(self, most: int) -> None:
        was = self.problem.previous.cohorts if self.problem.previous else {}
        staying = [places[was[person]] for person, places in self.places.items() if person in was]
        staying += [numbers[was[kind[0].id]] for kind, numbers in self.kinds if kind[0].id in was]
        moves = len(was.keys() & {person.id for person in self.problem.people}) - sum(staying)
        for kind, numbers in self.kinds:
            for cohort, number in enumerate(numbers):
                self.model.add_hint(number, len(kind) if was.get(kind[0].id) == cohort else 0)
        self.model.add(moves <= most)
        self.model.minimize(moves)

    def _rows(self, people: Iterable[Person]) -> list[Sequence[IntVar]]:
        """What counts these people in each cohort; of a kind all or nobody are asked about."""
        asked = {person.id for person in people}
        rows = [places for person, places in self.places.items() if person in asked]
        return rows + [numbers for kind, numbers in self.kinds if kind[0].id in asked]

    def _if(self, rule: Rule, constraint: Any) -> None:
        if self.soft:
            constraint.only_enforce_if(self.literal[rule])


def _number(rows: Iterable[Sequence[Any]], cohort: int) -> LinearExpr:
    number: LinearExpr = _cp_model().LinearExpr.sum([row[cohort] for row in rows])
    return number
