"""When the rules cannot hold together: a set of them that cannot, of which any one left out can, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lti_tool.matching.decision import Decision, decide
from lti_tool.matching.feasible import Late
from lti_tool.matching.problem import NotAlone, Problem
from lti_tool.matching.proofs import quickly_refuted, stranded_people
from lti_tool.matching.sizes import cohort_count
from lti_tool.matching.solution import Conflict

LISTED = 20
"""At most so many people are named in a text; ``Conflict.people`` has them all."""

Oracle = Callable[[Problem], Decision]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a problem: its field, and which entry of the field's list or mapping."""

    field: str
    key: int | str | None = None


def rules(problem: Problem) -> list[Rule]:
    """Every hard rule that can be left out; what stands first is spared first when a conflict is reduced."""
    found = [Rule("size.slack"), Rule("size.min"), Rule("size.max")]
    if problem.cohorts is not None:
        found.append(Rule("cohorts"))
    if problem.common_slots:
        found.append(Rule("common_slots"))
    found += [Rule("not_alone", i) for i in range(len(problem.not_alone))]
    found += [Rule("together", i) for i in range(len(problem.together))]
    found += [Rule("apart", i) for i in range(len(problem.apart))]
    return found + [Rule("locked", person) for person in problem.locked]


def keeping(problem: Problem, kept: list[Rule]) -> Problem:
    """The problem with these hard rules and no others; wishes about quality are left out too."""
    people, size = len(problem.people), problem.size
    chosen = set(kept)
    return replace(
        problem,
        size=replace(
            size,
            min=size.min if Rule("size.min") in chosen else 1,
            max=size.max if Rule("size.max") in chosen else max(people, size.min),
            slack=size.slack if Rule("size.slack") in chosen else people,
        ),
        cohorts=problem.cohorts if Rule("cohorts") in chosen else None,
        common_slots=problem.common_slots if Rule("common_slots") in chosen else 0,
        not_alone=tuple(r for i, r in enumerate(problem.not_alone) if Rule("not_alone", i) in chosen),
        together=tuple(g for i, g in enumerate(problem.together) if Rule("together", i) in chosen),
        apart=tuple(g for i, g in enumerate(problem.apart) if Rule("apart", i) in chosen),
        locked={p: c for p, c in problem.locked.items() if Rule("locked", p) in chosen},
        spread=(),
        balance=(),
        gather=(),
        previous=None,
    )


def minimal_conflict(problem: Problem, seed: int, late: Late) -> tuple[tuple[Conflict, ...], bool]:
    """The conflict of an impossible problem, and whether it is proved that no rule of it can be spared."""

    def quick(kept: Problem) -> Decision:
        return "impossible" if quickly_refuted(kept) else "unknown"

    def thorough(kept: Problem) -> Decision:
        return "unknown" if late() else decide(kept, seed, late)

    kept = rules(problem)
    if quickly_refuted(problem):
        kept, _ = _reduce(problem, kept, quick)
    kept, certain = _reduce(problem, kept, thorough)
    relaxation = _larger_slack(problem, seed, late) if Rule("size.slack") in kept else None
    return tuple(_in_words(problem, rule, relaxation) for rule in kept), certain


def _reduce(problem: Problem, kept: list[Rule], oracle: Oracle) -> tuple[list[Rule], bool]:
    """Leave out rules, many at a time at first, until none can go; and whether that is certain."""
    chunk = max(1, len(kept) // 2)
    while True:
        kept, changed, settled = _drop_chunks(problem, kept, chunk, oracle)
        if chunk == 1 and not changed:
            return kept, settled
        chunk = max(1, chunk // 2)


def _drop_chunks(problem: Problem, kept: list[Rule], chunk: int, oracle: Oracle) -> tuple[list[Rule], bool, bool]:
    """One pass of the deletion filter: the rules left, whether any went, whether all answers were certain."""
    changed, settled = False, True
    start = 0
    while start < len(kept):
        fewer = kept[:start] + kept[start + chunk :]
        answer = oracle(keeping(problem, fewer))
        if answer == "impossible":
            kept, changed = fewer, True
        else:
            settled = settled and answer != "unknown"
            start += chunk
    return kept, changed, settled


def _larger_slack(problem: Problem, seed: int, late: Late) -> Mapping[str, int] | None:
    """The smallest slack with which all rules of the problem hold, if one is found."""
    widest = problem.size.max - problem.size.min
    for slack in range(problem.size.slack + 1, widest + 1):
        relaxed = replace(problem, size=replace(problem.size, slack=slack))
        if late():
            return None
        if not isinstance(decide(keeping(relaxed, rules(relaxed)), seed, late), str):
            return {"size.slack": slack}
    return None


def _in_words(problem: Problem, rule: Rule, relaxation: Mapping[str, int] | None) -> Conflict:
    if rule.field == "size.slack":
        return Conflict(rule.field, (), _size_text(problem, rule.field), relaxation)
    if rule.field == "common_slots":
        return _common_slots(problem)
    if rule.field in ("size.min", "size.max", "cohorts"):
        return Conflict(rule.field, (), _size_text(problem, rule.field))
    if rule.field == "locked":
        return _locked(problem, str(rule.key))
    index = int(rule.key or 0)
    if rule.field == "not_alone":
        return _not_alone(problem, problem.not_alone[index])
    group = (problem.together if rule.field == "together" else problem.apart)[index]
    return Conflict(rule.field, group, f"{_list(group)} must be {rule.field}")


def _size_text(problem: Problem, field: str) -> str:
    people, size = len(problem.people), problem.size
    count = cohort_count(problem)
    into = f"{people} people" if count is None else f"{people} people in {count} cohorts"
    return {
        "size.min": f"each cohort must have at least {size.min} people ({into})",
        "size.max": f"each cohort may have at most {size.max} people ({into})",
        "size.slack": f"the sizes of two cohorts may differ by at most {size.slack} ({into})",
        "cohorts": f"there must be exactly {problem.cohorts} cohorts for {people} people",
    }[field]


def _common_slots(problem: Problem) -> Conflict:
    slots = "slot" if problem.common_slots == 1 else "slots"
    text = f"all members of a cohort must share at least {problem.common_slots} {slots}"
    stranded = stranded_people(problem)
    if stranded:
        text += f", but {_list(stranded)} named too few slots that enough others named"
    return Conflict("common_slots", stranded, text)


def _locked(problem: Problem, person: str) -> Conflict:
    cohort, count = problem.locked[person], cohort_count(problem)
    text = f"{person} must stay in cohort {cohort + 1}"
    if count is not None and cohort >= count:
        text += f", but the number of cohorts is {count}"
    return Conflict("locked", (person,), text)


def _not_alone(problem: Problem, rule: NotAlone) -> Conflict:
    people = tuple(p.id for p in problem.people if p.value(rule.attribute) == rule.value)
    return Conflict(
        "not_alone",
        people,
        f"nobody with {rule.attribute} {rule.value!r} may be the only one in their cohort",
    )


def _list(people: tuple[str, ...]) -> str:
    if len(people) > LISTED:
        people = (*people[: LISTED - 1], f"{len(people) - LISTED + 1} others")
    return " and ".join(filter(None, (", ".join(people[:-1]), people[-1])))
