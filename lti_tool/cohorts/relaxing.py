"""Rules made looser by one click: a change of the problem, as the solver offers it, carried over to the wishes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lti_tool.cohorts.people import number
from lti_tool.cohorts.wishes import LARGEST, MOST_COMMON_SLOTS, SMALLEST, Rules
from lti_tool.matching.rules import without_bonds, without_feuds


class _Kind(BaseModel):
    attribute: str
    value: str | float


class _Change(BaseModel):
    """As JSON: :data:`lti_tool.matching.rules.Change`, people by their ids."""

    model_config = ConfigDict(extra="forbid")

    size_min: int | None = Field(None, alias="size.min")
    size_max: int | None = Field(None, alias="size.max")
    size_target: int | None = Field(None, alias="size.target")
    slack: int | None = Field(None, alias="size.slack")
    common_slots: int | None = Field(None, ge=0, le=MOST_COMMON_SLOTS)
    together: list[list[int]] = []
    apart: list[list[int]] = []
    locked: set[int] = set()
    not_alone: list[_Kind] = []
    any_time: list[int] = []


def relaxed(rules: Rules, sent: str) -> Rules:
    """The rules after a change in JSON. What no button sends changes nothing: the same conflict is shown again."""
    try:
        change = _Change.model_validate_json(sent)
    except ValidationError:
        return rules
    changed = _changed(rules, change)
    low, target, high = changed.size_min, changed.size_target, changed.size_max
    fits = SMALLEST <= low <= target <= high <= LARGEST and 1 <= changed.slack <= LARGEST - SMALLEST
    return changed if fits else rules


def _changed(rules: Rules, change: _Change) -> Rules:
    values = rules.to_json()
    new = (change.size_min, change.size_max, change.size_target, change.slack)
    values["size"] = [old if figure is None else figure for old, figure in zip(values["size"], new, strict=True)]
    values["together"] = without_bonds(rules.together, change.together)
    values["apart"] = without_feuds(rules.apart, change.apart)
    values["locked"] = {person: cohort for person, cohort in rules.locked.items() if person not in change.locked}
    values["not_alone"] = [kind for kind in values.get("not_alone", ()) if not _is_among(change.not_alone, *kind)]
    values["any_time"] = list(dict.fromkeys((*rules.any_time, *change.any_time)))
    if change.common_slots is not None:
        values["common_slots"] = change.common_slots
    return Rules.from_json(values)


def _is_among(kinds: list[_Kind], attribute: str, value: str) -> bool:
    """Whether a value as it is known is one of these; of an attribute that is balanced they are numbers."""
    return any(kind.attribute == attribute and kind.value in (value, number(value)) for kind in kinds)
