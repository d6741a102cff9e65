"""What is said, and offered, when there are no cohorts: rules that cannot all be kept, with people's names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lti_tool.cohorts import allowing
from lti_tool.cohorts.wishes import LARGEST, SMALLEST
from lti_tool.cohorts.words import Names, _, cohort, listed, ngettext
from lti_tool.matching.problem import Problem
from lti_tool.matching.rules import relaxed
from lti_tool.matching.sizes import cohort_count
from lti_tool.matching.solution import Conflict, Relaxation, Solution

MOST_RULES, MOST_WAYS = 12, 8
FEW_HOURS, FEW_PEOPLE = 2, 4

When = Callable[[str], str]
"""An hour of a week, as a problem has it, as people read it."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way out of a conflict: a button of the form that adds this field."""

    label: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """Why there are no cohorts: rules that cannot hold together, or none when nothing is proved."""

    title: str
    sentences: list[str] = field(default_factory=list)
    note: str | None = None
    ways: list[Way] = field(default_factory=list)


def no_sizes(problem: Problem) -> Impossible | None:
    """What to say, and offer, where counting heads shows that no number of cohorts has these sizes; None if one has.

    That is told before anything is searched, whatever the other rules are.
    """
    size, count = problem.size, len(problem.people)
    if cohort_count(problem) is not None:
        return None
    more, fewer = allowing.other_sizes(count, size.min)
    ways = [Way(_("Allow up to %(n)s people", n=more), "relax", json.dumps({"size.max": more}))] if more else []
    ways += (
        [Way(_("Allow as few as %(n)s people", n=fewer), "relax", json.dumps({"size.min": fewer}))] if fewer else []
    )
    return Impossible(
        title=_("These sizes do not fit"),
        sentences=[allowing.no_sizes(count, size.min, size.max)],
        note=_("Your other rules are looked at as soon as the sizes fit."),
        ways=ways,
    )


def impossible(problem: Problem, solution: Solution, names: Names, when: When = str) -> Impossible:
    """What to say, and offer, when there is no proposal."""
    if solution.status == "unknown":
        return Impossible(
            title=_("No cohorts were found"),
            sentences=[
                _("No cohorts that keep every rule were found in the time, and it is not proved that there are none.")
            ],
            note=_("Try again from another start, or leave a rule out."),
            ways=[Way(_("Try again"), "seed", str(solution.seed + 1))],
        )
    ways, note = _ways(problem, solution, names)
    single = len(solution.conflict) == 1
    return Impossible(
        title=_("This rule cannot be kept") if single else _("These rules cannot all be kept"),
        sentences=sentences(problem, solution.conflict, names, when),
        note=" ".join(filter(None, (_("Perhaps fewer of them already cannot.") if solution.text else None, note))),
        ways=ways,
    )


def sentences(problem: Problem, conflict: Sequence[Conflict], names: Names, when: When = str) -> list[str]:
    """The rules that cannot all be kept."""
    if [item.rule for item in conflict] == ["together", "apart"] and set(conflict[0].core) == set(conflict[1].core):
        people = listed([names[person] for person in conflict[0].core])
        return [_("%(people)s must be together, and must be apart.", people=people)]
    told = [_rule(problem, item, names, when) for item in conflict[:MOST_RULES]]
    more = len(conflict) - MOST_RULES
    return told + ([ngettext("And %(num)s more rule.", "And %(num)s more rules.", more)] if more > 0 else [])


def _rule(problem: Problem, item: Conflict, names: Names, when: When) -> str:
    concerned = item.core or item.people
    people = listed([names[person] for person in concerned])
    size, count = problem.size, len(problem.people)
    match item.rule:
        case "together":
            return _("%(people)s must be together.", people=people)
        case "apart":
            return _apart(problem, len(concerned), people)
        case "locked":
            return _lock(problem, problem.locked[item.people[0]], people)
        case "size.min":
            return _("Each cohort has at least %(least)s people; %(n)s can be placed.", least=size.min, n=count)
        case "size.max":
            return _("Each cohort has at most %(most)s people; %(n)s can be placed.", most=size.max, n=count)
        case "cohorts":
            cohorts = problem.cohorts or 0
            return ngettext("There is %(num)s cohort.", "There are %(num)s cohorts.", cohorts)
        case "size.slack":
            return _("The sizes of two cohorts differ by at most %(slack)s.", slack=size.slack)
        case "not_alone":
            return _("In each cohort there must be nobody or at least two of %(people)s.", people=people)
        case "common_slots":
            return " ".join([_slots(problem, item, people), *_few_hours(problem, item, names, when)])
    raise LookupError(f"the rule {item.rule!r} is not one that an instructor can choose")


def _apart(problem: Problem, group: int, people: str) -> str:
    count = cohort_count(problem)
    if count is None or group <= count:
        return _("%(people)s must be apart.", people=people)
    text = ngettext(
        "%(people)s must be apart, but there is only %(num)s cohort.",
        "%(people)s must be apart, but there are only %(num)s cohorts.",
        count,
        people=people,
    )
    size, everybody = problem.size, len(problem.people)
    if problem.cohorts is not None or (count + 1) * size.min <= everybody:
        return text
    more = _("%(n)s people make no more of %(low)s to %(high)s.", n=everybody, low=size.min, high=size.max)
    return f"{text} {more}"


def _lock(problem: Problem, position: int, people: str) -> str:
    count = cohort_count(problem)
    if count is None or position < count:
        return _("%(people)s must stay in %(cohort)s.", people=people, cohort=cohort(position))
    return ngettext(
        "%(people)s must stay in %(cohort)s, but there is only %(num)s cohort.",
        "%(people)s must stay in %(cohort)s, but there are only %(num)s cohorts.",
        count,
        people=people,
        cohort=cohort(position),
    )


def _slots(problem: Problem, item: Conflict, people: str) -> str:
    need = ngettext(
        "Each cohort needs %(num)s hour at which everybody can meet",
        "Each cohort needs %(num)s hours at which everybody can meet",
        problem.common_slots,
    )
    if not any(person.slots for person in problem.people):
        return _("%(need)s, but nobody has said when they can.", need=need)
    if not item.people:
        return _("%(need)s.", need=need)
    positions = {problem.locked.get(person) for person in item.people}
    position = positions.pop()
    if not positions and position is not None and len(item.people) > 1:
        return _(
            "%(need)s, but in %(cohort)s %(people)s have too few in common.",
            need=need,
            cohort=cohort(position),
            people=people,
        )
    return _("%(need)s, which the hours of %(people)s do not allow.", need=need, people=people)


def _few_hours(problem: Problem, item: Conflict, names: Names, when: When) -> list[str]:
    """Who of those whose hours are in the way has very few, and which."""
    own = {person.id: person.slots for person in problem.people}
    few = [person for person in item.people if 0 < len(own[person]) <= FEW_HOURS]
    return [
        ngettext(
            "%(name)s has named %(num)s hour only: %(hours)s.",
            "%(name)s has named %(num)s hours only: %(hours)s.",
            len(own[person]),
            name=names[person],
            hours=listed([when(slot) for slot in own[person]]),
        )
        for person in few[:FEW_PEOPLE]
    ]


def _ways(problem: Problem, solution: Solution, names: Names) -> tuple[list[Way], str | None]:
    """Buttons for what helps; else for what may help, or is a step on the way; and a sentence that says which."""
    offered = [Relaxation(item.relaxation, item.helps) for item in solution.conflict if item.relaxation is not None]
    offered = [each for each in (*offered, *solution.relaxations) if _can_be_chosen(problem, each.change)]
    # A few people's hours, rather than everybody's; one person apart from nobody, rather than all of a group.
    offered.sort(key=lambda each: ("any_time" not in each.change, _dissolves(each.change)))
    for helps in (True, None, False):
        chosen = [each.change for each in offered if each.helps is helps]
        if chosen:
            ways = [Way(_label(problem, change, names), "relax", json.dumps(change)) for change in chosen]
            ways = list(dict.fromkeys(ways))[:MOST_WAYS]
            return ways, " ".join([_note(helps, len(ways)), *_cost(chosen, names)])
    return [], None


def _cost(changes: Sequence[Mapping[str, Any]], names: Names) -> list[str]:
    """What it means for people to be placed without their hours."""
    people = list(dict.fromkeys(person for change in changes for person in change.get("any_time", ())))
    if not people:
        return []
    return [
        _(
            "Without their hours, %(people)s may be unable to come when their cohort meets.",
            people=listed(sorted(names[person] for person in people)),
        )
    ]


def _note(helps: bool | None, ways: int) -> str:
    if helps:
        return ngettext("This was tried out: it is enough.", "These were tried out: each alone is enough.", ways)
    if helps is None:
        return _("It was not found out in the time which of these is enough.")
    return _("After each of these, other rules still cannot all be kept.")


def _can_be_chosen(problem: Problem, change: Mapping[str, Any]) -> bool:
    """Whether the form of the rules allows these figures."""
    low, high = change.get("size.min", problem.size.min), change.get("size.max", problem.size.max)
    target = change.get("size.target", problem.size.target)
    return bool(SMALLEST <= low <= target <= high <= LARGEST and target == int(target))


def _dissolves(change: Mapping[str, Any]) -> bool:
    return any(len(group) > 2 for group in change.get("apart", ()))


def _label(problem: Problem, change: Mapping[str, Any], names: Names) -> str:
    if change.keys() == {"size.min", "size.target"}:
        return _sizes_label(problem, change)
    parts = [part for rule, what in change.items() for part in _labels(problem, rule, what, names)]
    first, *others = parts
    for other in others:
        first = _("%(first)s; %(then)s", first=first, then=other[:1].lower() + other[1:])
    return first


def _sizes_label(problem: Problem, change: Mapping[str, Any]) -> str:
    return ngettext(
        "Allow %(low)s to %(high)s people (%(num)s cohort)",
        "Allow %(low)s to %(high)s people (%(num)s cohorts)",
        cohort_count(relaxed(problem, change)) or 0,
        low=change["size.min"],
        high=problem.size.max,
    )


def _labels(problem: Problem, rule: str, what: Any, names: Names) -> list[str]:
    if rule == "apart" and len(what) > 1 and (freed := set.intersection(*map(set, what))):
        return [_("Let %(name)s be with any of the others", name=names[freed.pop()])]
    if rule == "apart" and any(len(group) > 2 for group in what):
        groups = [listed([names[person] for person in group]) for group in what]
        return [_("No longer keep %(people)s apart", people=people) for people in groups]
    if rule in ("together", "apart"):
        groups = [listed([names[person] for person in group]) for group in what]
        apart = rule == "together"
        text = _("Allow %(people)s in different cohorts") if apart else _("Allow %(people)s in one cohort")
        return [text.replace("%(people)s", people) for people in groups]
    if rule == "locked":
        return [_("Allow %(name)s in any cohort", name=names[person]) for person in what]
    if rule == "any_time":
        people = listed([names[person] for person in what])
        return [_("Place %(people)s without their hours", people=people)]
    if rule == "not_alone":
        return [_("Allow somebody to be the only “%(value)s” of a cohort (%(attribute)s)", **kind) for kind in what]
    return [_figure_label(problem, rule, int(what))]


def _figure_label(problem: Problem, rule: str, figure: int) -> str:
    size = problem.size
    match rule:
        case "common_slots" if figure:
            return ngettext("Ask for %(num)s common hour", "Ask for %(num)s common hours", figure)
        case "common_slots":
            return _("Do without common hours")
        case "size.slack":
            return _("Allow sizes to differ by up to %(slack)s", slack=figure)
        case "size.min":
            return _("Allow %(low)s to %(high)s people", low=figure, high=size.max)
        case "size.max":
            return _("Allow %(low)s to %(high)s people", low=size.min, high=figure)
        case "size.target":
            count = cohort_count(relaxed(problem, {rule: figure})) or 0
            return ngettext(
                "Aim at %(target)s people (%(num)s cohort)",
                "Aim at %(target)s people (%(num)s cohorts)",
                count,
                target=figure,
            )
    raise LookupError(f"a change of {rule!r} is not one that an instructor can choose")
