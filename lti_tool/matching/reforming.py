"""Cohorts that run, formed anew: how many people move, against how good the mix is then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lti_tool.matching import exact, forming
from lti_tool.matching.budget import Budget, Clock
from lti_tool.matching.exact import Prover
from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Previous, Problem
from lti_tool.matching.solution import Solution

Cohorts = Sequence[Sequence[str]]

ALMOST_NOTHING = 1e-6
"""What a move costs where the mix alone counts: of two equal mixes, the one with fewer moves."""
NOTICEABLE = 0.01
"""Of the mix: less is not worth another move."""
PROOF_SECONDS, PROOF_EFFORT = 1.5, 0.5
"""For the proofs that nobody moves in vain: of the time for all together, and of deterministic time for each."""


@dataclass(frozen=True, slots=True)
class Move:
    """A person and the indices of today's cohorts that they leave and join; who waits for a place leaves None."""

    person: str
    leaves: int | None
    joins: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to go on. ``kept[i]`` is the index of today's cohort that the answer's cohort i is.

    ``mix`` is J without what moves cost; smaller is better among choices that keep equally many cohorts.
    ``fewest``: it is proved that whoever keeps these cohorts and every rule moves as many people at least.
    """

    problem: Problem
    solution: Solution
    kept: tuple[int, ...]
    moves: tuple[Move, ...]
    mix: float
    fewest: bool = False

    @property
    def moved(self) -> int:
        """How many people leave a cohort."""
        return sum(move.leaves is not None for move in self.moves)


@dataclass(frozen=True, slots=True)
class Reforming:
    """The ways to go on: those that keep most cohorts first, and of these the one with fewest moves first.

    Without any, ``refused`` is the answer that says why. ``held`` are the indices of cohorts that are too small and
    do not end in any way, since somebody is locked there.
    """

    choices: tuple[Choice, ...]
    refused: Solution | None = None
    held: tuple[int, ...] = ()


def reform(
    problem: Problem,
    cohorts: Cohorts,
    *,
    seed: int,
    now: Clock,
    seconds: float | None,
    iterations: int | None = None,
) -> Reforming:
    """Two or three points of the curve between fewest moves and best mix, and mergers of cohorts that are too small.

    ``problem`` has everybody who is to have a place and the rules; locks name indices of ``cohorts``. Cohorts without
    people have ended. Cohorts that people left may differ by more than ``size.slack``; so may those of fewest moves.
    Takes ``seconds`` at most, then ``PROOF_SECONDS`` at most for proofs, and ``iterations`` for each way.
    """
    sets = list(_kept(problem, cohorts))
    ways = len(sets) + 2  # fewest moves for each set, and two more points of the curve
    budget = _Budget(seed, now, None if seconds is None else seconds / ways, iterations)
    search = _Search(problem, cohorts, budget, None if seconds is None else PROOF_SECONDS / max(1, len(sets)))
    found: list[Choice] = []
    refused: Solution | None = None
    for kept in sets:
        curve = search.curve(kept) if len(kept) == len(sets[0]) else [search.fewest_moves(kept)]
        answers = [choice for choice in curve if isinstance(choice, Choice)]
        found += _worth_choosing(answers)
        refused = refused or next((answer for answer in curve if isinstance(answer, Solution)), None)
    small, locked = _small(problem, cohorts), set(problem.locked.values())
    return Reforming(tuple(found), None if found else refused, tuple(index for index in small if index in locked))


def mix(problem: Problem, cohorts: Cohorts) -> float:
    """J without what moves cost, of cohorts of people of the problem."""
    by_id = {person.id: person for person in problem.people}
    quiet = replace(problem, previous=None)
    return objective(quiet, terms(quiet, [[by_id[person] for person in cohort] for cohort in cohorts]))


def _kept(problem: Problem, cohorts: Cohorts) -> Iterator[tuple[int, ...]]:
    """Which cohorts may go on: all, then without the smallest of those that are too small, then without two…"""
    going_on = [index for index, cohort in enumerate(cohorts) if cohort]
    if not going_on:
        return
    locked = set(problem.locked.values())
    small = [index for index in _small(problem, cohorts) if index not in locked]
    for merged in range(len(small) + 1):
        kept = tuple(index for index in going_on if index not in small[:merged])
        if merged == 0 or len(kept) * problem.size.max >= len(problem.people):
            yield kept


def _small(problem: Problem, cohorts: Cohorts) -> list[int]:
    """The cohorts that go on with fewer people than one needs, the smallest first."""
    small = [index for index, cohort in enumerate(cohorts) if 0 < len(cohort) < problem.size.min]
    return sorted(small, key=lambda index: (len(cohorts[index]), index))


@dataclass(frozen=True, slots=True)
class _Budget:
    seed: int
    now: Clock
    seconds: float | None
    iterations: int | None


class _Search:
    def __init__(self, problem: Problem, cohorts: Cohorts, budget: _Budget, proof_seconds: float | None) -> None:
        self._problem, self._cohorts, self._budget, self._proof_seconds = problem, cohorts, budget, proof_seconds
        self._at = {person: index for index, cohort in enumerate(cohorts) for person in cohort}

    def curve(self, kept: tuple[int, ...]) -> list[Choice | Solution]:
        """Fewest moves, the point between that is farthest below the straight line, and the best mix."""
        slack = self._problem.size.slack
        gentle, thorough = self.fewest_moves(kept), self._solve(kept, ALMOST_NOTHING, slack)
        if not (isinstance(gentle, Choice) and isinstance(thorough, Choice)) or gentle.moved >= thorough.moved:
            return [gentle, _as_few(thorough, gentle) if isinstance(gentle, Choice) else thorough]
        a_move = max(0.0, gentle.mix - thorough.mix) / (thorough.moved - gentle.moved)
        between = self._solve(kept, a_move, slack)
        return [gentle, *(_as_few(choice, gentle) for choice in (between, thorough))]

    def fewest_moves(self, kept: tuple[int, ...]) -> Choice | Solution:
        """As few moves as the rules allow; of those that are as few, the best mix."""
        size = self._problem.size
        found = self._solve(kept, self._more_than_any_mix, max(size.slack, size.max - size.min))
        return self._proved(found) if isinstance(found, Choice) else found

    def _proved(self, found: Choice) -> Choice:
        """The choice, with proof that nobody moves in vain; or one with fewer moves, if there is one."""
        free = sum(move.leaves in found.kept for move in found.moves)  # who is in a cohort that ends must move
        if free <= self._at_least(found.kept):
            return replace(found, fewest=True)
        exact.load()
        budget = Budget(self._budget.now, self._proof_seconds, None)
        prover = Prover(self._budget.seed, budget)
        where, is_fewest = prover.fewer_moves(found.problem, len(found.kept), free - 1, PROOF_EFFORT)
        if where is not None:
            found = self._choice(found.problem, self._polished(found.problem, where), found.kept)
        return replace(found, fewest=is_fewest)

    def _at_least(self, kept: tuple[int, ...]) -> int:
        """So many leave a cohort that goes on, by counting alone: too few, after all others came, or too many."""
        size, inside = self._problem.size, [len(self._cohorts[index]) for index in kept]
        others = len(self._problem.people) - sum(inside)
        lacking = sum(max(0, size.min - count) for count in inside)
        return max(lacking - others, sum(max(0, count - size.max) for count in inside), 0)

    def _polished(self, problem: Problem, where: Sequence[int]) -> Solution:
        budget = self._budget
        return forming.polished(
            problem,
            where,
            seed=budget.seed,
            now=budget.now,
            seconds=budget.seconds,
            iterations=budget.iterations,
        )

    @property
    def _more_than_any_mix(self) -> float:
        people = len(self._problem.people)
        weights = [wish.weight for wish in (*self._problem.spread, *self._problem.gather)]
        return 1.0 + sum(weights) * people**2 + sum(wish.weight for wish in self._problem.balance) * people

    def _solve(self, kept: tuple[int, ...], a_move: float, slack: int) -> Choice | Solution:
        index = {old: new for new, old in enumerate(kept)}
        problem = replace(
            self._problem,
            cohorts=len(kept),
            size=replace(self._problem.size, slack=slack),
            locked={person: index[old] for person, old in self._problem.locked.items()},
            previous=Previous({person: index[old] for person, old in self._at.items() if old in index}, a_move),
        )
        budget = self._budget
        answer = forming.solve(
            problem, seed=budget.seed, now=budget.now, seconds=budget.seconds, iterations=budget.iterations
        )
        return answer if answer.status != "solved" else self._choice(problem, answer, kept)

    def _choice(self, problem: Problem, answer: Solution, kept: tuple[int, ...]) -> Choice:
        moves = tuple(
            Move(person, self._at.get(person), kept[new])
            for new, cohort in enumerate(answer.cohorts)
            for person in cohort
            if self._at.get(person) != kept[new]
        )
        return Choice(problem, answer, kept, moves, mix(problem, answer.cohorts))


def _as_few(answer: Choice | Solution, gentle: Choice) -> Choice | Solution:
    """An answer of the same cohorts, which the proof of another holds for if as many move."""
    if isinstance(answer, Choice) and answer.moved == gentle.moved:
        return replace(answer, fewest=gentle.fewest)
    return answer


def _worth_choosing(choices: Sequence[Choice]) -> list[Choice]:
    """Without those for which another has no more moves and no noticeably worse mix; fewest moves first."""
    best: list[Choice] = []
    for choice in sorted(choices, key=lambda choice: (choice.moved, choice.mix)):
        if not best or choice.mix < (1.0 - NOTICEABLE) * best[-1].mix:
            best.append(choice)
    return best
