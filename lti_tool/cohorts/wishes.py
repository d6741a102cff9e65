"""What the instructor chose: sizes, what to spread, balance and gather, who together, apart, or locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lti_tool.cohorts.people import Attribute, number
from lti_tool.matching import problem as matching
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

SMALLEST, LARGEST = 8, 20

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The instructor's choices. `locked` maps a person's id to the index of a cohort."""

    size_min: int
    size_max: int
    size_target: int
    slack: int = 1
    spread: tuple[str, ...] = ()
    balance: tuple[str, ...] = ()
    gather: tuple[str, ...] = ()
    together: Groups = ()
    apart: Groups = ()
    locked: Mapping[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values; reading them again gives equal rules."""
        return {
            "size": [self.size_min, self.size_max, self.size_target, self.slack],
            "spread": list(self.spread),
            "balance": list(self.balance),
            "gather": list(self.gather),
            "together": [list(group) for group in self.together],
            "apart": [list(group) for group in self.apart],
            "locked": {str(person): cohort for person, cohort in self.locked.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rules:
        """The rules that `to_json` wrote."""
        size_min, size_max, size_target, slack = data["size"]
        return cls(
            size_min,
            size_max,
            size_target,
            slack,
            spread=tuple(data["spread"]),
            balance=tuple(data["balance"]),
            gather=tuple(data["gather"]),
            together=tuple(tuple(group) for group in data["together"]),
            apart=tuple(tuple(group) for group in data["apart"]),
            locked={int(person): cohort for person, cohort in data["locked"].items()},
        )


def usual(program: Program) -> Rules:
    """The rules of a program for which nothing was chosen yet."""
    return Rules(program.size_min, program.size_max, program.size_target)


def among(rules: Rules, person_ids: Collection[int]) -> Rules:
    """The rules as far as they concern these people: others may have left since."""
    return replace(
        rules,
        together=_groups_among(rules.together, person_ids),
        apart=_groups_among(rules.apart, person_ids),
        locked={person: cohort for person, cohort in rules.locked.items() if person in person_ids},
    )


def _groups_among(groups: Groups, person_ids: Collection[int]) -> Groups:
    present = (tuple(person for person in group if person in person_ids) for group in groups)
    return tuple(group for group in present if len(group) > 1)


def compose(rules: Rules, people: Sequence[Person], attributes: Sequence[Attribute]) -> matching.Problem:
    """The question to the matching room: these rules for these people."""
    ids = {person.id for person in people}
    rules = among(rules, ids)
    known = {attribute.name: attribute for attribute in attributes}
    wanted = [known[name] for name in (*rules.spread, *rules.balance, *rules.gather) if name in known]
    return matching.Problem(
        people=tuple(
            matching.Person(str(person.id), _values(person.id, wanted, numeric=rules.balance)) for person in people
        ),
        size=matching.SizeRule(rules.size_min, rules.size_max, float(rules.size_target), rules.slack),
        spread=tuple(matching.Wish(name) for name in rules.spread),
        balance=tuple(matching.Wish(name) for name in rules.balance),
        gather=tuple(matching.Wish(name) for name in rules.gather),
        together=_as_text(rules.together),
        apart=_as_text(rules.apart),
        locked={str(person): cohort for person, cohort in rules.locked.items()},
    )


def _values(person_id: int, attributes: Sequence[Attribute], *, numeric: Collection[str]) -> dict[str, str | float]:
    values: dict[str, str | float] = {}
    for attribute in attributes:
        raw = attribute.values.get(person_id)
        value = number(raw) if raw is not None and attribute.name in numeric else raw
        if value is not None:
            values[attribute.name] = value
    return values


def _as_text(groups: Groups) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(person) for person in group) for group in groups)
