"""The drafts of a program side by side: how good each is, how each wish fares, and how their people differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lti_tool.cohorts import people, proposing, words
from lti_tool.cohorts.bars import Bar
from lti_tool.cohorts.measuring import Measure, measures
from lti_tool.cohorts.proposing import Draft, draft_of
from lti_tool.cohorts.tables import Proposal
from lti_tool.cohorts.words import _
from lti_tool.matching.difference import people_elsewhere
from lti_tool.programs.tables import Program


@dataclass(frozen=True, slots=True)
class Row:
    """A cohort of a draft: its name, its facts, the parts of its bar."""

    title: str
    facts: list[str]
    parts: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Column:
    """A draft; `figures` are J and its bound for those who want them, `apart` says how its people differ."""

    number: int
    chosen: bool
    title: str
    quality: str
    figures: str
    chips: list[str]
    measures: list[Measure]
    apart: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All drafts; `whole` are the parts of the bar of everybody, to hold each cohort against."""

    version: int
    columns: list[Column]
    bar: str | None
    legend: list[str]
    whole: list[tuple[str, int]]


def comparison(session: Session, program: Program) -> Comparison | None:
    """The drafts side by side; None while there are none."""
    proposals = proposing.drafts_of(session, program.id)
    chosen = next((proposal for proposal in proposals if proposal.chosen), None)
    if chosen is None:
        return None
    drafts = {proposal.number: draft_of(proposal) for proposal in proposals}
    inside = {int(person.id) for draft in drafts.values() for person in draft.problem.people}
    bar = Bar(drafts[chosen.number].rules, people.attributes(session, program, inside))
    return Comparison(
        version=chosen.version,
        columns=[_column(proposal, drafts, drafts[chosen.number], bar) for proposal in proposals],
        bar=bar.name,
        legend=bar.legend,
        whole=bar.parts(inside),
    )


def _column(proposal: Proposal, drafts: Mapping[int, Draft], chosen: Draft, bar: Bar) -> Column:
    draft = drafts[proposal.number]
    ids = [[int(person) for person in members] for members in draft.cohorts]
    return Column(
        number=proposal.number,
        chosen=proposal.chosen,
        title=words.sizes([len(members) for members in ids]),
        quality=words.quality(draft.solution["gap"]),
        figures=_figures(draft),
        chips=words.chips(draft.rules),
        measures=measures(draft.problem, draft.cohorts),
        apart=_apart(draft, chosen, same=proposal.chosen),
        rows=[
            Row(words.cohort(position), bar.facts(members), bar.parts(members))
            for position, members in enumerate(ids)
        ],
    )


def _figures(draft: Draft) -> str:
    objective, bound = (words.score(draft.solution[name]) for name in ("objective", "lower_bound"))
    return _(
        "Score %(objective)s, the lower, the better; lower than %(bound)s is impossible",
        objective=objective,
        bound=bound,
    )


def _apart(draft: Draft, chosen: Draft, *, same: bool) -> str:
    if same:
        return _("You are working on this one.")
    elsewhere = people_elsewhere(_present(chosen, draft), _present(draft, chosen))
    if not elsewhere:
        return _("The same people are together as in the one that you are working on.")
    return words.ngettext(
        "%(num)s person is with others than in the one that you are working on.",
        "%(num)s people are with others than in the one that you are working on.",
        elsewhere,
    )


def _present(draft: Draft, other: Draft) -> Sequence[Sequence[str]]:
    """The cohorts of a draft without those whom the other one does not have."""
    there = {person.id for person in other.problem.people}
    return [[person for person in members if person in there] for members in draft.cohorts]
