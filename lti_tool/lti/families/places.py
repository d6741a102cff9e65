"""Where an administrator finds a setting in an LMS, in that LMS's own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Places:
    """Paths through an LMS's menus, in the viewer's language.

    `tool` leads to the settings of this tool. From there `addresses` leads to what both sides know of each other,
    `roster` and `grades` to the switch of a service.
    """

    tool: str
    addresses: str
    roster: str
    grades: str
