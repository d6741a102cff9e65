"""How cards show what a cohort is made of."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from flask_babel import format_decimal
from flask_babel import gettext as _

from lti_tool.cohorts import people, words
from lti_tool.cohorts.people import Attribute
from lti_tool.cohorts.wishes import Rules
from lti_tool.matching.problem import UNKNOWN
from lti_tool.questions.knowing import ANSWERED

MOST_COLOURS = 6
MOST_BARS = 3


class Bar:
    """How cards show one attribute of `everybody`: the frequent values in colours of their own, the rest as others,
    and those of whom it is not known as unknown, which is a value of its own wherever cohorts are formed.
    """

    def __init__(
        self, rules: Rules, attributes: Sequence[Attribute], everybody: Collection[int], number: int = 0
    ) -> None:
        known = {attribute.name: attribute for attribute in attributes}
        wished = [known[name] for name in _wished(rules) if name in known]
        chosen = wished[number] if number < len(wished) else None
        self.name = chosen.name if chosen else None
        values = chosen.values if chosen else {}
        self.values = {person: values[person] for person in everybody if values.get(person, UNKNOWN) != UNKNOWN}
        self.unknown = [_("unknown")] if chosen and len(self.values) < len(everybody) else []
        counts = Counter(self.values.values())
        frequent = sorted(counts, key=lambda value: (-counts[value], value))
        self.labels = frequent if len(frequent) <= MOST_COLOURS else frequent[: MOST_COLOURS - 1]
        self.numbers = [known[name] for name in rules.balance if name in known]

    @property
    def legend(self) -> list[str]:
        others = [_("others")] if len(set(self.values.values())) > len(self.labels) else []
        return [*self.labels, *others, *self.unknown]

    def parts(self, members: Iterable[int]) -> list[tuple[str, int]]:
        """Each label's count among these people, in the order of the legend."""
        members = list(members)
        inside = Counter(self.values[person] for person in members if person in self.values)
        unknown = len(members) - inside.total()
        parts = [(label, inside.pop(label, 0)) for label in self.labels]
        others = self.legend[len(self.labels) : len(self.legend) - len(self.unknown)]
        return [*parts, *((label, inside.total()) for label in others), *((label, unknown) for label in self.unknown)]

    def facts(self, members: Sequence[int]) -> list[str]:
        found = [words.ngettext("%(num)s person", "%(num)s people", len(members))]
        for attribute in self.numbers:
            stated = [people.number(attribute.values[p]) for p in members if p in attribute.values]
            known = [value for value in stated if value is not None]
            found.append(f"{attribute.name} {_mean(known, len(members))}")
        return found


def bars(rules: Rules, attributes: Sequence[Attribute], everybody: Collection[int]) -> list[Bar]:
    """A bar for each of the first few attributes that are spread or gathered; one of no attribute where none is."""
    known = {attribute.name for attribute in attributes}
    count = sum(name in known for name in _wished(rules))
    return [Bar(rules, attributes, everybody, number) for number in range(min(MOST_BARS, max(count, 1)))]


def _wished(rules: Rules) -> list[str]:
    return sorted(dict.fromkeys((*rules.spread, *rules.gather)), key=lambda name: name == ANSWERED)


def _mean(known: Sequence[float], count: int) -> str:
    if not known:
        return str(_("unknown"))
    mean = str(format_decimal(round(statistics.fmean(known), 1)))
    of = "" if len(known) == count else str(_(" (mean of %(known)s of %(count)s)", known=len(known), count=count))
    return mean + of
