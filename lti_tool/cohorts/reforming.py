"""Published cohorts formed anew: the ways to go on, and taking one of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from lti_tool import audit, clock
from lti_tool.cohorts import publishing, refusals, standing, words
from lti_tool.cohorts.proposing import StaleError, checked, take
from lti_tool.cohorts.publishing import BrokenRulesError
from lti_tool.cohorts.queries import unplaced
from lti_tool.cohorts.standing import Standing
from lti_tool.cohorts.tables import Cohort, Membership
from lti_tool.cohorts.words import _
from lti_tool.matching import reforming
from lti_tool.matching.reforming import Choice, Reforming
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

SECONDS = 1.5

# person id -> (id of the cohort that they are in, None when they wait; id of the one that they go to)
Moves = Mapping[int, tuple[int | None, int]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to go on, in words. `moves` say who goes from where to where, `effect` how the mix compares."""

    title: str
    sizes: str
    effect: str | None
    moves: list[tuple[str, str]]
    sent: Moves


def question(session: Session, program: Program) -> Standing:
    """What a search for ways needs to know, those who wait for a place included."""
    return standing.of(session, program, unplaced(session, program.id))


def search(now: Standing, seed: int = 1) -> Reforming:
    """The ways to go on, each one checked. Takes `SECONDS` at most. Raises CheckFailedError."""
    found = reforming.reform(now.problem, now.members, seed=seed, now=time.monotonic, seconds=SECONDS)
    for choice in found.choices:
        checked(choice.problem, choice.solution.to_json())
    return found


def ways(now: Standing, choices: Sequence[Choice]) -> list[Way]:
    """The choices in words."""
    today = reforming.mix(now.problem, now.members)
    return [_way(now, choice, today) for choice in choices if choice.moves]


def why_none(now: Standing, found: Reforming) -> list[str]:
    """What prevents every way; nothing where there is one, or no need of any."""
    if found.refused is None:
        return []
    if found.refused.status == "unknown":
        return [_("No way that keeps every rule was found in the time, and it is not proved that there is none.")]
    going_on = sum(map(bool, now.members))
    return refusals.sentences(replace(now.problem, cohorts=going_on), found.refused.conflict, now.names)


def _way(now: Standing, choice: Choice, today: float) -> Way:
    return Way(
        title=_title(now, choice),
        sizes=words.sizes([len(cohort) for cohort in choice.solution.cohorts]),
        effect=_effect(now, choice, today),
        moves=_told(now, choice),
        sent={
            int(move.person): (
                None if move.leaves is None else now.cohorts[move.leaves].id,
                now.cohorts[move.joins].id,
            )
            for move in choice.moves
        },
    )


def _title(now: Standing, choice: Choice) -> str:
    moved = words.ngettext("%(num)s person moves", "%(num)s people move", choice.moved) if choice.moved else None
    ending = [now.titled(index) for index, members in enumerate(now.members) if members and index not in choice.kept]
    parts = [
        _("%(cohorts)s ends", cohorts=words.listed(ending)) if ending else None,
        moved or _("Nobody moves"),
        words.ngettext("%(num)s more gets a place", "%(num)s more get a place", len(choice.moves) - choice.moved)
        if len(choice.moves) > choice.moved
        else None,
    ]
    return ", ".join(part for part in parts if part)


def _effect(now: Standing, choice: Choice, today: float) -> str | None:
    """How the mix compares with today's, which only the same people in as many cohorts allow."""
    if len(choice.moves) > choice.moved or len(choice.kept) < sum(map(bool, now.members)):
        return None
    worse = (choice.mix - today) / max(today, 1.0)
    if abs(worse) <= words.BEST:
        return _("The mix is as good as now.")
    if worse > 0:
        return _("The mix is %(share)s worse than now.", share=words.share(worse))
    return _("The mix is %(share)s better than now.", share=words.share(-worse))


def _told(now: Standing, choice: Choice) -> list[tuple[str, str]]:
    """From where to where, and who."""
    together: dict[tuple[int, int], list[str]] = {}
    for move in choice.moves:
        place = (-1 if move.leaves is None else move.leaves, move.joins)
        together.setdefault(place, []).append(now.names[move.person])
    return [
        (
            _("To %(new)s", new=now.titled(joins))
            if leaves < 0
            else _("From %(old)s to %(new)s", old=now.titled(leaves), new=now.titled(joins)),
            ", ".join(sorted(names)),
        )
        for (leaves, joins), names in sorted(together.items())
    ]


def go(session: Session, program: Program, moves: Moves, *, actor_id: int) -> None:
    """Let people go where a way says; a cohort that nobody is left in has ended.

    Raises StaleError when somebody is no longer where the way found them, BrokenRulesError when rules would break.
    """
    take(session, program.id)
    now = question(session, program)
    _check(now, moves)
    in_cohort = {cohort.id: cohort for cohort in now.cohorts}
    running = select(Membership).where(
        Membership.program_id == program.id, Membership.until.is_(None), Membership.person_id.in_(moves)
    )
    publishing.move_members(
        session,
        program,
        [(membership, in_cohort[moves[membership.person_id][1]]) for membership in session.scalars(running)],
        actor_id,
        why=_("the cohorts were formed anew"),
    )
    waiting = [person_id for person_id, (leaves, _joins) in moves.items() if leaves is None]
    people = session.scalars(select(Person).where(Person.id.in_(waiting)).order_by(Person.id))
    publishing.join(session, program, [(person, in_cohort[moves[person.id][1]]) for person in people], actor_id)
    _end_emptied(session, program, now, moves, actor_id)


def _check(now: Standing, moves: Moves) -> None:
    at = {int(person): now.cohorts[index].id for index, cohort in enumerate(now.members) for person in cohort}
    known = {int(person.id) for person in now.problem.people}
    targets = {cohort.id for cohort in now.cohorts}
    for person_id, (leaves, joins) in moves.items():
        if person_id not in known or at.get(person_id) != leaves or joins not in targets:
            raise StaleError
    goes = at | {person_id: joins for person_id, (_leaves, joins) in moves.items()}
    after = [[str(person) for person, there in goes.items() if there == cohort.id] for cohort in now.cohorts]
    going_on = [index for index, members in enumerate(after) if members]
    reasons = _newly_broken(now, after, going_on)
    if reasons:
        raise BrokenRulesError(reasons)


def _newly_broken(now: Standing, after: Sequence[Sequence[str]], going_on: Sequence[int]) -> list[str]:
    """As `Standing.newly_broken`, but a cohort that ends needs nobody."""
    remaining = Standing(
        [now.cohorts[index] for index in going_on],
        [now.members[index] for index in going_on],
        now.unlocked().problem,
        now.names,
    )
    return remaining.newly_broken([after[index] for index in going_on])


def _end_emptied(session: Session, program: Program, before: Standing, moves: Moves, actor_id: int) -> None:
    left = {leaves for leaves, _joins in moves.values()}
    occupied = select(Membership.cohort_id).where(Membership.program_id == program.id, Membership.until.is_(None))
    full = set(session.scalars(occupied))
    for cohort in before.cohorts:
        if cohort.id in left and cohort.id not in full:
            _end(session, program, cohort, actor_id)


def _end(session: Session, program: Program, cohort: Cohort, actor_id: int) -> None:
    cohort.ended_at = clock.now()
    audit.record(session, "cohort ended", "cohort", cohort.id, course_id=program.course_id, actor_id=actor_id)
    session.flush()
