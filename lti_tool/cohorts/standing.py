"""How published cohorts stand: who is in them, and the rules that hold for them and for whoever joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy.orm import Session

from lti_tool.cohorts import people, words
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.proposing import proposal_of, question
from lti_tool.cohorts.queries import cohorts_with_members
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.cohorts.wishes import Rules, usual
from lti_tool.cohorts.words import _
from lti_tool.matching.problem import Problem
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person


@dataclass(frozen=True)
class Standing:
    """The cohorts that go on with their members' ids as text; the rules for these people and those who wait.

    Locks name indices of `cohorts`. One that a person was moved away from since no longer holds.
    """

    cohorts: list[Cohort]
    members: list[list[str]]
    problem: Problem
    names: words.Names
    hours: Hours

    @property
    def waiting(self) -> list[str]:
        """Who is to have a place and has none."""
        placed = {person for members in self.members for person in members}
        return [person.id for person in self.problem.people if person.id not in placed]

    def titled(self, index: int) -> str:
        """What the cohort at an index is called."""
        return _("Cohort %(name)s", name=self.cohorts[index].name)

    def newly_broken(self, after: Sequence[Sequence[str]]) -> list[str]:
        """The rules that hold now, or are broken otherwise, and would be broken with these members."""
        return [text for text in self._broken_by(after) if text not in self._broken]

    @cached_property
    def _broken(self) -> frozenset[str]:
        return frozenset(self._broken_by(self.members))

    def _broken_by(self, members: Sequence[Sequence[str]]) -> list[str]:
        return words.broken(self.problem, members, self.names, self.titled)

    def obstacles(self, person: str, to: int) -> list[str]:
        """What closes the cohort at index `to` to a person, who may be in another one now."""
        after = [
            [p for p in cohort if p != person] + ([person] if index == to else [])
            for index, cohort in enumerate(self.members)
        ]
        found = self.newly_broken(after)
        difference = len(after[to]) - min(len(cohort) for cohort in after)
        if not found and difference > self.problem.size.slack:
            return [_("It would have %(n)s people more than the smallest cohort.", n=difference)]
        return found

    def away(self, index: int, members: Sequence[str]) -> list[str]:
        """Who of these people is not free when the cohort at an index meets."""
        hour = self.cohorts[index].hour or self.hours.own
        return [str(person) for person in self.hours.busy(hour, [int(p) for p in members])]

    def meets_without(self, person: str, to: int) -> list[str]:
        """That a person is not free when the cohort at index `to` meets, if they are not."""
        if not self.away(to, [person]):
            return []
        hour = words.hour(self.cohorts[to].hour or self.hours.own)
        return [
            _(
                "%(name)s is not free when %(cohort)s meets, %(hour)s.",
                name=self.names[person],
                cohort=self.titled(to),
                hour=hour,
            )
        ]

    def unlocked(self) -> Standing:
        """The same without locks: they say where the proposal put somebody; whoever moves a person now knows that."""
        return replace(self, problem=replace(self.problem, locked={}))


def of(session: Session, program: Program, waiting: Sequence[Person] = ()) -> Standing:
    """The standing of a program's cohorts, with rules that count those who wait for a place in."""
    entries = cohorts_with_members(session, program.id)
    everybody = [*waiting, *(person for entry in entries for person in entry.members)]
    rules = rules_of(program, proposal_of(session, program.id))
    problem = question(session, program, rules, everybody)
    index_of = {entry.cohort.position: index for index, entry in enumerate(entries)}
    at = {str(person.id): index for index, entry in enumerate(entries) for person in entry.members}
    held = {person: index_of.get(place) for person, place in problem.locked.items()}
    locked = {person: index for person, index in held.items() if index is not None and at.get(person, index) == index}
    return Standing(
        cohorts=[entry.cohort for entry in entries],
        members=[[str(person.id) for person in entry.members] for entry in entries],
        problem=replace(problem, locked=locked),
        names=people.labels(everybody),
        hours=Hours.of(session, program, rules, [person.id for person in everybody]),
    )


def rules_of(program: Program, proposal: Proposal | None) -> Rules:
    """The rules by which a program's cohorts were made."""
    return usual(program) if proposal is None else Rules.from_json(proposal.rules)
