"""The groups of a course in the LMS, page by page. https://www.imsglobal.org/spec/lti-gs/v1p0

Who is in which group comes with the roster, as `group_enrollments` of its members (see `memberships.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lti_tool.lti.claims import plain
from lti_tool.lti.connection import Connection
from lti_tool.lti.launch import GroupService
from lti_tool.lti.paging import pages, with_query
from lti_tool.lti.tables import ID_LENGTH

SCOPE = "https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"
GROUPS_TYPE = "application/vnd.ims.lti-gs.v1.contextgroupcontainer+json"
SETS_TYPE = "application/vnd.ims.lti-gs.v1.contextgroupsetcontainer+json"
SERVICE = "groups"
PAGE_SIZE = 200
MOST_SETS = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the LMS; `set_name` is that of the group set that it is part of, if it is in one."""

    id: str
    name: str
    set_name: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of groups, by number from 1."""

    number: int
    groups: tuple[Group, ...]


def read_pages(connection: Connection, service: GroupService) -> Iterator[Page]:
    """The groups of a course, one page in memory at a time; complete if the iterator ends without an error.

    A set that the LMS does not name is called by its id. Raises as `memberships.read_pages`.
    """
    names = _sets(connection, service.sets_url) if service.sets_url else {}
    for number, entries in _lists(connection, service.groups_url, GROUPS_TYPE, "groups"):
        yield Page(number, tuple(group for entry in entries if (group := _group(entry, names))))


def _sets(connection: Connection, url: str) -> dict[str, str]:
    """The names of the group sets by id."""
    found: dict[str, str] = {}
    for _number, entries in _lists(connection, url, SETS_TYPE, "sets"):
        found |= {id_: name for id_, name in map(_id_and_name, entries) if id_ and name}
        if len(found) >= MOST_SETS:
            break
    return found


def _lists(connection: Connection, url: str, accept: str, member: str) -> Iterator[tuple[int, list[Any]]]:
    first = with_query(url, limit=PAGE_SIZE)
    for number, answer in pages(connection, SERVICE, first, scope=SCOPE, accept=accept):
        data = answer.json(f"page {number}")
        entries = data.get(member) if isinstance(data, dict) else None
        if not isinstance(entries, list):
            raise answer.unreadable(f"page {number} has no list of {member}")
        yield number, entries


def _group(entry: Any, set_names: dict[str, str]) -> Group | None:
    id_, name = _id_and_name(entry)
    if id_ is None or name is None:
        return None
    set_id = group_id(entry.get("set_id"))
    return Group(id_, name, set_names.get(set_id, set_id) if set_id else None)


def _id_and_name(entry: Any) -> tuple[str | None, str | None]:
    if not isinstance(entry, dict):
        return None, None
    id_, name = group_id(entry.get("id")), entry.get("name")
    return id_, (plain(name) if isinstance(name, str) else None) or id_


def group_id(value: Any) -> str | None:
    """The id of a group or a set as text: some platforms write it as a number. None for what is no id."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= ID_LENGTH and text.isprintable() and not text.isspace() else None
