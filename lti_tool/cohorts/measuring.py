"""What the terms of the objective mean for people: how even, how balanced, how gathered some cohorts are."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_decimal, format_percent

from lti_tool.cohorts.words import _, ngettext
from lti_tool.matching.problem import UNKNOWN, Problem
from lti_tool.questions.knowing import ANSWERED, NOT_YET

Cohorts = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Measure:
    """A wish, and in words how far these cohorts fulfil it."""

    wish: str
    reached: str


def measures(problem: Problem, cohorts: Cohorts) -> list[Measure]:
    """Each wish of a problem, in the order of the form."""
    found = [
        Measure(_("Spread %(what)s", what=w.attribute), _even(problem, cohorts, w.attribute)) for w in problem.spread
    ]
    found += [
        Measure(_("Balance %(what)s", what=w.attribute), _averages(problem, cohorts, w.attribute))
        for w in problem.balance
    ]
    return found + [
        Measure(_("Gather %(what)s", what=w.attribute), _alike(problem, cohorts, w.attribute)) for w in problem.gather
    ]


def _even(problem: Problem, cohorts: Cohorts, attribute: str) -> str:
    inside = _counts(problem, cohorts, attribute)
    values = set().union(*inside)
    uneven = {value: max(c[value] for c in inside) - min(c[value] for c in inside) for value in values}
    most = max(uneven.values(), default=0)
    if most <= 1:
        return _("as even as it can be: no two cohorts differ by more than one")
    if attribute == ANSWERED:
        return _silent(most, silent=uneven.get(NOT_YET, 0) == most)
    return ngettext(
        "two cohorts differ by up to %(num)s person",
        "two cohorts differ by up to %(num)s people",
        most,
    ) + _(" (%(value)s)", value=next(value for value in uneven if uneven[value] == most))


def _silent(more: int, *, silent: bool) -> str:
    if silent:
        return ngettext(
            "a cohort has up to %(num)s more who has not answered than another",
            "a cohort has up to %(num)s more who have not answered than another",
            more,
        )
    return ngettext(
        "a cohort has up to %(num)s more who has answered than another",
        "a cohort has up to %(num)s more who have answered than another",
        more,
    )


def _counts(problem: Problem, cohorts: Cohorts, attribute: str) -> list[Counter[object]]:
    value = {person.id: person.value(attribute) for person in problem.people}
    return [Counter(_named(value[person]) for person in members) for members in cohorts]


def _named(value: object) -> object:
    return _("unknown") if value == UNKNOWN else value


def _averages(problem: Problem, cohorts: Cohorts, attribute: str) -> str:
    known = [mean for mean in means(problem, cohorts, attribute) if mean is not None]
    if not known:
        return _("not known of anybody")
    low, high = rounded(min(known)), rounded(max(known))
    text = _("%(low)s to %(high)s on average", low=low, high=high)
    if low == high:
        text = _("%(mean)s on average in each cohort", mean=low)
    having, count = sum(attribute in p.attributes for p in problem.people), len(problem.people)
    return text if having == count else text + _(", known of %(n)s of %(count)s people", n=having, count=count)


def means(problem: Problem, cohorts: Cohorts, attribute: str) -> list[float | None]:
    """The average of each cohort over those who have a number; None where nobody has."""
    value = {p.id: float(p.attributes[attribute]) for p in problem.people if attribute in p.attributes}
    inside = [[value[person] for person in members if person in value] for members in cohorts]
    return [statistics.fmean(numbers) if numbers else None for numbers in inside]


def rounded(mean: float) -> str:
    """An average to one digit: "3.8"."""
    return str(format_decimal(round(mean, 1)))


def _alike(problem: Problem, cohorts: Cohorts, attribute: str) -> str:
    inside = _counts(problem, cohorts, attribute)
    pairs = sum(c.total() * (c.total() - 1) for c in inside)
    alike = sum(n * (n - 1) for c in inside for n in c.values())
    return _(
        "%(share)s of the pairs in a cohort have the same", share=format_percent(alike / pairs if pairs else 1.0)
    )
