"""Proposals: from rules to checked cohorts, and the few drafts that a program has, of which one is chosen.

`search` is pure; a page calls it for a second between reading the people and storing the answer, and `searching` goes
on in the background where that second did not prove that there is nothing better.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.cohorts import people
from lti_tool.cohorts.tables import Cohort, Proposal, Step
from lti_tool.cohorts.wishes import Rules, compose
from lti_tool.matching import forming
from lti_tool.matching.budget import Cancelled, never
from lti_tool.matching.checker import check
from lti_tool.matching.problem import Problem
from lti_tool.matching.search import Progress
from lti_tool.matching.solution import Solution
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

log = logging.getLogger(__name__)

SECONDS = 1.0
MOST_DRAFTS = 3
MOST_STEPS = 20


# What a session read before it had the lock may be old.
_FRESH = {"populate_existing": True}


class CheckFailedError(Exception):
    """An answer of the solver that the independent checker refused; it must never be shown as good."""


class StaleError(Exception):
    """The form was made from an older version of the proposal."""


class AlreadyPublishedError(Exception):
    """The program's cohorts are published; a proposal changes nothing any more."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal's values: the rules, the question made of them, the answer (always a solved one)."""

    rules: Rules
    problem: Problem
    solution: Mapping[str, Any]

    @property
    def cohorts(self) -> list[list[str]]:
        """The person ids of each cohort, as text."""
        return [list(members) for members in self.solution["cohorts"]]


def question(session: Session, program: Program, rules: Rules, everybody: Sequence[Person]) -> Problem:
    """The question to the matching room: these rules for these people of a program, as known now."""
    ids = {person.id for person in everybody}
    attributes, slots = people.attributes(session, program, ids), people.slots_of(session, program, ids)
    return compose(rules, everybody, attributes, slots)


def search(
    problem: Problem,
    seed: int,
    *,
    seconds: float | None = SECONDS,
    iterations: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> Solution:
    """Solve and check. Raises CheckFailedError.

    Where time is the limit, the answer says how many `iterations` it took, and the same problem, seed and iterations
    give the same cohorts on every machine. More time with the same seed never gives worse ones.
    """
    solution = forming.solve(
        problem,
        seed=seed,
        now=time.monotonic,
        seconds=seconds,
        iterations=iterations,
        progress=progress,
        cancelled=cancelled,
    )
    checked(problem, solution.to_json())
    return solution


def checked(problem: Problem, solution: Mapping[str, Any]) -> Mapping[str, Any]:
    """The solution, if the independent checker finds nothing wrong with it. Raises CheckFailedError."""
    wrong = check(problem.to_json(), solution)
    if wrong:
        log.error("an answer failed its check: %s (seed %s)", "; ".join(wrong[:10]), solution.get("seed"))
        raise CheckFailedError(wrong)
    return solution


def with_bound(solution: Mapping[str, Any], bound: float) -> dict[str, Any]:
    """A solution with another lower bound on J; one that its J has reached is proved to be the best."""
    objective = float(solution["objective"])
    bound = min(bound, objective)
    return {**solution, "lower_bound": bound, "gap": (objective - bound) / max(bound, 1.0)}


def proposal_of(session: Session, program_id: int) -> Proposal | None:
    """The chosen draft of a program, if there is one."""
    return session.scalar(select(Proposal).where(Proposal.program_id == program_id, Proposal.chosen))


def drafts_of(session: Session, program_id: int) -> list[Proposal]:
    """All drafts of a program by number."""
    return list(
        session.scalars(
            select(Proposal).where(Proposal.program_id == program_id).order_by(Proposal.number),
            execution_options=_FRESH,
        )
    )


def draft_of(proposal: Proposal | Step) -> Draft:
    """The values of a stored proposal, or of what it was."""
    return Draft(
        Rules.from_json(proposal.rules),
        Problem.from_json(proposal.problem),
        proposal.solution,
    )


def _values(draft: Draft) -> dict[str, Any]:
    return {"rules": draft.rules.to_json(), "problem": draft.problem.to_json(), "solution": dict(draft.solution)}


def take(session: Session, program_id: int) -> None:
    """Make others who change this program's cohorts wait until the transaction ends."""
    session.execute(select(Program.id).where(Program.id == program_id).with_for_update(key_share=True))


def is_published(session: Session, program_id: int) -> bool:
    """Whether the program has cohorts."""
    return session.scalar(select(Cohort.id).where(Cohort.program_id == program_id).limit(1)) is not None


def current(session: Session, program_id: int, version: int | None) -> Proposal:
    """The chosen draft for a change by somebody who saw `version` of it. Raises StaleError, AlreadyPublishedError."""
    chosen = _chosen(_taken(session, program_id))
    if chosen is None or chosen.version != version:
        raise StaleError
    return chosen


def _taken(session: Session, program_id: int) -> list[Proposal]:
    take(session, program_id)
    if is_published(session, program_id):
        raise AlreadyPublishedError
    return drafts_of(session, program_id)


def _chosen(drafts: Sequence[Proposal]) -> Proposal | None:
    return next((proposal for proposal in drafts if proposal.chosen), None)


def store(
    session: Session,
    program: Program,
    draft: Draft,
    *,
    version: int,
    actor_id: int,
    action: str = "cohorts proposed",
) -> Proposal:
    """Add `draft` to the program's and choose it, after somebody saw `version` (0: there is none yet).

    Beyond `MOST_DRAFTS` it takes the place of the oldest other one. Raises StaleError, AlreadyPublishedError.
    """
    drafts = _taken(session, program.id)
    chosen = _chosen(drafts)
    if (chosen.version if chosen else 0) != version:
        raise StaleError
    proposal = Proposal(program_id=program.id)
    if len(drafts) == MOST_DRAFTS:
        proposal = min((p for p in drafts if not p.chosen), key=lambda p: p.version)
        session.execute(delete(Step).where(Step.proposal_id == proposal.id))
    proposal.created_at = clock.now()
    proposal.number = 1 + max((p.number for p in drafts), default=0)
    _choose(session, proposal, chosen)
    _put(proposal, draft, version + 1)
    session.add(proposal)
    session.flush()
    note(session, program, proposal, action, actor_id, after=placements(draft))
    return proposal


def _choose(session: Session, proposal: Proposal, before: Proposal | None) -> None:
    if before is not None:
        before.chosen = False
        session.flush()
    proposal.chosen = True


def choose(session: Session, program: Program, number: int, *, version: int | None, actor_id: int) -> None:
    """Make another draft the one that is changed and published. Raises as `current`; StaleError if there is none."""
    before = current(session, program.id, version)
    proposal = next((p for p in drafts_of(session, program.id) if p.number == number), None)
    if proposal is None:
        raise StaleError
    _choose(session, proposal, before)
    proposal.version = before.version + 1
    session.flush()
    note(session, program, proposal, "cohort draft chosen", actor_id, after=placements(draft_of(proposal)))


def replace_draft(session: Session, proposal: Proposal, draft: Draft) -> None:
    """Make `draft` the proposal's and keep what it was, to be undone."""
    session.add(
        Step(proposal_id=proposal.id, rules=proposal.rules, problem=proposal.problem, solution=proposal.solution)
    )
    session.flush()
    kept = select(Step.id).where(Step.proposal_id == proposal.id).order_by(Step.id.desc()).limit(MOST_STEPS)
    oldest = min(session.scalars(kept))
    session.execute(delete(Step).where(Step.proposal_id == proposal.id, Step.id < oldest))
    _put(proposal, draft, proposal.version + 1)


def first_step(session: Session, proposal: Proposal) -> Step | None:
    """What a proposal was before the changes that can be undone; None when there are none."""
    return session.scalar(select(Step).where(Step.proposal_id == proposal.id).order_by(Step.id).limit(1))


def undo(session: Session, program: Program, *, version: int | None, actor_id: int) -> bool:
    """Take back the last change. Returns False when there is none to take back. Raises as `current`."""
    proposal = current(session, program.id, version)
    last = session.scalar(select(Step).where(Step.proposal_id == proposal.id).order_by(Step.id.desc()).limit(1))
    if last is None:
        return False
    earlier = draft_of(last)
    session.delete(last)
    _put(proposal, earlier, proposal.version + 1)
    note(session, program, proposal, "cohort change undone", actor_id, after=placements(earlier))
    return True


def improve(session: Session, program: Program, proposal: Proposal, solution: Mapping[str, Any]) -> None:
    """Put a better answer to the same question in the place of a proposal's; the caller holds `take`."""
    draft = replace(draft_of(proposal), solution=checked(Problem.from_json(proposal.problem), solution))
    _put(proposal, draft, proposal.version + 1)
    note(session, program, proposal, "cohorts improved", None, after=placements(draft))


def _put(proposal: Proposal, draft: Draft, version: int) -> None:
    values = _values(draft)
    proposal.rules, proposal.problem, proposal.solution = values["rules"], values["problem"], values["solution"]
    proposal.version = version


def placements(draft: Draft) -> dict[str, Any]:
    """Who is where by which rules, for the audit."""
    return {"cohorts": draft.cohorts, "rules": draft.rules.to_json(), "seed": draft.solution["seed"]}


def note(
    session: Session, program: Program, proposal: Proposal, action: str, actor_id: int | None, *, after: object
) -> None:
    """Record what somebody did to a proposal."""
    audit.record(
        session,
        action,
        "cohort_proposal",
        proposal.id,
        course_id=program.course_id,
        actor_id=actor_id,
        after=after,
    )
