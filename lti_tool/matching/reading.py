"""Strict readers for values that came from JSON; each error names the field and what it should be."""

from __future__ import annotations

from collections.abc import Mapping

MAX_TEXT = 500
MAX_NUMBER = 1e9
"""Larger figures lose the digits that the objective is computed from."""


class ProblemError(ValueError):
    """The input is malformed; the message is one line that names the field."""


def an_object(
    data: object, where: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise ProblemError(f"{where}: expected an object, found {_kind(data)}")
    for name in data:
        if name not in required and name not in optional:
            raise ProblemError(f"{where}: unknown field {str(name)[:80]!r}")
    for name in required:
        if name not in data:
            raise ProblemError(f"{where}: the field {name!r} is missing")
    return data


def a_mapping(data: object, where: str, most: int) -> Mapping[str, object]:
    if data is None:
        return {}
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise ProblemError(f"{where}: expected an object, found {_kind(data)}")
    if len(data) > most:
        raise ProblemError(f"{where}: has {len(data)} entries, at most {most} are allowed")
    return data


def a_list(data: object, where: str, most: int) -> list[object] | tuple[object, ...]:
    if not isinstance(data, list | tuple):
        raise ProblemError(f"{where}: expected a list, found {_kind(data)}")
    if len(data) > most:
        raise ProblemError(f"{where}: has {len(data)} entries, at most {most} are allowed")
    return data


def a_text(data: object, where: str) -> str:
    if not isinstance(data, str):
        raise ProblemError(f"{where}: expected a text, found {_kind(data)}")
    if not data or len(data) > MAX_TEXT:
        raise ProblemError(f"{where}: must have 1 to {MAX_TEXT} characters")
    return data


def a_known_person(data: object, where: str, known: frozenset[str]) -> str:
    person = a_text(data, where)
    if person not in known:
        raise ProblemError(f"{where}: {person!r} is not one of the people")
    return person


def an_integer(data: object, where: str, least: int, most: int) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise ProblemError(f"{where}: expected a whole number, found {_kind(data)}")
    if not least <= data <= most:
        raise ProblemError(f"{where}: must be from {least} to {most}")
    return data


def a_number(data: object, where: str, least: float) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise ProblemError(f"{where}: expected a number, found {_kind(data)}")
    if not least <= data <= MAX_NUMBER:
        raise ProblemError(f"{where}: must be from {least:g} to {MAX_NUMBER:g}")
    return data


def a_value(data: object, where: str) -> str | int | float | bool:
    """An attribute's value: a text, a finite number or true/false."""
    if isinstance(data, str):
        if len(data) > MAX_TEXT:
            raise ProblemError(f"{where}: must have at most {MAX_TEXT} characters")
        return data
    if not isinstance(data, bool | int | float):
        raise ProblemError(f"{where}: expected a text or a number, found {_kind(data)}")
    if not -MAX_NUMBER <= data <= MAX_NUMBER:
        raise ProblemError(f"{where}: must be a number between -{MAX_NUMBER:g} and {MAX_NUMBER:g}")
    return data


def _kind(data: object) -> str:
    names: dict[type, str] = {
        type(None): "nothing",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(data), type(data).__name__)
