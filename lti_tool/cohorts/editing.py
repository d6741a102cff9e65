"""Changing a proposal by hand: moves, swaps and locks, with what each would do before it is done.

People who must be together move together. Sizes, `together` and `apart` are never broken, as far as the draft keeps
them. A move that only makes sizes differ more than they may loosens that rule in the draft's problem, and says so:
see `loosening`. Whoever was moved by hand stays there in the next proposal.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from lti_tool.cohorts import measuring, people, wishes, words
from lti_tool.cohorts.loosening import loosened
from lti_tool.cohorts.proposing import Draft, checked, current, draft_of, note, question, replace_draft, with_bound
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.words import _
from lti_tool.matching.bound import sharpened_bound
from lti_tool.matching.budget import never
from lti_tool.matching.joint import Pace
from lti_tool.matching.newcomer import place_newcomer
from lti_tool.matching.objective import objective, terms
from lti_tool.matching.problem import Problem
from lti_tool.programs.tables import Program

MOST_SWAPS = 300  # more would make people wait for the page
MUCH_THE_SAME = 1e-9
BOUND_STEPS, BOUND_SECONDS = 8_000, 0.3  # for the bound under another rule of sizes

Cohorts = list[list[str]]


class RefusedError(Exception):
    """A change that would break rules; `reasons` are sentences."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do: the draft after it, what J grows by (as a share of it), what is worth saying about it.

    The draft's bound is that of before; when sizes may differ more it is made anew once the change is made.
    """

    draft: Draft
    worse: float
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Option:
    """Where a person could go: the effect of a move, or why not; and the best swap with somebody there."""

    cohort: int
    move: Effect | None
    reasons: list[str]
    swap: Effect | None
    swap_with: str | None


def unit(problem: Problem, person: str) -> list[str]:
    """The person and everybody who must be together with them, directly or through others."""
    found = [person]
    for known in found:
        for group in problem.together:
            if known in group:
                found += [other for other in group if other not in found]
    return found


def place_of(draft: Draft, person: str) -> int | None:
    """The index of the cohort that has the person."""
    return next((c for c, members in enumerate(draft.cohorts) if person in members), None)


def moved(draft: Draft, person: str, to: int, names: words.Names) -> Effect:
    """The draft with the person (and who must be with them) in cohort `to`. Raises RefusedError."""
    if place_of(draft, person) == to:
        raise RefusedError([_("%(name)s is in %(cohort)s already.", name=names[person], cohort=words.cohort(to))])
    return _changed(draft, dict.fromkeys(unit(draft.problem, person), to), names)


def swapped(draft: Draft, person: str, other: str, names: words.Names) -> Effect:
    """The draft with two people (and who must be with them) in each other's cohort. Raises RefusedError."""
    here, there = place_of(draft, person), place_of(draft, other)
    if here is None or there is None or here == there:
        raise RefusedError([_("%(one)s and %(other)s are in one cohort.", one=names[person], other=names[other])])
    targets = dict.fromkeys(unit(draft.problem, person), there) | dict.fromkeys(unit(draft.problem, other), here)
    return _changed(draft, targets, names)


def _changed(draft: Draft, targets: Mapping[str, int], names: words.Names) -> Effect:
    """The draft with these people where `targets` says, locked there, all figures computed anew."""
    cohorts = _with(draft.cohorts, targets)
    rules = replace(draft.rules, locked=dict(draft.rules.locked) | {int(p): c for p, c in targets.items()})
    problem = replace(draft.problem, locked=dict(draft.problem.locked) | dict(targets))
    reasons = words.broken(problem, cohorts, names)
    if reasons:
        raise RefusedError(reasons)
    problem = loosened(wishes.asked(rules, draft.problem), cohorts)
    slack, notes = problem.size.slack, []
    if slack > draft.problem.size.slack:
        notes.append(_("sizes differ by up to %(n)s, more than your rule of %(slack)s", n=slack, slack=rules.slack))
    solution = figures(problem, cohorts, draft.solution)
    after = Draft(rules, problem, solution)
    before = draft.solution["objective"]
    worse = (solution["objective"] - before) / max(before, 1.0)
    return Effect(after, worse, _companions(targets, names) + notes + changes(draft, after))


def _with(cohorts: Cohorts, targets: Mapping[str, int]) -> Cohorts:
    after = [[person for person in members if person not in targets] for members in cohorts]
    for person, cohort in targets.items():
        after[cohort].append(person)
    return after


def figures(problem: Problem, cohorts: Cohorts, before: Mapping[str, Any]) -> dict[str, Any]:
    """The solution `before` with other cohorts, all of its figures but the bound computed anew."""
    by_id = {person.id: person for person in problem.people}
    term = terms(problem, [[by_id[person] for person in members] for members in cohorts])
    found = {**before, "cohorts": cohorts, "objective": objective(problem, term), "terms": term}
    if problem.common_slots:
        found["slots"] = words.common_slots(problem, cohorts)
    return with_bound(found, before["lower_bound"])


def _with_valid_bound(session: Session, proposal: Proposal, before: Draft, after: Draft) -> tuple[Proposal, Draft]:
    """A bound holds for every solution that keeps the size rule, so only other sizes or people need another one.

    Raises as `current` when the proposal was changed while that was made.
    """
    if after.problem.size == before.problem.size and len(after.problem.people) == len(before.problem.people):
        return proposal, after
    program_id, version = proposal.program_id, proposal.version
    session.rollback()  # nothing was written: let nobody wait for the database meanwhile
    bound = sharp_bound(after.problem, len(after.cohorts))
    return current(session, program_id, version), replace(after, solution=with_bound(after.solution, bound))


def sharp_bound(problem: Problem, count: int) -> float:
    """A lower bound on J, as sharp as a moment allows."""
    return sharpened_bound(problem, count, Pace(BOUND_STEPS, BOUND_SECONDS, time.monotonic, never))


def _companions(targets: Mapping[str, int], names: words.Names) -> list[str]:
    groups = [[person for person, to in targets.items() if to == cohort] for cohort in sorted(set(targets.values()))]
    return [
        _("%(people)s move together", people=words.listed([names[person] for person in group]))
        for group in groups
        if len(group) > 1
    ]


def changes(before: Draft, after: Draft) -> list[str]:
    """What a change does to each wish, in words."""
    worse = {
        "spread": _("%(what)s less evenly spread"),
        "balance": _("%(what)s less balanced"),
        "gather": _("%(what)s less gathered"),
    }
    better = {
        "spread": _("%(what)s more evenly spread"),
        "balance": _("%(what)s better balanced"),
        "gather": _("%(what)s more gathered"),
    }
    found = []
    for key, value in after.solution["terms"].items():
        kind, _colon, attribute = key.partition(":")
        difference = value - before.solution["terms"].get(key, value)
        if abs(difference) > MUCH_THE_SAME:
            text = (worse if difference > 0 else better)[kind].replace("%(what)s", attribute)
            found.append(text + (_means(attribute, before, after) if kind == "balance" else ""))
    return found


def _means(attribute: str, before: Draft, after: Draft) -> str:
    """The average that changes most: " (4.1 instead of 3.8 in Cohort C)"."""
    means = [measuring.means(draft.problem, draft.cohorts, attribute) for draft in (before, after)]
    both = [(new, old, position) for position, (old, new) in enumerate(zip(*means, strict=True))]
    known = [(new, old, position) for new, old, position in both if new is not None and old is not None]
    new, old, position = max(known, key=lambda change: abs(change[0] - change[1]), default=(0.0, 0.0, 0))
    if measuring.rounded(new) == measuring.rounded(old):
        return ""
    return _(
        " (%(new)s instead of %(old)s in %(cohort)s)",
        new=measuring.rounded(new),
        old=measuring.rounded(old),
        cohort=words.cohort(position),
    )


def options(draft: Draft, person: str, names: words.Names) -> list[Option]:
    """What could be done with a person, by cohort."""
    here = place_of(draft, person)
    few = len(draft.problem.people) <= MOST_SWAPS
    found = []
    for position, members in enumerate(draft.cohorts):
        if position == here:
            continue
        move, reasons = _tried_move(draft, person, position, names)
        swap, other = _best_swap(draft, person, members, names) if few else (None, None)
        found.append(Option(position, move, reasons, swap, other))
    return found


def _tried_move(draft: Draft, person: str, to: int, names: words.Names) -> tuple[Effect | None, list[str]]:
    try:
        return moved(draft, person, to, names), []
    except RefusedError as refused:
        return None, refused.reasons


def _best_swap(
    draft: Draft, person: str, members: Collection[str], names: words.Names
) -> tuple[Effect | None, str | None]:
    best: tuple[Effect | None, str | None] = (None, None)
    for other in members:
        try:
            effect = swapped(draft, person, other, names)
        except RefusedError:
            continue
        if best[0] is None or effect.worse < best[0].worse - MUCH_THE_SAME:
            best = effect, other
    return best


def move(
    session: Session,
    program: Program,
    person: str,
    to: int,
    names: words.Names,
    *,
    version: int | None,
    actor_id: int,
) -> Effect:
    """Move a person in the program's proposal. Raises RefusedError, StaleError, AlreadyPublishedError."""
    proposal, draft = _current(session, program, version, person)
    if not 0 <= to < len(draft.cohorts):
        raise RefusedError([_("There is no such cohort in this proposal. Choose one of the list.")])
    effect = moved(draft, person, to, names)
    proposal, after = _with_valid_bound(session, proposal, draft, effect.draft)
    _keep(session, program, proposal, after, actor_id, "person moved", {"person": person, "to": to})
    return effect


def swap(
    session: Session,
    program: Program,
    person: str,
    other: str,
    names: words.Names,
    *,
    version: int | None,
    actor_id: int,
) -> Effect:
    """Let two people change places in the proposal. Raises RefusedError, StaleError, AlreadyPublishedError."""
    proposal, draft = _current(session, program, version, person, other)
    effect = swapped(draft, person, other, names)
    proposal, after = _with_valid_bound(session, proposal, draft, effect.draft)
    _keep(session, program, proposal, after, actor_id, "people swapped", {"person": person, "with": other})
    return effect


def place(
    session: Session, program: Program, names: words.Names, *, version: int | None, actor_id: int
) -> tuple[list[str], list[str]]:
    """Give everybody of the course who is not in the proposal a place in it by its rules, and move nobody.

    Returns who has one now, and who fits nowhere. Raises StaleError, AlreadyPublishedError.
    """
    proposal = current(session, program.id, version)
    draft = draft_of(proposal)
    inside = {person.id for person in draft.problem.people}
    missing = [str(p.id) for p in people.placeable(session, program.course_id) if str(p.id) not in inside]
    concerned = inside.union(missing)
    everybody = [person for person in people.everybody(session, program.course_id) if str(person.id) in concerned]
    problem = replace(question(session, program, draft.rules, everybody), cohorts=len(draft.cohorts))
    cohorts, waiting = _each_placed(problem, draft.cohorts, missing)
    placed = [person for person in missing if person not in waiting]
    if placed:
        rules = wishes.among(draft.rules, {int(person) for members in cohorts for person in members})
        present = replace(problem, people=tuple(person for person in problem.people if person.id not in waiting))
        after = Draft(draft.rules, loosened(wishes.asked(rules, present), cohorts), draft.solution)
        after = replace(after, solution=figures(after.problem, cohorts, draft.solution))
        proposal, after = _with_valid_bound(session, proposal, draft, after)
        _keep(session, program, proposal, after, actor_id, "people placed in draft", {"people": placed})
    return [names[person] for person in placed], [names[person] for person in waiting]


def _each_placed(problem: Problem, cohorts: Cohorts, missing: Sequence[str]) -> tuple[Cohorts, list[str]]:
    cohorts, waiting = [list(members) for members in cohorts], []
    for person in missing:
        so_far = {person}.union(*cohorts)
        present = replace(problem, people=tuple(p for p in problem.people if p.id in so_far))
        placement = place_newcomer(present, cohorts, person)
        if placement.cohort is None:
            waiting.append(person)
        else:
            cohorts[placement.cohort].append(person)
    return cohorts, waiting


def lock(
    session: Session, program: Program, people: Sequence[str], *, locked: bool, version: int | None, actor_id: int
) -> None:
    """Keep people (and who must be with them) where they are, or let them be moved again.

    Raises RefusedError, StaleError, AlreadyPublishedError.
    """
    proposal, draft = _current(session, program, version, *people)
    concerned = {other for person in people for other in unit(draft.problem, person)}
    kept = {p: c for p, c in draft.problem.locked.items() if p not in concerned}
    if locked:
        place = {person: position for position, members in enumerate(draft.cohorts) for person in members}
        kept |= {person: place[person] for person in concerned}
    after = Draft(
        replace(draft.rules, locked={int(p): c for p, c in kept.items()}),
        replace(draft.problem, locked=kept),
        draft.solution,
    )
    action = "person locked" if locked else "person unlocked"
    _replace(session, proposal, after)
    for person in people:
        note(session, program, proposal, action, actor_id, after={"person": person, "in": place_of(draft, person)})


def _current(session: Session, program: Program, version: int | None, *people: str) -> tuple[Proposal, Draft]:
    proposal = current(session, program.id, version)
    draft = draft_of(proposal)
    if any(place_of(draft, person) is None for person in people):
        raise RefusedError([_("That person is not in this proposal. Choose somebody from the list.")])
    return proposal, draft


def _keep(
    session: Session,
    program: Program,
    proposal: Proposal,
    draft: Draft,
    actor_id: int,
    action: str,
    what: Mapping[str, object],
) -> None:
    _replace(session, proposal, draft)
    note(session, program, proposal, action, actor_id, after=what)


def _replace(session: Session, proposal: Proposal, draft: Draft) -> None:
    checked(draft.problem, draft.solution)
    replace_draft(session, proposal, draft)
