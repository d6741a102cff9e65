"""The program templates that come with Peerloop, read from `data/`. They are content: English, not translated."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lti_tool.programs.tables import Kind

DEFAULT = "giving-feedback"
SHORT, ONE_PAGE = "short", "one-page"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the script of every session; a module's tip for `key` stands in place of `tip`."""

    key: str
    minutes: int
    title: str
    tip: str


@dataclass(frozen=True, slots=True)
class FeedbackQuestion:
    """What partners say about each other after the practice, in words from little to much."""

    asked: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModuleTemplate:
    """One week. `assignment_minutes` is how long the micro-assignment takes, 5 to 15."""

    title: str
    micro_teach: str
    prompt_a: str
    prompt_b: str
    reflection: tuple[str, ...]
    assignment_title: str
    assignment_text: str
    assignment_minutes: int
    tips: Mapping[str, str]
    feedback: tuple[FeedbackQuestion, ...]
    assignment_kind: str
    assignment_items: tuple[str, ...]
    assignment_paired: bool


@dataclass(frozen=True, slots=True)
class ProgramTemplate:
    """A whole program; the script that is chosen, SHORT or ONE_PAGE, is the same in each session but for the tips."""

    title: str
    skill: str
    scripts: Mapping[str, tuple[Part, ...]]
    modules: tuple[ModuleTemplate, ...]


@cache
def template(key: str = DEFAULT) -> ProgramTemplate:
    """The template in `data/<key>.toml`. Raises FileNotFoundError when there is none."""
    text = resources.files(__package__).joinpath("data", f"{key}.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return ProgramTemplate(
        title=data["title"],
        skill=data["skill"],
        scripts={name: tuple(Part(**part) for part in parts) for name, parts in data["scripts"].items()},
        modules=tuple(_module(module) for module in data["modules"]),
    )


def _module(data: Mapping[str, Any]) -> ModuleTemplate:
    texts: dict[str, Any] = {key: value.strip() if isinstance(value, str) else value for key, value in data.items()}
    questions = (FeedbackQuestion(each["asked"], tuple(each["levels"])) for each in data.get("feedback", ()))
    stated = {
        "reflection": tuple(data["reflection"]),
        "tips": data.get("tips", {}),
        "feedback": tuple(questions),
        "assignment_kind": data.get("assignment_kind", Kind.TEXT.value),
        "assignment_items": tuple(data.get("assignment_items", ())),
        "assignment_paired": data.get("assignment_paired", False),
    }
    return ModuleTemplate(**texts | stated)
