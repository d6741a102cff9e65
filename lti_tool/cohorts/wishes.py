"""What the instructor chose: sizes, what to spread, balance and gather, who together, apart, locked, not alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lti_tool.cohorts.people import Attribute, Slots, number
from lti_tool.matching import problem as matching
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Person

SMALLEST, LARGEST = 8, 20
LITTLE, NORMAL, MUCH = 0.3, 1.0, 3.0
MOST_COMMON_SLOTS = 4

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The instructor's choices.

    `locked` maps a person's id to the index of a cohort, `weights` an attribute to what its wishes weigh (1 where
    nothing is said). `not_alone` has pairs of an attribute and a value of which no cohort has exactly one person.
    `any_time` are people who are placed without the hours that they said.
    """

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
    weights: Mapping[str, float] = field(default_factory=dict)
    not_alone: tuple[tuple[str, str], ...] = ()
    common_slots: int = 0
    any_time: tuple[int, ...] = ()

    @property
    def without_hours(self) -> frozenset[int]:
        """Whose hours do not count: only where hours in common are asked for is anybody placed without theirs."""
        return frozenset(self.any_time) if self.common_slots else frozenset()

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
            "weights": dict(self.weights),
            "not_alone": [list(pair) for pair in self.not_alone],
            "common_slots": self.common_slots,
            "any_time": list(self.any_time),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rules:
        """The rules that `to_json` wrote, now or before there were weights."""
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
            weights=data.get("weights", {}),
            not_alone=tuple((attribute, value) for attribute, value in data.get("not_alone", ())),
            common_slots=data.get("common_slots", 0),
            any_time=tuple(data.get("any_time", ())),
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
        any_time=tuple(person for person in rules.any_time if person in person_ids),
    )


def _groups_among(groups: Groups, person_ids: Collection[int]) -> Groups:
    present = (tuple(person for person in group if person in person_ids) for group in groups)
    return tuple(group for group in present if len(group) > 1)


def compose(
    rules: Rules, people: Sequence[Person], attributes: Sequence[Attribute], slots: Slots | None = None
) -> matching.Problem:
    """The question to the matching room: these rules for these people.

    Whoever has not said when they can meet counts as free at any time, and so does who is placed without hours.
    """
    rules = among(rules, {person.id for person in people})
    known = {attribute.name: attribute for attribute in attributes}
    named = (*rules.spread, *rules.balance, *rules.gather, *(attribute for attribute, _value in rules.not_alone))
    wanted = [known[name] for name in dict.fromkeys(named) if name in known]
    slots = slots if slots and rules.common_slots else {}
    any_time = tuple(sorted({slot for own in slots.values() for slot in own}))
    return matching.Problem(
        people=tuple(
            matching.Person(
                str(person.id),
                _values(person.id, wanted, numeric=rules.balance),
                any_time if person.id in rules.any_time else tuple(slots.get(person.id, any_time)),
            )
            for person in people
        ),
        spread=_weighted(rules, rules.spread),
        balance=_weighted(rules, rules.balance),
        gather=_weighted(rules, rules.gather),
        **_hard(rules, has_slots=bool(slots)),
    )


def asked(rules: Rules, problem: matching.Problem) -> matching.Problem:
    """The question with all hard rules as they were chosen, where it has only what its cohorts keep of them."""
    rules = among(rules, {int(person.id) for person in problem.people})
    return replace(problem, **_hard(rules, has_slots=any(person.slots for person in problem.people)))


def _hard(rules: Rules, *, has_slots: bool) -> dict[str, Any]:
    return {
        "size": matching.SizeRule(rules.size_min, rules.size_max, float(rules.size_target), rules.slack),
        "together": as_text(rules.together),
        "apart": as_text(rules.apart),
        "not_alone": tuple(
            matching.NotAlone(attribute, value)
            for attribute, raw in rules.not_alone
            if (value := _value(raw, numeric=attribute in rules.balance)) is not None
        ),
        "common_slots": rules.common_slots if has_slots else 0,
        "locked": {str(person): cohort for person, cohort in rules.locked.items()},
    }


def _weighted(rules: Rules, attributes: Sequence[str]) -> tuple[matching.Wish, ...]:
    return tuple(matching.Wish(name, rules.weights.get(name, NORMAL)) for name in attributes)


def _values(person_id: int, attributes: Sequence[Attribute], *, numeric: Collection[str]) -> dict[str, str | float]:
    values: dict[str, str | float] = {}
    for attribute in attributes:
        value = _value(attribute.values.get(person_id), numeric=attribute.name in numeric)
        if value is not None:
            values[attribute.name] = value
    return values


def _value(raw: str | None, *, numeric: bool) -> str | float | None:
    return number(raw) if raw is not None and numeric else raw


def as_text(groups: Groups) -> tuple[tuple[str, ...], ...]:
    """Groups as the matching room names people."""
    return tuple(tuple(str(person) for person in group) for group in groups)
