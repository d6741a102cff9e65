"""The links at the top of the pages. Each room adds its own; a person sees those that they may enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import LazyString

from lti_tool.web.gate import Access, access_of, may_enter


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
    app.context_processor(lambda: {"nav": _links(), "program_name": g.get("program_name")})


def add(app: Flask, entry: Entry) -> None:
    """Add a room's link."""
    app.extensions["navigation"].append(entry)


def in_program(program_id: int, name: str) -> None:
    """Say which program this page belongs to, so that the links lead to pages of the same one."""
    g.program_id = program_id
    g.program_name = name


def _links() -> list[Link]:
    if g.get("visit") is None:
        return []
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
