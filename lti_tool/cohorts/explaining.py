"""Why there are no cohorts, where a moment did not tell: a worker finds out, and the page shows it when it is known.

The work has no clock as its limit, so that the same question has the same answer whenever it is asked; only what
takes far too long is given up. Cohorts that turn up after all become a proposal, as if they had been found at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import clock, jobs
from lti_tool.cohorts import proposing, searching
from lti_tool.cohorts.proposing import AlreadyPublishedError, Draft, StaleError
from lti_tool.cohorts.tables import Inquiry
from lti_tool.cohorts.wishes import Rules
from lti_tool.database import transaction
from lti_tool.matching.problem import Problem
from lti_tool.matching.solution import Solution
from lti_tool.programs.tables import Program

log = structlog.get_logger(__name__)

JOB = "cohort reasons"
SWEEP = timedelta(minutes=1)
ITERATIONS = 300_000
"""Of the search, where there are cohorts after all: about a second."""
MOST_SECONDS = 90.0
LEASE = timedelta(minutes=3)
PATIENCE = timedelta(minutes=10)
KEPT = timedelta(days=1)
WITHOUT_WORKER = 4.0
"""Seconds in a request where no worker lives."""


@dataclass(frozen=True, slots=True)
class _Task:
    id: int
    asked_at: datetime
    program_id: int
    person_id: int
    version: int
    seed: int
    rules: Rules
    problem: Problem


def without_worker(problem: Problem, seed: int) -> Solution:
    """The answer after a few seconds more. Raises CheckFailedError."""
    return proposing.search(problem, seed, seconds=WITHOUT_WORKER)


def begin(
    session: Session, program: Program, person_id: int, version: int, rules: Rules, problem: Problem, seed: int
) -> bool:
    """Ask a worker, in the place of what this person asked before. Returns whether there is one."""
    if not jobs.living(session):
        return False
    proposing.take(session, program.id)  # or of two tabs that ask at once, one would fail
    session.execute(delete(Inquiry).where(Inquiry.program_id == program.id, Inquiry.person_id == person_id))
    session.add(
        Inquiry(
            program_id=program.id,
            person_id=person_id,
            version=version,
            seed=seed,
            rules=rules.to_json(),
            problem=problem.to_json(),
            asked_at=clock.wall(),
        )
    )
    jobs.ring(session, JOB)
    return True


def asked(session: Session, program_id: int, person_id: int) -> Inquiry | None:
    """What a person asked last about a program, unless no worker answered for long or there are cohorts by now."""
    waited_for = or_(Inquiry.solution.is_not(None), Inquiry.asked_at > clock.wall() - PATIENCE)
    return session.scalar(
        select(Inquiry).where(Inquiry.program_id == program_id, Inquiry.person_id == person_id, waited_for)
    )


def run() -> bool:
    """Answer one question that is due. Returns whether there was any."""
    task = _claim()
    if task is None:
        return False
    try:
        found = _answer(task)
    except Exception:
        # The job's id in the log is the reference. Tried again it would fail again, with a page waiting for it.
        log.exception("looking for the reason failed", program=task.program_id)
        found = Solution("unknown", task.seed, 0.0)
    if not jobs.stopping().is_set():
        _tell(task, found)
    return True


def _claim() -> _Task | None:
    now = clock.wall()
    free = or_(Inquiry.leased_until.is_(None), Inquiry.leased_until < now)
    with transaction() as session:
        session.execute(delete(Inquiry).where(Inquiry.asked_at <= now - KEPT))
        waiting = select(Inquiry).where(Inquiry.solution.is_(None), Inquiry.asked_at > now - PATIENCE, free)
        due = session.scalar(waiting.order_by(Inquiry.asked_at).limit(1))
        if due is None:
            return None
        mine = update(Inquiry).where(Inquiry.id == due.id, free)
        if not session.execute(mine.values(leased_until=now + LEASE)).rowcount:  # type: ignore[attr-defined]
            return None
        rules, problem = Rules.from_json(due.rules), Problem.from_json(due.problem)
        return _Task(due.id, due.asked_at, due.program_id, due.person_id, due.version, due.seed, rules, problem)


def _answer(task: _Task) -> Solution:
    stop, end = jobs.stopping(), time.monotonic() + MOST_SECONDS

    def is_over() -> bool:
        return stop.is_set() or time.monotonic() > end

    return proposing.search(task.problem, task.seed, seconds=None, iterations=ITERATIONS, cancelled=is_over)


def _tell(task: _Task, found: Solution) -> None:
    with transaction() as session:
        proposing.take(session, task.program_id)
        # SQLite gives the id of a removed row to the next one: the id alone does not say that it is this question.
        inquiry = session.scalar(select(Inquiry).where(Inquiry.id == task.id, Inquiry.asked_at == task.asked_at))
        if inquiry is None:
            return  # another question was asked meanwhile
        answer: dict[str, Any] = found.to_json()
        if found.status != "solved":
            inquiry.solution = answer
            return
        session.delete(inquiry)
        program = session.get_one(Program, task.program_id)
        draft = Draft(task.rules, task.problem, answer)
        try:
            proposal = proposing.store(session, program, draft, version=task.version, actor_id=task.person_id)
        except (StaleError, AlreadyPublishedError):
            return  # somebody made another one, which the page shows
        searching.begin(session, proposal)
