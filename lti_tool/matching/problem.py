"""The question: who is to be placed, and which rules and wishes the cohorts must keep.

The JSON form is the one that ``peerloop match`` reads; ``Problem.from_json`` refuses anything that it does
not understand and names the field, so a typing error never becomes a silently ignored rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lti_tool.matching import reading
from lti_tool.matching.reading import ProblemError

__all__ = [
    "UNKNOWN",
    "NotAlone",
    "Person",
    "Previous",
    "Problem",
    "ProblemError",
    "SizeRule",
    "Value",
    "Wish",
]

Value = str | int | float | bool

UNKNOWN = "unknown"
"""What a missing attribute counts as."""

MAX_PEOPLE = 10_000
MAX_RULES = 100_000
MAX_SLOTS = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to place; ``slots`` names the times at which they can meet."""

    id: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    slots: tuple[str, ...] = ()

    def value(self, attribute: str) -> Value:
        return self.attributes.get(attribute, UNKNOWN)


@dataclass(frozen=True, slots=True)
class SizeRule:
    """Cohorts have ``min`` to ``max`` people and differ by at most ``slack``; ``target`` chooses their
    number.
    """

    min: int
    max: int
    target: float
    slack: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """An attribute to spread, balance or gather, and how much that matters."""

    attribute: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class NotAlone:
    """Nobody with this value is the only one of their cohort."""

    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class Previous:
    """Where people were before, and what it costs to move one of them."""

    cohorts: Mapping[str, int]
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """A question to :func:`lti_tool.matching.forming.solve`; build it from data with :meth:`from_json`."""

    people: tuple[Person, ...]
    size: SizeRule
    cohorts: int | None = None
    spread: tuple[Wish, ...] = ()
    balance: tuple[Wish, ...] = ()
    gather: tuple[Wish, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    not_alone: tuple[NotAlone, ...] = ()
    common_slots: int = 0
    locked: Mapping[str, int] = field(default_factory=dict)
    previous: Previous | None = None

    @classmethod
    def from_json(cls, data: object) -> Problem:
        """Read the JSON form; raises :class:`ProblemError` naming the first field that is wrong."""
        fields = reading.an_object(data, "problem", required=("people", "size"), optional=_OPTIONAL)
        people = _people(fields["people"])
        known = frozenset(person.id for person in people)
        problem = cls(
            people=people,
            size=_size(fields["size"]),
            cohorts=_cohorts(fields.get("cohorts")),
            spread=_wishes(fields.get("spread"), "spread"),
            balance=_wishes(fields.get("balance"), "balance"),
            gather=_wishes(fields.get("gather"), "gather"),
            together=_groups(fields.get("together"), "together", known),
            apart=_groups(fields.get("apart"), "apart", known),
            not_alone=_not_alone(fields.get("not_alone")),
            common_slots=reading.an_integer(fields.get("common_slots", 0), "common_slots", 0, MAX_SLOTS),
            locked=_placements(fields.get("locked"), "locked", known),
            previous=_previous(fields.get("previous"), known),
        )
        _check_balance(problem)
        return problem

    def to_json(self) -> dict[str, object]:
        """The JSON form; reading it again gives an equal problem."""
        return {
            "people": [{"id": p.id, "attributes": dict(p.attributes), "slots": list(p.slots)} for p in self.people],
            "size": {
                "min": self.size.min,
                "max": self.size.max,
                "target": self.size.target,
                "slack": self.size.slack,
            },
            "cohorts": self.cohorts,
            "spread": [{"attribute": w.attribute, "weight": w.weight} for w in self.spread],
            "balance": [{"attribute": w.attribute, "weight": w.weight} for w in self.balance],
            "gather": [{"attribute": w.attribute, "weight": w.weight} for w in self.gather],
            "together": [list(group) for group in self.together],
            "apart": [list(group) for group in self.apart],
            "not_alone": [{"attribute": n.attribute, "value": n.value} for n in self.not_alone],
            "common_slots": self.common_slots,
            "locked": dict(self.locked),
            "previous": self.previous and {"cohorts": dict(self.previous.cohorts), "weight": self.previous.weight},
        }


_OPTIONAL = (
    "cohorts",
    "spread",
    "balance",
    "gather",
    "together",
    "apart",
    "not_alone",
    "common_slots",
    "locked",
    "previous",
)


def _people(data: object) -> tuple[Person, ...]:
    people = tuple(_person(item, f"people[{i}]") for i, item in enumerate(reading.a_list(data, "people", MAX_PEOPLE)))
    if not people:
        raise ProblemError("people: there is nobody to place")
    seen: set[str] = set()
    for i, person in enumerate(people):
        if person.id in seen:
            raise ProblemError(f"people[{i}].id: {person.id!r} is there twice")
        seen.add(person.id)
    return people


def _person(data: object, where: str) -> Person:
    fields = reading.an_object(data, where, required=("id",), optional=("attributes", "slots"))
    attributes = reading.a_mapping(fields.get("attributes"), f"{where}.attributes", MAX_RULES)
    slots = reading.a_list(fields.get("slots") or [], f"{where}.slots", MAX_SLOTS)
    return Person(
        id=reading.a_text(fields["id"], f"{where}.id"),
        attributes={
            name: reading.a_value(value, f"{where}.attributes.{name}")
            for name, value in attributes.items()
            if value is not None
        },
        slots=tuple(dict.fromkeys(reading.a_text(slot, f"{where}.slots[{i}]") for i, slot in enumerate(slots))),
    )


def _size(data: object) -> SizeRule:
    fields = reading.an_object(data, "size", required=("min", "max"), optional=("target", "slack"))
    smallest = reading.an_integer(fields["min"], "size.min", 1, MAX_PEOPLE)
    largest = reading.an_integer(fields["max"], "size.max", 1, MAX_PEOPLE)
    if smallest > largest:
        raise ProblemError(f"size: min ({smallest}) is larger than max ({largest})")
    target = reading.a_number(fields.get("target", (smallest + largest) / 2), "size.target", 0)
    if target == 0:
        raise ProblemError("size.target: must be more than 0")
    slack = reading.an_integer(fields.get("slack", 1), "size.slack", 0, MAX_PEOPLE)
    return SizeRule(smallest, largest, target, slack)


def _cohorts(data: object) -> int | None:
    return None if data is None else reading.an_integer(data, "cohorts", 1, MAX_PEOPLE)


def _wishes(data: object, name: str) -> tuple[Wish, ...]:
    wishes: list[Wish] = []
    for i, item in enumerate(reading.a_list(data or [], name, MAX_RULES)):
        where = f"{name}[{i}]"
        fields = reading.an_object(item, where, required=("attribute",), optional=("weight",))
        attribute = reading.a_text(fields["attribute"], f"{where}.attribute")
        if any(wish.attribute == attribute for wish in wishes):
            raise ProblemError(f"{where}.attribute: {attribute!r} is in {name} twice")
        wishes.append(Wish(attribute, reading.a_number(fields.get("weight", 1.0), f"{where}.weight", 0)))
    return tuple(wishes)


def _groups(data: object, name: str, known: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    groups = []
    for i, item in enumerate(reading.a_list(data or [], name, MAX_RULES)):
        where = f"{name}[{i}]"
        group = tuple(
            reading.a_known_person(person, f"{where}[{j}]", known)
            for j, person in enumerate(reading.a_list(item, where, MAX_PEOPLE))
        )
        if len(group) < 2:
            raise ProblemError(f"{where}: needs at least two people")
        if len(set(group)) != len(group):
            raise ProblemError(f"{where}: names the same person twice")
        groups.append(group)
    return tuple(groups)


def _not_alone(data: object) -> tuple[NotAlone, ...]:
    rules = []
    for i, item in enumerate(reading.a_list(data or [], "not_alone", MAX_RULES)):
        where = f"not_alone[{i}]"
        fields = reading.an_object(item, where, required=("attribute", "value"))
        rules.append(
            NotAlone(
                reading.a_text(fields["attribute"], f"{where}.attribute"),
                reading.a_value(fields["value"], f"{where}.value"),
            )
        )
    return tuple(rules)


def _placements(data: object, name: str, known: frozenset[str]) -> dict[str, int]:
    return {
        reading.a_known_person(person, f"{name}.{person}", known): reading.an_integer(
            cohort, f"{name}.{person}", 0, MAX_PEOPLE
        )
        for person, cohort in reading.a_mapping(data, name, MAX_PEOPLE).items()
    }


def _previous(data: object, known: frozenset[str]) -> Previous | None:
    if data is None:
        return None
    fields = reading.an_object(data, "previous", required=("cohorts",), optional=("weight",))
    return Previous(
        _placements(fields["cohorts"], "previous.cohorts", known),
        reading.a_number(fields.get("weight", 0.0), "previous.weight", 0),
    )


def _check_balance(problem: Problem) -> None:
    for wish in problem.balance:
        for i, person in enumerate(problem.people):
            value = person.attributes.get(wish.attribute, 0)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ProblemError(f"people[{i}].attributes.{wish.attribute}: balance needs a number, not {value!r}")
