"""The links at the top of the pages. Each room adds its own; a person sees those that they may enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import LazyString

from lti_tool.web.gate import Access, access_of, may_enter
from lti_tool.web.visits import Visit

UsualProgram = Callable[[Visit], tuple[int, str] | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A room's link. `needs_program`: its address holds the program's id, so there must be one."""

    order: int
    label: LazyString
    endpoint: str
    needs_program: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the layout draws it."""

    label: str
    href: str
    current: bool


def register(app: Flask) -> None:
    """Give every page of `app` its `nav`."""
    app.extensions["navigation"] = []
    app.extensions["usual_program"] = lambda _visit: None
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    """The links, and the program's name. A page that tells of a failure asks the database for nothing more."""
    if g.get("visit") is None or g.get("failing"):
        return {"nav": [], "program_name": None}
    if g.get("program_id") is None:
        usual: UsualProgram = current_app.extensions["usual_program"]
        found = usual(g.visit)
        if found is not None:
            in_program(*found)
    return {"nav": _links(), "program_name": g.get("program_name")}


def usual_program(app: Flask, find: UsualProgram) -> None:
    """Let a room say which program (id and name) the links lead to on pages that belong to none."""
    app.extensions["usual_program"] = find


def add(app: Flask, entry: Entry) -> None:
    """Add a room's link."""
    app.extensions["navigation"].append(entry)


def person_page(app: Flask, endpoint: str) -> None:
    """Let pages link a person's name: `person_href(person_id)` in templates, None where the viewer may not."""

    def person_href(person_id: int) -> str | None:
        if g.get("program_id") is None or not may_enter(access_of(app, endpoint), g.visit, {}):
            return None
        return url_for(endpoint, visit=g.visit.token, program_id=g.program_id, person_id=person_id)

    app.jinja_env.globals["person_href"] = person_href


def in_program(program_id: int, name: str) -> None:
    """Say which program this page belongs to, so that the links lead to pages of the same one."""
    g.program_id = program_id
    g.program_name = name


def _links() -> list[Link]:
    entries: list[Entry] = sorted(current_app.extensions["navigation"], key=lambda entry: entry.order)
    return [_link(entry) for entry in entries if _shown(entry)]


def _shown(entry: Entry) -> bool:
    has_place = not entry.needs_program or g.get("program_id") is not None
    access = access_of(current_app, entry.endpoint)
    may = access is not Access.VISITOR and may_enter(access, g.visit, {})
    return has_place and may


def _link(entry: Entry) -> Link:
    values: dict[str, Any] = {"program_id": g.program_id} if entry.needs_program else {}
    room = entry.endpoint.partition(".")[0]
    href = url_for(entry.endpoint, visit=g.visit.token, **values)
    return Link(str(entry.label), href, request.blueprint == room)
