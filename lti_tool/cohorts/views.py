"""What the pages of cohorts show, as values that a template only has to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import format_decimal
from sqlalchemy.orm import Session

from lti_tool.cohorts import avoiding, hour_view, people, searching, undoing, words
from lti_tool.cohorts.bars import Bar
from lti_tool.cohorts.editing import Effect, Option, options, place_of, unit
from lti_tool.cohorts.hour_view import Deciding
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.proposing import Draft, draft_of, drafts_of, proposal_of, steps_of
from lti_tool.cohorts.publishing import why_waiting
from lti_tool.cohorts.queries import CohortMembers, cohorts_with_members, ended_cohorts, unplaced
from lti_tool.cohorts.searching import Underway
from lti_tool.cohorts.standing import rules_of
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.cohorts.undoing import Undoable
from lti_tool.cohorts.words import _, ngettext
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

MOST_WHILE_DRAGGED = 1_500


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
    others: list[str]


@dataclass(frozen=True, slots=True)
class Forming:
    """The page of a proposal.

    `kept` says how far the rules are, `loosened` what a change by hand did to them. `held` were moved just now, and
    stay where they are in the next proposal.
    """

    proposal: Proposal
    title: str
    quality: str
    kept: str
    loosened: str | None
    found: str
    chips: list[str]
    bar: str | None
    legend: list[str]
    cards: list[Card]
    warnings: list[str]
    hours: list[str]
    deciding: Deciding | None
    avoided: str | None
    joined: list[str]
    gone: list[str]
    moving: Moving | None
    held: list[str]
    staying: str
    names: Mapping[str, str]
    asks_hours: bool
    zone: str | None
    undoable: bool
    drafts: list[tuple[int, bool]]
    underway: Underway | None
    mark: str


@dataclass(frozen=True, slots=True)
class Board:
    """The page of published cohorts."""

    entries: list[tuple[CohortMembers, Card]]
    chips: list[str]
    bar: str | None
    legend: list[str]
    warnings: list[str]
    avoided: str | None
    hours: list[str]
    waiting: list[tuple[Person, list[str]]]
    small: list[str]
    least: int
    ended: Sequence[Cohort]
    undoable: Undoable | None


def forming(
    session: Session,
    program: Program,
    proposal: Proposal,
    moving: str | None,
    link: Mapping[str, str] | None,
    moved: Sequence[str] = (),
) -> Forming:
    """The page of a proposal. `link` has the address of each person's move, by id; none for those who only look.

    `moved` are those whom somebody moved just now.
    """
    draft = draft_of(proposal)
    roll = people.roll(session, program.course_id)
    names = people.labels(person for person, _may in roll)
    placeable = {str(person.id) for person, may in roll if may}
    inside = {person.id for person in draft.problem.people}
    ids_inside = {int(person) for person in inside}
    bar = Bar(draft.rules, people.attributes(session, program, ids_inside), ids_inside)
    hours = Hours.of(session, program, draft.rules, ids_inside)
    cohorts = [[int(person) for person in members] for members in draft.cohorts]
    shared = [hours.shared(members) for members in cohorts]
    titles = hour_view.titles(draft.rules, shared)
    changed = steps_of(session, proposal) > 0
    held = sorted({p for person in moved for p in unit(draft.problem, person) if p in draft.problem.locked})
    cards = []
    for position, members in enumerate(draft.cohorts):
        ids = cohorts[position]
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
        facts = [*bar.facts(ids), *hour_view.facts(draft.rules, shared[position])]
        cards.append(Card(titles[position], facts, bar.parts(ids), drawn))
    counts = [len(members) for members in draft.cohorts]
    named = [(words.cohort(position), count) for position, count in enumerate(counts)]
    return Forming(
        proposal=proposal,
        title=words.sizes(counts),
        quality=words.quality(draft.solution["gap"]),
        kept=_kept(draft),
        loosened=_loosened(draft),
        found=_("changed by hand") if changed else _found(draft.solution["seconds"]),
        chips=words.chips(draft.rules),
        bar=bar.name,
        legend=bar.legend,
        cards=cards,
        warnings=words.partner_warnings(named, len(program.modules)),
        hours=hour_view.warnings(draft.rules, hours, cohorts, names),
        deciding=hour_view.deciding(draft.rules, hours, cohorts, names),
        avoided=avoiding.told(session, program.course_id, cohorts, names),
        joined=sorted(names[person] for person in placeable - inside),
        gone=sorted(names[person] for person in inside - placeable),
        moving=_moving(proposal, moving, names),
        held=held,
        staying=_staying(draft, held, names),
        names=names,
        asks_hours=bool(hours.free),
        zone=program.zone if titles != [words.cohort(position) for position in range(len(titles))] else None,
        undoable=changed,
        drafts=[(other.number, other.chosen) for other in drafts_of(session, program.id)],
        underway=searching.underway(session, proposal),
        mark=searching.mark(session, proposal),
    )


def _staying(draft: Draft, held: Sequence[str], names: Mapping[str, str]) -> str:
    """That those who were moved by hand are not moved by the next proposal."""
    people, places = words.listed([names[person] for person in held]), {draft.problem.locked[p] for p in held}
    if len(places) == 1:
        return ngettext(
            "%(people)s stays in %(cohort)s when you try again.",
            "%(people)s stay in %(cohort)s when you try again.",
            len(held),
            people=people,
            cohort=words.cohort(places.pop()),
        )
    return _("%(people)s stay where they are now when you try again.", people=people)


def _found(seconds: float) -> str:
    return _("found in %(seconds)s s", seconds=format_decimal(max(0.1, round(seconds, 1))))


def _kept(draft: Draft) -> str:
    if draft.problem.size.slack <= draft.rules.slack:
        return _("every rule below is kept")
    return _("every rule below is kept but that of sizes")


def _loosened(draft: Draft) -> str | None:
    """What changes by hand did to the rule of sizes, and how it comes back."""
    now, chosen = draft.problem.size.slack, draft.rules.slack
    if now <= chosen:
        return None
    return _(
        "Sizes differ by up to %(now)s, as you moved people by hand; your rule says %(chosen)s. If you try again, "
        "your rule holds again. If you publish, these sizes are taken as they are.",
        now=now,
        chosen=chosen,
    )


def _moving(proposal: Proposal, person: str | None, names: Mapping[str, str]) -> Moving | None:
    draft = draft_of(proposal)
    place = None if person is None else place_of(draft, person)
    if person is None or place is None:
        return None
    others = sorted(
        names[other] for position, members in enumerate(draft.cohorts) if position != place for other in members
    )
    return Moving(
        key=person,
        name=names[person],
        place=place,
        locked=person in draft.problem.locked,
        options=options(draft, person, names),
        others=others,
    )


def told_options(draft: Draft, person: str, names: Mapping[str, str]) -> dict[int, dict[str, object]]:
    """What could be done with a person, by cohort: `text` says what a move would do, or why it cannot be.

    Nothing for courses so large that this would keep a dragging hand waiting.
    """
    found: dict[int, dict[str, object]] = {}
    if len(draft.problem.people) > MOST_WHILE_DRAGGED:
        return found
    for option in options(draft, person, names):
        effect = option.move
        text = _refused(option, person, names) if effect is None else told(effect)
        found[option.cohort] = {"may": effect is not None, "text": text}
    return found


def _refused(option: Option, person: str, names: Mapping[str, str]) -> str:
    swap = option.swap_with
    cannot = _("%(name)s cannot go to %(cohort)s.", name=names[person], cohort=words.cohort(option.cohort))
    instead = [_("Swapped with %(name)s, every rule is kept.", name=names[swap])] if swap is not None else []
    return " ".join([cannot, *option.reasons, *instead])


def told(effect: Effect) -> str:
    """What a change would do, in one line."""
    return " · ".join([words.overall(effect.worse), *effect.notes])


def board(session: Session, program: Program) -> Board:
    """The page of published cohorts."""
    entries = cohorts_with_members(session, program.id)
    proposal = proposal_of(session, program.id)
    rules = rules_of(program, proposal)
    inside = [person.id for entry in entries for person in entry.members]
    bar = Bar(rules, people.attributes(session, program, inside), inside)
    hours = Hours.of(session, program, rules, inside)
    cards = []
    for entry in entries:
        ids = [person.id for person in entry.members]
        members = [Member(person.id, person.name) for person in entry.members]
        facts = [*bar.facts(ids), words.hour(entry.cohort.hour or hours.own)]
        cards.append(Card(_("Cohort %(name)s", name=entry.cohort.name), facts, bar.parts(ids), members))
    return Board(
        entries=list(zip(entries, cards, strict=True)),
        chips=words.chips(rules) if proposal else [],
        bar=bar.name,
        legend=bar.legend,
        warnings=words.partner_warnings(
            [(card.title, len(card.members)) for card in cards if card.members], len(program.modules)
        ),
        avoided=avoiding.told(
            session,
            program.course_id,
            [[person.id for person in entry.members] for entry in entries],
            people.labels(person for entry in entries for person in entry.members),
        ),
        hours=hour_view.unsuited(hours, entries),
        waiting=why_waiting(session, program, unplaced(session, program.id)),
        small=[card.title for entry, card in zip(entries, cards, strict=True) if len(entry.members) < rules.size_min],
        least=rules.size_min,
        ended=ended_cohorts(session, program.id),
        undoable=undoing.undoable(session, program) if _has_changed(entries) else None,
    )


def _has_changed(entries: Sequence[CohortMembers]) -> bool:
    """Whether anybody got a place after publication."""
    return any(
        membership.since > entry.cohort.published_at for entry in entries for membership in entry.cohort.memberships
    )
