"""What the pages of cohorts show, as values that a template only has to draw."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import format_decimal
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool.cohorts import people, words
from lti_tool.cohorts.editing import Option, options, place_of
from lti_tool.cohorts.people import Attribute
from lti_tool.cohorts.proposing import draft_of, proposal_of
from lti_tool.cohorts.publishing import rules_of, why_waiting
from lti_tool.cohorts.queries import CohortMembers, cohorts_with_members, unplaced
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.wishes import Rules
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

MOST_COLOURS = 6
BEST = 1e-9  # a gap this small is a rounding error


@dataclass(frozen=True, slots=True)
class Member:
    """A person on a card."""

    key: int
    name: str
    href: str | None = None
    note: str | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A cohort as it is drawn: its title, facts, the parts of its bar in the legend's order, its people."""

    title: str
    facts: list[str]
    parts: list[tuple[str, int]]
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Moving:
    """The person chosen to be moved, and what could be done."""

    key: str
    name: str
    place: int
    locked: bool
    options: list[Option]
    others: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Forming:
    """The page of a proposal."""

    proposal: Proposal
    title: str
    quality: str
    found: str
    chips: list[str]
    bar: str | None
    legend: list[str]
    cards: list[Card]
    warnings: list[str]
    joined: list[str]
    gone: list[str]
    moving: Moving | None
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Board:
    """The page of published cohorts."""

    entries: list[tuple[CohortMembers, Card]]
    chips: list[str]
    bar: str | None
    legend: list[str]
    warnings: list[str]
    waiting: list[tuple[Person, list[str]]]


class _Bar:
    """How cards show one attribute: the frequent values in colours of their own, the rest as others."""

    def __init__(self, rules: Rules, attributes: Sequence[Attribute]) -> None:
        known = {attribute.name: attribute for attribute in attributes}
        chosen = next((known[name] for name in (*rules.spread, *rules.gather) if name in known), None)
        self.name = chosen.name if chosen else None
        self.values = chosen.values if chosen else {}
        counts = Counter(self.values.values())
        frequent = sorted(counts, key=lambda value: (-counts[value], value))
        self.labels = frequent if len(frequent) <= MOST_COLOURS else frequent[: MOST_COLOURS - 1]
        self.numbers = [known[name] for name in rules.balance if name in known]

    @property
    def legend(self) -> list[str]:
        others = len(set(self.values.values())) > len(self.labels)
        return [*self.labels, _("others")] if others else list(self.labels)

    def parts(self, members: Iterable[int]) -> list[tuple[str, int]]:
        """Each label's count among these people; who has no value is in none."""
        inside = Counter(self.values[person] for person in members if person in self.values)
        parts = [(label, inside.pop(label, 0)) for label in self.labels]
        others = self.legend[len(self.labels) :]
        return parts + [(label, inside.total()) for label in others]

    def facts(self, members: Sequence[int]) -> list[str]:
        found = [words.ngettext("%(num)s person", "%(num)s people", len(members))]
        for attribute in self.numbers:
            stated = [people.number(attribute.values[p]) for p in members if p in attribute.values]
            known = [value for value in stated if value is not None]
            if known:
                found.append(f"{attribute.name} {format_decimal(round(statistics.fmean(known), 1))}")
        return found


def forming(
    session: Session, program: Program, proposal: Proposal, moving: str | None, link: Mapping[str, str] | None
) -> Forming:
    """The page of a proposal. `link` has the address of each person's move, by id; none for those who only look."""
    draft = draft_of(proposal)
    names = people.labels(people.everybody(session, program.course_id))
    placeable = {str(person.id) for person in people.placeable(session, program.course_id)}
    inside = {person.id for person in draft.problem.people}
    attributes = people.attributes(session, program.course_id, {int(person) for person in inside})
    bar = _Bar(draft.rules, attributes)
    gap, seconds = draft.solution["gap"], draft.solution["seconds"]
    cards = []
    for position, members in enumerate(draft.cohorts):
        ids = [int(person) for person in members]
        drawn = [
            Member(
                key=int(person),
                name=names[person],
                href=link[person] if link else None,
                note=_("locked") if person in draft.problem.locked else None,
                marked=person == moving,
            )
            for person in sorted(members, key=lambda person: (names[person], int(person)))
        ]
        cards.append(Card(words.cohort(position), bar.facts(ids), bar.parts(ids), drawn))
    counts = [len(members) for members in draft.cohorts]
    named = [(words.cohort(position), count) for position, count in enumerate(counts)]
    return Forming(
        proposal=proposal,
        title=words.sizes(counts),
        quality=_("The best possible")
        if gap <= BEST
        else _("Within %(gap)s of the best possible", gap=words.share(gap)),
        found=_("found in %(seconds)s s", seconds=format_decimal(max(0.1, round(seconds, 1)))),
        chips=words.chips(draft.rules),
        bar=bar.name,
        legend=bar.legend,
        cards=cards,
        warnings=words.partner_warnings(named, len(program.modules)),
        joined=sorted(names[person] for person in placeable - inside),
        gone=sorted(names[person] for person in inside - placeable),
        moving=_moving(proposal, moving, names),
        names=names,
    )


def _moving(proposal: Proposal, person: str | None, names: Mapping[str, str]) -> Moving | None:
    draft = draft_of(proposal)
    place = None if person is None else place_of(draft, person)
    if person is None or place is None:
        return None
    others = [
        (other, f"{names[other]} · {words.cohort(position)}")
        for position, members in enumerate(draft.cohorts)
        if position != place
        for other in sorted(members, key=lambda other: names[other])
    ]
    return Moving(
        key=person,
        name=names[person],
        place=place,
        locked=person in draft.problem.locked,
        options=options(draft, person, names),
        others=others,
    )


def board(session: Session, program: Program) -> Board:
    """The page of published cohorts."""
    entries = cohorts_with_members(session, program.id)
    proposal = proposal_of(session, program.id)
    rules = rules_of(program, proposal)
    inside = [person.id for entry in entries for person in entry.members]
    bar = _Bar(rules, people.attributes(session, program.course_id, inside))
    cards = []
    for entry in entries:
        ids = [person.id for person in entry.members]
        members = [Member(person.id, person.name) for person in entry.members]
        cards.append(Card(_("Cohort %(name)s", name=entry.cohort.name), bar.facts(ids), bar.parts(ids), members))
    return Board(
        entries=list(zip(entries, cards, strict=True)),
        chips=words.chips(rules) if proposal else [],
        bar=bar.name,
        legend=bar.legend,
        warnings=words.partner_warnings(
            [(card.title, len(card.members)) for card in cards if card.members], len(program.modules)
        ),
        waiting=why_waiting(session, program, unplaced(session, program.id)),
    )
