"""The drafts of a program side by side: what each is better at, who differs, and each cohort against everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.cohorts import people, proposing, words
from lti_tool.cohorts.bars import Bar
from lti_tool.cohorts.hours import Hours
from lti_tool.cohorts.measuring import measures
from lti_tool.cohorts.proposing import Draft, draft_of
from lti_tool.cohorts.wishes import Rules
from lti_tool.cohorts.words import BEST, _, ngettext
from lti_tool.matching.difference import who_is_elsewhere
from lti_tool.matching.objective import terms
from lti_tool.matching.problem import Problem
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing
from lti_tool.roster.tables import Person

MOST_DEVIATIONS = 3
MOST_NAMES = 4

Parts = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a draft has of something, and whether no other has it better."""

    text: str
    is_best: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Something in which drafts may differ: a place for each draft, in their order."""

    name: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Row:
    """A cohort of a draft: its name, its facts, the parts of its bar, how they differ from an even share."""

    title: str
    facts: list[str]
    parts: list[tuple[str, int]]
    deviations: list[str]


@dataclass(frozen=True, slots=True)
class Column:
    """A draft with its cohorts; `figures` are J and its bound for those who want them."""

    number: int
    chosen: bool
    figures: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All drafts; `chips` are the rules of all, `whole` the parts of the bar of everybody."""

    version: int
    columns: list[Column]
    lines: list[Line]
    chips: list[str]
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
    bar = Bar(drafts[chosen.number].rules, people.attributes(session, program, inside), inside)
    whole = bar.parts(inside)
    chips = {number: words.chips(draft.rules) for number, draft in drafts.items()}
    in_all = [chip for chip in chips[chosen.number] if all(chip in each for each in chips.values())]
    return Comparison(
        version=chosen.version,
        columns=[
            Column(p.number, p.chosen, _figures(drafts[p.number]), _rows(drafts[p.number], bar, whole))
            for p in proposals
        ],
        lines=[
            *_lines(session, program, drafts, drafts[chosen.number]),
            *_rules([[chip for chip in each if chip not in in_all] for each in chips.values()]),
        ],
        chips=in_all,
        bar=bar.name,
        legend=bar.legend,
        whole=whole,
    )


def _lines(session: Session, program: Program, drafts: Mapping[int, Draft], chosen: Draft) -> list[Line]:
    inside = _inside(drafts.values())
    present = [person for person in people.everybody(session, program.course_id) if str(person.id) in inside]
    problem = _every_wish(session, program, drafts.values(), present)
    names, all_drafts = people.labels(present), list(drafts.values())
    return [
        Line(_("Overall"), _overall(all_drafts)),
        *_wishes(problem, all_drafts),
        *_meeting(session, program, all_drafts),
        *_avoided(session, program, all_drafts),
        Line(_("Sizes"), [Cell(words.sizes([len(members) for members in each.cohorts])) for each in all_drafts]),
        Line(_("With others than now"), [Cell(_elsewhere(each, chosen, names)) for each in all_drafts]),
    ]


def _inside(drafts: Iterable[Draft]) -> set[str]:
    return {person.id for draft in drafts for person in draft.problem.people}


def _every_wish(session: Session, program: Program, drafts: Iterable[Draft], present: Sequence[Person]) -> Problem:
    """A question with the wishes of all drafts, so that each draft can be held against each wish."""
    rules = [draft.rules for draft in drafts]

    def union(kind: Callable[[Rules], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for each in rules for name in kind(each)))

    first = replace(rules[0], together=(), apart=(), locked={}, not_alone=(), common_slots=0)
    every = replace(
        first,
        spread=union(lambda each: each.spread),
        balance=union(lambda each: each.balance),
        gather=union(lambda each: each.gather),
    )
    return proposing.question(session, program, every, present)


def _overall(drafts: Sequence[Draft]) -> list[Cell]:
    """Scores can be held against each other only where they answer the same question."""
    texts = [words.quality(draft.solution["gap"]) for draft in drafts]
    if any(draft.problem != drafts[0].problem for draft in drafts):
        return [Cell(text) for text in texts]
    scores = [float(draft.solution["objective"]) for draft in drafts]
    told = [
        _("Score %(score)s. %(quality)s", score=words.score(s), quality=t) for s, t in zip(scores, texts, strict=True)
    ]
    return _marked(told, scores)


def _wishes(problem: Problem, drafts: Sequence[Draft]) -> list[Line]:
    """How each wish fares in each draft; the one with the smallest term of J is best at it."""
    by_id = {person.id: person for person in problem.people}
    reached = [measures(problem, draft.cohorts) for draft in drafts]
    term = [terms(problem, [[by_id[p] for p in members] for members in draft.cohorts]) for draft in drafts]
    return [
        Line(
            reached[0][number].wish,
            _asked(key, drafts, _marked([each[number].reached for each in reached], [each[key] for each in term])),
        )
        for number, key in enumerate(term[0])
    ]


def _asked(key: str, drafts: Sequence[Draft], cells: Sequence[Cell]) -> list[Cell]:
    """The same, with a word where a draft does not have that wish."""
    return [
        cell if key in draft.solution["terms"] else replace(cell, text=_("%(what)s (not asked for)", what=cell.text))
        for cell, draft in zip(cells, drafts, strict=True)
    ]


def _marked(texts: Sequence[str], values: Sequence[float]) -> list[Cell]:
    """Which are best, where people can see a difference."""
    if len(set(texts)) == 1:
        return [Cell(text) for text in texts]
    least = min(values)
    best = {text for text, value in zip(texts, values, strict=True) if value <= least + BEST}
    return [Cell(text, text in best) for text in texts]


def _meeting(session: Session, program: Program, drafts: Sequence[Draft]) -> list[Line]:
    """How many cohorts of each draft have an hour that suits all who have said when they are free, and how many
    people cannot come at the hours that suit most; nothing where nobody has said.
    """
    free = knowing.free_of(session, program.course_id, {int(person) for person in _inside(drafts)})
    if not free:
        return []
    texts, away = [], []
    for draft in drafts:
        hours = Hours(program, free, clock.now(), draft.rules.without_hours)
        cohorts = [[int(person) for person in members] for members in draft.cohorts]
        meeting = sum(not hours.shared(members).is_none for members in cohorts)
        away.append(sum(len(hours.away(hours.best(members), members)) for members in cohorts))
        text = _("%(some)s of %(count)s cohorts", some=meeting, count=len(cohorts))
        cannot = ngettext("%(num)s person cannot come", "%(num)s people cannot come", away[-1])
        texts.append(f"{text}, {cannot}" if away[-1] else text)
    return [Line(_("Can meet"), _marked(texts, away))]


def _avoided(session: Session, program: Program, drafts: Sequence[Draft]) -> list[Line]:
    """How many pairs of those who must not meet, as learners say, each draft brings together."""
    ids = {int(person) for person in _inside(drafts)}
    avoid = knowing.wishes_of(session, program.course_id, ids).apart
    if not avoid:
        return []
    counts = [
        sum(any({str(one), str(other)} <= set(members) for members in draft.cohorts) for one, other in avoid)
        for draft in drafts
    ]
    texts = [ngettext("%(num)s pair", "%(num)s pairs", count) if count else _("nobody") for count in counts]
    return [Line(_("In one cohort though they must not meet"), _marked(texts, counts))]


def _elsewhere(draft: Draft, chosen: Draft, names: words.Names) -> str:
    if draft is chosen:
        return _("You are working on this one.")
    elsewhere = who_is_elsewhere(_present(chosen, draft), _present(draft, chosen))
    if not elsewhere:
        return _("The same people are together.")
    return ngettext(
        "%(num)s person: %(names)s",
        "%(num)s people: %(names)s",
        len(elsewhere),
        names=words.listed(sorted(names[person] for person in elsewhere), most=MOST_NAMES),
    )


def _present(draft: Draft, other: Draft) -> Sequence[Sequence[str]]:
    """The cohorts of a draft without those whom the other one does not have."""
    there = {person.id for person in other.problem.people}
    return [[person for person in members if person in there] for members in draft.cohorts]


def _rules(chips: Sequence[Sequence[str]]) -> list[Line]:
    """The rules that not all have."""
    if not any(chips):
        return []
    return [Line(_("Rules that others do not have"), [Cell(" · ".join(each) or _("none")) for each in chips])]


def _figures(draft: Draft) -> str:
    objective, bound = (words.score(draft.solution[name]) for name in ("objective", "lower_bound"))
    return _(
        "Score %(objective)s, the lower, the better; lower than %(bound)s is impossible",
        objective=objective,
        bound=bound,
    )


def _rows(draft: Draft, bar: Bar, whole: Parts) -> list[Row]:
    found = []
    for position, members in enumerate(draft.cohorts):
        ids = [int(person) for person in members]
        parts = bar.parts(ids)
        even = _deviations(parts, whole) if bar.name in draft.rules.spread else []
        found.append(Row(words.cohort(position), bar.facts(ids), parts, even))
    return found


def _deviations(parts: Parts, whole: Parts) -> list[str]:
    """How a cohort differs from an even share of everybody, the largest first: "+2 Sales"."""
    here, everybody = sum(count for _label, count in parts), sum(count for _label, count in whole)
    if not everybody:
        return []
    differing = [
        (label, round(count - total * here / everybody))
        for (label, count), (_label, total) in zip(parts, whole, strict=True)
    ]
    told = sorted((item for item in differing if item[1]), key=lambda item: -abs(item[1]))
    return [f"{'+' if number > 0 else '−'}{abs(number)} {label}" for label, number in told[:MOST_DEVIATIONS]]
