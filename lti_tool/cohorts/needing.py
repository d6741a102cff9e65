"""What published cohorts miss today; and rules about single people that can be given up so that fewer must move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from lti_tool.cohorts import editing, hour_view, standing, words
from lti_tool.cohorts.proposing import StaleError, note, proposal_of, take
from lti_tool.cohorts.queries import unplaced
from lti_tool.cohorts.standing import Standing
from lti_tool.cohorts.words import _, ngettext
from lti_tool.matching.problem import SizeRule
from lti_tool.programs.tables import Program

MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Need:
    """What makes people move, in words; and without whose hours, by id and name, nobody would have to."""

    text: str
    people: list[tuple[str, str]]


def needs(now: Standing) -> list[Need]:
    """What must change before the cohorts that go on keep every rule and everybody has a place."""
    going_on = [index for index, members in enumerate(now.members) if members]
    found = [Need(text, []) for index in going_on for text in _size(now, index)]
    waiting = len(now.waiting)
    if waiting:
        found.append(
            Need(ngettext("%(num)s person waits for a place.", "%(num)s people wait for a place.", waiting), [])
        )
    others = replace(now.problem, size=SizeRule(0, len(now.problem.people), 1), common_slots=0)
    found += [Need(text, []) for text in words.broken(others, now.members, now.names, now.titled)]
    return found + [need for index in going_on for need in _hours(now, index)]


def _size(now: Standing, index: int) -> list[str]:
    size, count = now.problem.size, len(now.members[index])
    if size.min <= count <= size.max:
        return []
    return [
        ngettext(
            "%(cohort)s has %(num)s person; a cohort has %(low)s to %(high)s.",
            "%(cohort)s has %(num)s people; a cohort has %(low)s to %(high)s.",
            count,
            cohort=now.titled(index),
            low=size.min,
            high=size.max,
        )
    ]


def _hours(now: Standing, index: int) -> list[Need]:
    members = now.members[index]
    if _shared(now, members) >= now.problem.common_slots:
        return []
    alone = [
        p for p in members if _shared(now, [other for other in members if other != p]) >= now.problem.common_slots
    ]
    text = _("%(cohort)s has too few hours at which everybody can meet.", cohort=now.titled(index))
    if not 0 < len(alone) <= MOST_NAMED:
        return [Need(text, [])]
    named = [hour_view.free_only(now.hours, int(person), now.names[person]) for person in alone]
    why = ngettext(
        "It has enough without the hours of %(names)s.",
        "It has enough without the hours of one of these: %(names)s.",
        len(named),
        names=words.listed(named),
    )
    return [Need(f"{text} {why}", [(person, now.names[person]) for person in alone])]


def _shared(now: Standing, members: Sequence[str]) -> int:
    return len(words.common_slots(now.problem, [members])[0])


def unlock(session: Session, program: Program, person_id: int, *, actor_id: int) -> str:
    """Let somebody (and who must be with them) be moved out of the cohort that a proposal had kept them in.

    Returns their name. Raises StaleError when they are not kept there any more.
    """
    take(session, program.id)
    now, person = standing.of(session, program, unplaced(session, program.id)), str(person_id)
    proposal = proposal_of(session, program.id)
    if proposal is None or person not in now.problem.locked:
        raise StaleError
    free = {int(one) for one in editing.unit(now.problem, person)}
    rules = standing.rules_of(program, proposal)
    kept = {one: place for one, place in rules.locked.items() if one not in free}
    proposal.rules = replace(rules, locked=kept).to_json()
    place = rules.locked[person_id]
    note(session, program, proposal, "person unlocked", actor_id, after={"person": person, "in": place})
    return now.names[person]


def exempt(session: Session, program: Program, person_id: int, *, actor_id: int) -> str:
    """Let the hours of somebody no longer count. Returns their name. Raises StaleError where that changes nothing."""
    take(session, program.id)
    now, proposal = standing.of(session, program), proposal_of(session, program.id)
    rules = standing.rules_of(program, proposal)
    if proposal is None or str(person_id) not in now.names or person_id in rules.any_time or not rules.common_slots:
        raise StaleError
    proposal.rules = replace(rules, any_time=(*rules.any_time, person_id)).to_json()
    note(session, program, proposal, "hours not counted", actor_id, after={"person": str(person_id)})
    return now.names[str(person_id)]
