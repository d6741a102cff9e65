"""Looking further in the background: a proposal that is not proved to be the best gets a worker's ten seconds.

The search begins again from the proposal's own seed, so it comes to the same cohorts and then to better ones. It ends
when its time is over, when somebody wants what it has, and when somebody changes the proposal: what a person did is
never replaced. Without a living worker nothing is begun, and what no worker has ended for long is forgotten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import clock, jobs
from lti_tool.cohorts import proposing
from lti_tool.cohorts.proposing import draft_of
from lti_tool.cohorts.tables import Proposal, Search
from lti_tool.cohorts.words import BEST
from lti_tool.database import transaction
from lti_tool.matching.problem import Problem
from lti_tool.matching.solution import Solution
from lti_tool.programs.tables import Program

log = structlog.get_logger(__name__)

JOB = "cohorts"
SECONDS = 10.0
SWEEP = timedelta(minutes=1)
LEASE = timedelta(seconds=30)  # far longer than between two words of a living search
PATIENCE = timedelta(minutes=10)  # what is not found by then nobody waits for any more
TELL_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Underway:
    """A search as a page shows it: for how many seconds it looks, J at first and now, the gap at first and now.

    `line` draws J over the time, in per cent of the width, down to the bound at 20: the points of a polyline.
    `is_ending`: somebody wants what it has.
    """

    seconds: float
    objective: float
    first: float
    bound: float
    gap: float
    first_gap: float
    line: str
    is_ending: bool

    @property
    def has_found(self) -> bool:
        """Whether there is something better to take than what the page shows."""
        return self.objective < self.first - BEST


@dataclass(frozen=True, slots=True)
class _Task:
    proposal_id: int
    version: int
    problem: Problem
    solution: Mapping[str, Any]
    trail: list[list[float]]


def begin(session: Session, proposal: Proposal) -> None:
    """Look for something better than a proposal, if that may exist and a worker lives; no longer for other drafts."""
    drafts = select(Proposal.id).where(Proposal.program_id == proposal.program_id)
    session.execute(delete(Search).where(Search.proposal_id.in_(drafts)))
    if proposal.solution["gap"] <= BEST or not jobs.living(session):
        return
    session.add(
        Search(
            proposal_id=proposal.id,
            version=proposal.version,
            asked_at=clock.wall(),
            trail=[[0.0, proposal.solution["objective"]]],
        )
    )
    jobs.ring(session, JOB)


def underway(session: Session, proposal: Proposal) -> Underway | None:
    """The search for something better than what a proposal is now, if there is one."""
    found = _search_of(session, proposal)
    if found is None:
        return None
    seconds, objective = found.trail[-1]
    first, bound = found.trail[0][1], proposal.solution["lower_bound"]
    line = [
        f"{100 * at / SECONDS:.1f},{20 - 18 * (reached - bound) / max(first - bound, BEST):.1f}"
        for at, reached in found.trail
    ]
    return Underway(
        seconds,
        objective,
        first,
        bound,
        gap=(objective - bound) / max(bound, 1.0),
        first_gap=(first - bound) / max(bound, 1.0),
        line=" ".join(line),
        is_ending=found.stop,
    )


def mark(session: Session, proposal: Proposal) -> str:
    """What a page shows of a proposal and its search, as a version: another one means that there is news."""
    found = _search_of(session, proposal)
    news = "" if found is None else f"{found.news}{'!' if found.stop else ''}"
    return f"{proposal.version}.{news}"


def _search_of(session: Session, proposal: Proposal) -> Search | None:
    return session.scalar(
        select(Search).where(
            Search.proposal_id == proposal.id,
            Search.version == proposal.version,
            Search.asked_at > clock.wall() - PATIENCE,
        )
    )


def take_now(session: Session, proposal: Proposal) -> None:
    """Let the search end with the best that it has; one that no worker has taken yet has no more than the page."""
    session.execute(delete(Search).where(Search.proposal_id == proposal.id, Search.leased_until.is_(None)))
    session.execute(update(Search).where(Search.proposal_id == proposal.id).values(stop=True))


def give_up(session: Session, proposal: Proposal) -> None:
    """End the search and keep the proposal as it is."""
    session.execute(delete(Search).where(Search.proposal_id == proposal.id))


def run() -> bool:
    """Do one search that is due. Returns whether there was any."""
    task = _claim()
    if task is None:
        return False
    watch = _Watch(task)
    try:
        found = proposing.search(
            task.problem,
            task.solution["seed"],
            seconds=SECONDS,
            progress=watch.hear,
            cancelled=watch.is_over,
        )
    except Exception:
        # The job's id in the log is the reference. Tried again it would fail again, with a page waiting for it.
        log.exception("the search failed; the proposal stays as it is", proposal=task.proposal_id)
        found = None
    _end(task, found)
    return True


def _claim() -> _Task | None:
    now = clock.wall()
    free = or_(Search.leased_until.is_(None), Search.leased_until < now)
    with transaction() as session:
        session.execute(delete(Search).where(Search.asked_at <= now - PATIENCE))
        due = session.scalar(select(Search).where(free).order_by(Search.asked_at).limit(1))
        if due is None:
            return None
        mine = update(Search).where(Search.proposal_id == due.proposal_id, free)
        if not session.execute(mine.values(leased_until=now + LEASE)).rowcount:  # type: ignore[attr-defined]
            return None
        proposal = session.get_one(Proposal, due.proposal_id)
        draft = draft_of(proposal)
        return _Task(proposal.id, due.version, draft.problem, draft.solution, list(due.trail))


class _Watch:
    """Tells the page how far a search is, and hears there whether it is wanted any longer."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._began = self._told = time.monotonic()
        self._best = float(task.solution["objective"])
        self._over, self._stopping = False, jobs.stopping()
        self._thread = threading.get_ident()

    def hear(self, _share: float, objective: float) -> None:
        # The first answer was found with the same seed: until the search is as far, the page keeps that one.
        self._best = min(objective, self._best)
        self._tell()

    def is_over(self) -> bool:
        if threading.get_ident() == self._thread:  # the search asks from threads of its own too
            self._tell()
        return self._over or self._stopping.is_set()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < TELL_SECONDS or self._over:
            return
        self._told = now
        self._task.trail.append([round(now - self._began, 1), self._best])
        with transaction() as session:
            row = session.scalar(
                select(Search)
                .join(Proposal, Proposal.id == Search.proposal_id)
                .where(
                    Search.proposal_id == self._task.proposal_id,
                    Search.version == self._task.version,
                    Proposal.version == self._task.version,
                )
            )
            if row is None:
                self._over = True
                return
            row.trail, row.news, row.leased_until = list(self._task.trail), row.news + 1, clock.wall() + LEASE
            self._over = row.stop


def _end(task: _Task, found: Solution | None) -> None:
    with transaction() as session:
        of = select(Program).join(Proposal, Proposal.program_id == Program.id)
        program = session.scalars(of.where(Proposal.id == task.proposal_id)).one()
        proposing.take(session, program.id)
        asked = session.get(Search, task.proposal_id)
        if asked is None or asked.version != task.version:
            return  # given up, or another one began
        session.delete(asked)
        proposal = session.get_one(Proposal, task.proposal_id, populate_existing=True)
        untouched = proposal.version == task.version and not proposing.is_published(session, program.id)
        if not untouched or found is None:
            return
        if _is_better(found, task.solution):
            proposing.improve(session, program, proposal, _merged(found, task.solution))
        else:
            proposal.solution = {**proposal.solution, "in_vain": found.seconds}


def _is_better(found: Solution, before: Mapping[str, Any]) -> bool:
    """Better cohorts, or a better proof of how good the same ones are."""
    if found.objective is None or found.lower_bound is None:
        return False
    better: bool = found.objective < before["objective"] - BEST or found.lower_bound > before["lower_bound"] + BEST
    return better


def _merged(found: Solution, before: Mapping[str, Any]) -> dict[str, Any]:
    """The better cohorts with the better bound: each bound holds for both, as they answer the same question."""
    new: dict[str, Any] = found.to_json()
    kept = new
    if new["objective"] >= before["objective"] - BEST:
        kept = {**before, "in_vain": new["seconds"]}
    return proposing.with_bound(kept, max(before["lower_bound"], new["lower_bound"]))
