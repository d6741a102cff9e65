"""Proposals: from rules to checked cohorts, and the one draft that a program has.

`search` is pure and takes a second at most; a page calls it between reading the people and storing the answer,
and a job could call the same three.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.cohorts.wishes import Rules
from lti_tool.matching import forming
from lti_tool.matching.checker import check
from lti_tool.matching.problem import Problem
from lti_tool.matching.solution import Solution
from lti_tool.programs.tables import Program

log = logging.getLogger(__name__)

SECONDS = 1.0
# So many are enough for 60 people, and make the answer to one seed the same on every machine that is not slow.
ITERATIONS = 150_000


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


def search(problem: Problem, seed: int) -> Solution:
    """Solve and check. Raises CheckFailedError; the same problem and seed give the same answer."""
    solution = forming.solve(problem, seed=seed, now=time.monotonic, seconds=SECONDS, iterations=ITERATIONS)
    checked(problem, solution.to_json())
    return solution


def checked(problem: Problem, solution: Mapping[str, Any]) -> Mapping[str, Any]:
    """The solution, if the independent checker finds nothing wrong with it. Raises CheckFailedError."""
    wrong = check(problem.to_json(), solution)
    if wrong:
        log.error("an answer failed its check: %s (seed %s)", "; ".join(wrong[:10]), solution.get("seed"))
        raise CheckFailedError(wrong)
    return solution


def proposal_of(session: Session, program_id: int) -> Proposal | None:
    """The draft of a program, if there is one."""
    return session.scalar(select(Proposal).where(Proposal.program_id == program_id))


def draft_of(proposal: Proposal) -> Draft:
    """The values of a stored proposal."""
    return _draft({"rules": proposal.rules, "problem": proposal.problem, "solution": proposal.solution})


def _draft(values: Mapping[str, Any]) -> Draft:
    return Draft(Rules.from_json(values["rules"]), Problem.from_json(values["problem"]), values["solution"])


def _values(draft: Draft) -> dict[str, Any]:
    return {"rules": draft.rules.to_json(), "problem": draft.problem.to_json(), "solution": dict(draft.solution)}


def take(session: Session, program_id: int) -> None:
    """Make others who change this program's cohorts wait until the transaction ends."""
    session.execute(select(Program.id).where(Program.id == program_id).with_for_update(key_share=True))


def is_published(session: Session, program_id: int) -> bool:
    """Whether the program has cohorts."""
    return session.scalar(select(Cohort.id).where(Cohort.program_id == program_id).limit(1)) is not None


def current(session: Session, program_id: int, version: int | None) -> Proposal:
    """The draft for a change by somebody who saw `version` of it. Raises StaleError, AlreadyPublishedError."""
    proposal = _taken(session, program_id)
    if proposal is None or proposal.version != version:
        raise StaleError
    return proposal


def _taken(session: Session, program_id: int) -> Proposal | None:
    take(session, program_id)
    if is_published(session, program_id):
        raise AlreadyPublishedError
    # What this session read before it had the lock may be old.
    query = select(Proposal).where(Proposal.program_id == program_id)
    return session.scalar(query, execution_options={"populate_existing": True})


def store(session: Session, program: Program, draft: Draft, *, version: int, actor_id: int) -> Proposal:
    """Make `draft` the program's, in place of the one with `version` (0: there is none yet).

    Raises StaleError, AlreadyPublishedError.
    """
    proposal = _taken(session, program.id)
    if (proposal.version if proposal else 0) != version:
        raise StaleError
    if proposal is None:
        proposal = Proposal(program_id=program.id, version=1, created_at=clock.now(), **_values(draft))
        session.add(proposal)
        session.flush()
    else:
        replace_draft(proposal, draft)
    note(session, program, proposal, "cohorts proposed", actor_id, after=placements(draft))
    return proposal


def replace_draft(proposal: Proposal, draft: Draft) -> None:
    """Make `draft` the proposal's and keep what it was, to be undone."""
    proposal.before = {"rules": proposal.rules, "problem": proposal.problem, "solution": proposal.solution}
    _put(proposal, _values(draft))


def undo(session: Session, program: Program, *, version: int | None, actor_id: int) -> bool:
    """Take back the last change. Returns False when there is none to take back. Raises as `current`."""
    proposal = current(session, program.id, version)
    if proposal.before is None:
        return False
    earlier = _draft(proposal.before)
    proposal.before = None
    _put(proposal, _values(earlier))
    note(session, program, proposal, "cohort change undone", actor_id, after=placements(earlier))
    return True


def _put(proposal: Proposal, values: Mapping[str, Any]) -> None:
    proposal.rules, proposal.problem, proposal.solution = values["rules"], values["problem"], values["solution"]
    proposal.version += 1


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
