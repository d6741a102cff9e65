"""What the pages of cohorts show, as values that a template only has to draw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import format_decimal
from sqlalchemy.orm import Session

from lti_tool.cohorts import avoiding, hour_view, joining, loosening, people, searching, undoing, wishes, words
from lti_tool.cohorts.bars import Bar, bars
from lti_tool.cohorts.editing import Effect, Option, options, place_of, unit
from lti_tool.cohorts.hour_view import Deciding
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.joining import Joined
from lti_tool.cohorts.proposing import Draft, draft_of, drafts_of, first_step, proposal_of
from lti_tool.cohorts.publishing import why_waiting
from lti_tool.cohorts.queries import CohortMembers, cohorts_with_members, ended_cohorts, unplaced
from lti_tool.cohorts.searching import Underway
from lti_tool.cohorts.standing import rules_of
from lti_tool.cohorts.tables import Cohort, Proposal
from lti_tool.cohorts.undoing import Undoable
from lti_tool.cohorts.wishes import Rules
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
    """A cohort as it is drawn: its title, facts, the parts of each bar in the legend's order, its people."""

    title: str
    facts: list[str]
    bars: list[tuple[str, list[tuple[str, int]]]]
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

    `kept` says how far the rules are, `unkept` which are not. `held` were moved just now, and stay where they are in
    the next proposal.
    """

    proposal: Proposal
    title: str
    quality: str
    kept: str
    unkept: list[str]
    found: str
    chips: list[str]
    legends: list[tuple[str, list[str]]]
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
    """The page of published cohorts; of each what is said about who was there before."""

    entries: list[tuple[CohortMembers, Card, list[str]]]
    chips: list[str]
    legends: list[tuple[str, list[str]]]
    warnings: list[str]
    avoided: str | None
    unkept: list[str]
    hours: list[str]
    waiting: list[tuple[Person, list[str]]]
    small: list[str]
    least: int
    ended: Sequence[Cohort]
    undoable: Undoable | None
    joined: list[Joined]


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
    shown = bars(draft.rules, people.attributes(session, program, ids_inside), ids_inside)
    hours = Hours.of(session, program, draft.rules, ids_inside)
    cohorts = [[int(person) for person in members] for members in draft.cohorts]
    shared = [hours.shared(members) for members in cohorts]
    titles = hour_view.titles(draft.rules, shared)
    before = first_step(session, proposal)
    moved_by_hand = before is not None and before.solution["cohorts"] != draft.cohorts
    unkept = loosening.unkept(draft, names)
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
        facts = [*shown[0].facts(ids), *hour_view.facts(draft.rules, shared[position])]
        cards.append(Card(titles[position], facts, _parts(shown, ids), drawn))
    counts = [len(members) for members in draft.cohorts]
    named = [(words.cohort(position), count) for position, count in enumerate(counts)]
    return Forming(
        proposal=proposal,
        title=words.sizes(counts),
        quality=_quality(draft),
        kept=_kept(draft, unkept),
        unkept=unkept,
        found=_("changed by hand") if moved_by_hand else _found(draft.solution),
        chips=words.chips(draft.rules),
        legends=[(bar.name, bar.legend) for bar in shown if bar.name],
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
        undoable=before is not None,
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


def _parts(shown: Sequence[Bar], members: Sequence[int]) -> list[tuple[str, list[tuple[str, int]]]]:
    return [(bar.name, bar.parts(members)) for bar in shown if bar.name]


def _quality(draft: Draft) -> str:
    problem = draft.problem
    if not (problem.spread or problem.balance or problem.gather):
        return _("Nothing is spread, balanced or gathered")
    return words.quality(draft.solution["gap"])


def _found(solution: Mapping[str, Any]) -> str:
    """How long it took to find; what came from a file or from groups was not looked for."""
    seconds, in_vain = solution["seconds"], solution.get("in_vain")
    if not seconds:
        return _("as they were taken over")
    if in_vain:
        return _(
            "found in %(seconds)s s, and nothing better in %(more)s s more",
            seconds=format_decimal(max(0.1, round(seconds, 1))),
            more=round(in_vain),
        )
    return _("found in %(seconds)s s", seconds=format_decimal(max(0.1, round(seconds, 1))))


def _kept(draft: Draft, unkept: Sequence[str]) -> str:
    if not unkept:
        return _("every rule below is kept")
    asked = wishes.asked(draft.rules, draft.problem)
    if replace(draft.problem, size=asked.size) == asked:
        return _("every rule below is kept but that of sizes")
    return _("not every rule below is kept")


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
    entries = undoing.without_undone(session, program, cohorts_with_members(session, program.id))
    proposal = proposal_of(session, program.id)
    rules = _without_old_locks(rules_of(program, proposal), entries)
    inside = [person.id for entry in entries for person in entry.members]
    shown = bars(rules, people.attributes(session, program, inside), inside)
    hours = Hours.of(session, program, rules, inside)
    names = people.labels(person for entry in entries for person in entry.members)
    has_changed = _has_changed(entries)
    cards = []
    for entry in entries:
        ids = [person.id for person in entry.members]
        members = [Member(person.id, person.name) for person in entry.members]
        facts = [*shown[0].facts(ids), words.hour(entry.cohort.hour or hours.own)]
        cards.append(Card(_("Cohort %(name)s", name=entry.cohort.name), facts, _parts(shown, ids), members))
    placed = set(inside)
    return Board(
        entries=[(entry, card, _former(entry, placed)) for entry, card in zip(entries, cards, strict=True)],
        chips=words.chips(rules) if proposal else [],
        legends=[(bar.name, bar.legend) for bar in shown if bar.name],
        warnings=words.partner_warnings(
            [(card.title, len(card.members)) for card in cards if card.members], len(program.modules)
        ),
        avoided=avoiding.told(
            session,
            program.course_id,
            [[person.id for person in entry.members] for entry in entries],
            names,
        ),
        unkept=_unkept(rules, entries, names),
        hours=hour_view.unsuited(hours, entries),
        waiting=why_waiting(session, program, unplaced(session, program.id)),
        small=[card.title for entry, card in zip(entries, cards, strict=True) if len(entry.members) < rules.size_min],
        least=rules.size_min,
        ended=ended_cohorts(session, program.id),
        undoable=undoing.undoable(session, program) if has_changed else None,
        joined=joining.lately(session, program) if has_changed else [],
    )


def _unkept(rules: Rules, entries: Sequence[CohortMembers], names: Mapping[str, str]) -> list[str]:
    """Who must be together or apart by the rules and is not: by a file, or moved so by hand."""
    at = {str(person.id): number for number, entry in enumerate(entries) for person in entry.members}
    now = wishes.among(rules, {int(person) for person in at})
    return words.bonds(wishes.as_text(now.together), wishes.as_text(now.apart), at, names)


def _without_old_locks(rules: Rules, entries: Sequence[CohortMembers]) -> Rules:
    """Whoever was locked in a cohort and has another one by now is no longer locked."""
    at = {person.id: entry.cohort.position for entry in entries for person in entry.members}
    return replace(rules, locked={person: place for person, place in rules.locked.items() if at.get(person) == place})


def _former(entry: CohortMembers, placed: Collection[int]) -> list[str]:
    moved = sum(gone.person_id in placed for gone in entry.former)
    told = [
        (moved, ngettext("%(num)s person moved to another cohort", "%(num)s people moved to another cohort", moved)),
        (
            len(entry.former) - moved,
            ngettext(
                "%(num)s person is no longer here", "%(num)s people are no longer here", len(entry.former) - moved
            ),
        ),
    ]
    return [text for count, text in told if count]


def _has_changed(entries: Sequence[CohortMembers]) -> bool:
    """Whether anybody got a place after publication."""
    return any(
        membership.since > entry.cohort.published_at for entry in entries for membership in entry.cohort.memberships
    )
