"""What a link opens, as a value and as the text that links carry.

A link names its program by `resource_id`, as the program's columns do, so that both fit in a copied course too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lti_tool.lti.launch import Launch

PARAMETER = "peerloop_opens"
THE_COURSE = "course"  # stands for a program where there need not be one

_FORM = re.compile(r"(?P<program>[\w-]{1,64})/(?:home|(?P<kind>week|session|assignment)/(?P<week>[1-9]\d{0,2}))")


class Kind(StrEnum):
    """The kinds of things that a link can open."""

    HOME = "home"
    WEEK = "week"  # a session and the micro-assignment after it
    SESSION = "session"
    ASSIGNMENT = "assignment"


@dataclass(frozen=True, slots=True)
class Target:
    """What a link opens; `week` is the number of a module, which all kinds but the home have."""

    program: str
    kind: Kind = Kind.HOME
    week: int | None = None

    def __str__(self) -> str:
        return f"{self.program}/{self.what}"

    @property
    def what(self) -> str:
        """The part that says what it is within its program."""
        return self.kind.value if self.week is None else f"{self.kind}/{self.week}"


COURSE_HOME = Target(THE_COURSE)


def read(text: str | None) -> Target | None:
    """The target of a text; None for anything that is not ours."""
    match = _FORM.fullmatch(text or "")
    if match is None:
        return None
    if match["kind"] is None:
        return Target(match["program"])
    return Target(match["program"], Kind(match["kind"]), int(match["week"]))


def said_by(launch: Launch) -> Target | None:
    """What the link itself says: by its custom parameter, else by its address (some LMSs drop one of them)."""
    return read(launch.custom.get(PARAMETER)) or read(launch.named)
