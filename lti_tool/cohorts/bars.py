"""How cards show what a cohort is made of."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from flask_babel import format_decimal
from flask_babel import gettext as _

from lti_tool.cohorts import people, words
from lti_tool.cohorts.people import Attribute
from lti_tool.cohorts.wishes import Rules

MOST_COLOURS = 6


class Bar:
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
