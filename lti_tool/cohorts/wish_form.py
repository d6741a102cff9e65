"""The form of the rules: what was sent, read into `Rules`, and what it shows again.

Fields: `size_min`, `size_max`, `size_target`, `slack`; `spread`, `balance`, `gather` (attributes, repeated);
`weight:<attribute>` (little, normal or much); `together-<n>` and `apart-<n>` (names or ids of people, repeated; a
group for each n); `locked` ("person:cohort", repeated); `not_alone` (["attribute", "value"] as JSON, repeated);
`common_slots`; `any_time` (person ids, repeated).
The buttons beside a conflict add `relax`: see `relaxing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from lti_tool.cohorts.naming import LONGEST, Naming, UnclearError
from lti_tool.cohorts.people import Attribute
from lti_tool.cohorts.relaxing import relaxed
from lti_tool.cohorts.wishes import LARGEST, LITTLE, MOST_COMMON_SLOTS, MUCH, NORMAL, SMALLEST, Groups, Rules
from lti_tool.cohorts.words import Names
from lti_tool.programs.fields import FormError

MOST_GROUPS = 200
GROUP_FIELD = re.compile(r"(together|apart)-(\d{1,4})")
LONGEST_ECHO = 12
WEIGHTS = {"little": LITTLE, "normal": NORMAL, "much": MUCH}
WEIGHT_FIELD = "weight:"

Sent = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form shows: texts as they were typed, valid or not. Groups have the ids of those who are meant."""

    sizes: Mapping[str, str]
    wishes: Mapping[str, Sequence[str]]
    together: Sequence[Sequence[str]]
    apart: Sequence[Sequence[str]]
    locked: Sequence[str]
    weights: Mapping[str, str]
    not_alone: Sequence[str]
    common_slots: str
    any_time: Sequence[str] = ()


def shown(rules: Rules) -> Typed:
    """The form for rules that hold."""
    return Typed(
        sizes={
            "size_min": str(rules.size_min),
            "size_max": str(rules.size_max),
            "size_target": str(rules.size_target),
            "slack": str(rules.slack),
        },
        wishes={"spread": rules.spread, "balance": rules.balance, "gather": rules.gather},
        together=[[str(person) for person in group] for group in rules.together],
        apart=[[str(person) for person in group] for group in rules.apart],
        locked=[f"{person}:{cohort}" for person, cohort in rules.locked.items()],
        weights={name: word for name, weight in rules.weights.items() for word in WEIGHTS if WEIGHTS[word] == weight},
        not_alone=[option_of(attribute, value) for attribute, value in rules.not_alone],
        common_slots=str(rules.common_slots),
        any_time=[str(person) for person in rules.any_time],
    )


def option_of(attribute: str, value: str) -> str:
    """How the form names a value of an attribute."""
    return json.dumps([attribute, value], ensure_ascii=False)


def typed(sent: Sent, names: Names) -> Typed:
    """The form as it was sent, by people who are called as `names` says (by id)."""
    groups = _sent_groups(sent, Naming(names))
    return Typed(
        sizes={name: sent.get(name, "")[:LONGEST_ECHO] for name in ("size_min", "size_max", "size_target", "slack")},
        wishes={name: sent.getlist(name) for name in ("spread", "balance", "gather")},
        together=[list(group) for _n, group in groups["together"] if group],
        apart=[list(group) for _n, group in groups["apart"] if group],
        locked=sent.getlist("locked"),
        weights={name: word for name, word in _sent_weights(sent).items() if word in WEIGHTS},
        not_alone=[option for option in sent.getlist("not_alone") if option],
        common_slots=sent.get("common_slots", "0")[:LONGEST_ECHO],
        any_time=sent.getlist("any_time"),
    )


def summed_up(field: str, error: str) -> str:
    """An error of the form where its field is not in sight: of a group it says which."""
    match = GROUP_FIELD.fullmatch(field)
    if match is None:
        return error
    number = int(match[2]) + 1
    text: str = _("People who must be together, group %(n)s: %(error)s", n=number, error=error)
    if match[1] == "apart":
        text = _("People who must be apart, group %(n)s: %(error)s", n=number, error=error)
    return text


def _sent_weights(sent: Sent) -> dict[str, str]:
    return {name.removeprefix(WEIGHT_FIELD): sent[name] for name in sent if name.startswith(WEIGHT_FIELD)}


def with_apart(typed: Typed, pairs: Sequence[tuple[int, int]]) -> Typed:
    """The form with these pairs kept apart too."""
    have = [set(group) for group in typed.apart]
    more = [
        [str(one), str(other)] for one, other in pairs if not any({str(one), str(other)} <= each for each in have)
    ]
    return replace(typed, apart=[*typed.apart, *more])


def without_hours(typed: Typed, people: Sequence[str]) -> Typed:
    """The form with these people placed without their hours too."""
    return replace(typed, any_time=tuple(dict.fromkeys((*typed.any_time, *people))))


def _sent_groups(sent: Sent, naming: Naming) -> dict[str, list[tuple[int, tuple[str, ...]]]]:
    """The groups of each kind with their number in the form, without empty places and repetitions: ids, and as it was
    typed whatever does not say who is meant.
    """
    found: dict[str, list[tuple[int, tuple[str, ...]]]] = {"together": [], "apart": []}
    for name in sent:
        match = GROUP_FIELD.fullmatch(name)
        if match is not None:
            chosen = tuple(dict.fromkeys(_meant(person, naming) for person in sent.getlist(name) if person.strip()))
            found[match[1]].append((int(match[2]), chosen))
    return {kind: sorted(groups) for kind, groups in found.items()}


def _meant(typed: str, naming: Naming) -> str:
    try:
        return naming.person(typed)
    except UnclearError:
        return typed[:LONGEST]


def read(sent: Sent, names: Names, attributes: Sequence[Attribute]) -> Rules:
    """The rules that were sent about these people, with what a button beside a conflict changes. Raises FormError."""
    reading = _Reading(sent, names, attributes)
    low, high = reading.size("size_min"), reading.size("size_max")
    target = reading.size("size_target")
    reading.check_sizes(low, high, target)
    rules = Rules(
        size_min=low,
        size_max=high,
        size_target=target,
        slack=reading.whole("slack", 1, LARGEST - SMALLEST, missing="1"),
        spread=reading.attributes("spread"),
        balance=reading.attributes("balance"),
        gather=reading.attributes("gather"),
        together=reading.groups("together"),
        apart=reading.groups("apart"),
        locked=reading.locked(),
        weights=reading.weights(),
        not_alone=reading.not_alone(),
        common_slots=reading.whole("common_slots", 0, MOST_COMMON_SLOTS, missing="0"),
        any_time=reading.any_time(),
    )
    reading.check_wishes(rules)
    if reading.errors:
        raise FormError(reading.errors)
    return relaxed(rules, sent["relax"]) if "relax" in sent else rules


class _Reading:
    """Reads one form and collects what is wrong, by field."""

    def __init__(self, sent: Sent, names: Names, attributes: Sequence[Attribute]) -> None:
        self.sent = sent
        self.naming = Naming(names)
        self.known = {attribute.name: attribute for attribute in attributes}
        self.sent_groups = _sent_groups(sent, self.naming)
        self.errors: dict[str, str] = {}

    def size(self, name: str) -> int:
        return self.whole(name, SMALLEST, LARGEST)

    def whole(self, name: str, low: int, high: int, missing: str = "") -> int:
        value = whole_number(self.sent.get(name, missing))
        if value is None or not low <= value <= high:
            self.errors[name] = _("Choose a whole number from %(low)s to %(high)s.", low=low, high=high)
            return low
        return value

    def check_sizes(self, low: int, high: int, target: int) -> None:
        if {"size_min", "size_max", "size_target"} & self.errors.keys():
            return
        if low > high:
            self.errors["size_max"] = _("The largest size must not be below the smallest.")
        elif not low <= target <= high:
            self.errors["size_target"] = _(
                "The size to aim at must lie between %(low)s and %(high)s.", low=low, high=high
            )
            if low == high:
                self.errors["size_target"] = _("Every cohort has %(size)s people: aim at %(size)s.", size=low)

    def attributes(self, name: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(self.sent.getlist(name)))
        if any(attribute not in self.known for attribute in chosen):
            self.errors[name] = _("Something chosen here is not known about anybody (any more). Choose again.")
        elif name == "balance" and not all(self.known[attribute].is_numeric for attribute in chosen):
            self.errors[name] = _("Only numbers can be balanced. Spread the others instead.")
        return chosen

    def weights(self) -> dict[str, float]:
        """What was chosen other than normal, of attributes that are known."""
        chosen = {name: WEIGHTS.get(word, NORMAL) for name, word in _sent_weights(self.sent).items()}
        return {name: weight for name, weight in chosen.items() if name in self.known and weight != NORMAL}

    def not_alone(self) -> tuple[tuple[str, str], ...]:
        options = {
            option_of(attribute.name, value): (attribute.name, value)
            for attribute in self.known.values()
            for value in attribute.values.values()
        }
        chosen = [option for option in dict.fromkeys(self.sent.getlist("not_alone")) if option]
        if not options.keys() >= set(chosen):
            self.errors["not_alone"] = _("Something chosen here is not known about anybody (any more). Choose again.")
            return ()
        return tuple(options[option] for option in chosen)

    def check_wishes(self, rules: Rules) -> None:
        both = set(rules.spread) & set(rules.gather)
        if both and "gather" not in self.errors:
            self.errors["gather"] = _(
                "%(names)s cannot be spread and gathered at once. Choose one of the two.",
                names=", ".join(sorted(both)),
            )

    def groups(self, kind: str) -> Groups:
        groups = [(number, group) for number, group in self.sent_groups[kind] if group]
        if len(groups) > MOST_GROUPS:
            self.errors[f"{kind}-0"] = _("These are more than %(most)s groups; leave some out.", most=MOST_GROUPS)
            return ()
        for number, group in groups:
            unclear = self.unclear(group)
            if unclear:
                self.errors[f"{kind}-{number}"] = unclear
            elif len(group) < 2:
                self.errors[f"{kind}-{number}"] = _("Choose at least two people, or nobody.")
        wrong = any(name.startswith(f"{kind}-") for name in self.errors)
        return () if wrong else tuple(tuple(int(person) for person in group) for _number, group in groups)

    def unclear(self, group: Sequence[str]) -> str:
        """Why it is not known who is meant by some of these; empty when it is."""
        found = []
        for typed in group:
            try:
                self.naming.person(typed)
            except UnclearError as unclear:
                found.append(str(unclear))
        return " ".join(found)

    def any_time(self) -> tuple[int, ...]:
        chosen = dict.fromkeys(self.sent.getlist("any_time"))
        if not self.naming.names.keys() >= chosen.keys():
            self.errors["any_time"] = _("Somebody chosen here is not a learner of this course (any more).")
            return ()
        return tuple(int(person) for person in chosen)

    def locked(self) -> dict[int, int]:
        locked: dict[int, int] = {}
        for pair in self.sent.getlist("locked"):
            person, _colon, cohort = pair.partition(":")
            index = whole_number(cohort)
            if person not in self.naming.names or index is None:
                self.errors["locked"] = _("Somebody chosen here is not a learner of this course (any more).")
            elif index >= len(self.naming.names):
                self.errors["locked"] = _("Somebody here is to stay in a cohort that cannot be. Leave them out.")
            else:
                locked[int(person)] = index
        return locked


def whole_number(raw: str) -> int | None:
    """A number of up to nine digits, as it is typed into a form.

    >>> whole_number(" 12 "), whole_number("-1"), whole_number("9" * 400)
    (12, None, None)
    """
    raw = raw.strip()
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 10 else None
