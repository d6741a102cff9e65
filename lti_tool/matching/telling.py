"""A conflict in words, for those who work with problem files: people by their ids."""

from __future__ import annotations

from lti_tool.matching.conflict import Clash
from lti_tool.matching.problem import Problem
from lti_tool.matching.rules import Group, Rule
from lti_tool.matching.sizes import cohort_count
from lti_tool.matching.solution import Conflict, Relaxation

LISTED = 20
"""At most so many people are named in a text; ``Conflict.people`` has them all."""


def told(problem: Problem, clash: Clash, rule: Rule, relaxation: Relaxation | None) -> Conflict:
    """One rule of a clash."""
    core = clash.core.get(rule, ())
    people = _people(problem, rule, core)
    return Conflict(
        rule=rule.field,
        people=people,
        text=_text(problem, rule, core or people),
        relaxation=relaxation.change if relaxation is not None else None,
        helps=relaxation.helps if relaxation is not None else None,
        core=core,
    )


def _people(problem: Problem, rule: Rule, core: Group) -> Group:
    """Whom the rule is about, as the problem has it."""
    match rule.field:
        case "together":
            return problem.together[int(rule.key or 0)]
        case "apart":
            return problem.apart[int(rule.key or 0)]
        case "locked":
            return (str(rule.key),)
        case "not_alone":
            of = problem.not_alone[int(rule.key or 0)]
            return tuple(person.id for person in problem.people if person.value(of.attribute) == of.value)
        case "common_slots":
            return core
    return ()


def _text(problem: Problem, rule: Rule, people: Group) -> str:
    match rule.field:
        case "together":
            return f"{_list(people)} must be together"
        case "apart":
            return f"{_list(people)} must be apart{_if_more_than_cohorts(problem, len(people))}"
        case "locked":
            return _lock_text(problem, str(rule.key))
        case "not_alone":
            of = problem.not_alone[int(rule.key or 0)]
            return f"nobody with {of.attribute} {of.value!r} may be the only one in their cohort"
        case "common_slots":
            return _slots_text(problem, people)
    return _size_text(problem, rule.field)


def _if_more_than_cohorts(problem: Problem, people: int) -> str:
    count = cohort_count(problem)
    return f", but the number of cohorts is {count}" if count is not None and people > count else ""


def _lock_text(problem: Problem, person: str) -> str:
    cohort = problem.locked[person]
    return f"{person} must stay in cohort {cohort + 1}{_if_more_than_cohorts(problem, cohort + 1)}"


def _slots_text(problem: Problem, people: Group) -> str:
    slots = "slot" if problem.common_slots == 1 else "slots"
    text = f"all members of a cohort must share at least {problem.common_slots} {slots}"
    if not any(person.slots for person in problem.people):
        return f"{text}, but nobody named any"
    return f"{text}, but those that {_list(people)} named do not allow it" if people else text


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


def _list(people: Group) -> str:
    if len(people) > LISTED:
        people = (*people[: LISTED - 1], f"{len(people) - LISTED + 1} others")
    return " and ".join(filter(None, (", ".join(people[:-1]), people[-1])))
