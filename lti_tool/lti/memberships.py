"""The roster of a course, page by page. https://www.imsglobal.org/spec/lti-nrps/v2p0"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lti_tool.lti.claims import LOCALE_LENGTH, TEXT_LENGTH, is_identity, plain
from lti_tool.lti.client import Answer
from lti_tool.lti.connection import Connection
from lti_tool.lti.course_groups import group_id
from lti_tool.lti.launch import Identity, Standing
from lti_tool.lti.paging import pages, with_query
from lti_tool.lti.roles import standing

SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
# A hint. Without one Moodle answers with the whole roster at once, which may be larger than an answer may be.
PAGE_SIZE = 200
MOST_GROUPS = 100  # of one person


class Status(StrEnum):
    """Whether a person still belongs to the course; `DELETED` comes only in answers about differences."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a roster, with the ids of the groups that they are in, as far as these were asked for."""

    identity: Identity
    standing: Standing
    status: Status = Status.ACTIVE
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a roster; `skipped` entries of it could not be understood (no user id, say)."""

    number: int
    members: tuple[Member, ...]
    skipped: int


def read_pages(
    connection: Connection, url: str, *, limit: int | None = PAGE_SIZE, with_groups: bool = False
) -> Iterator[Page]:
    """The roster at `url`, one page in memory at a time; complete if the iterator ends without an error.

    Members come with their groups if these are asked for, which only an LMS with the service of groups knows.
    Raises Unreadable (naming the page) for an answer that is no roster, or another LmsError.
    """
    first = with_query(url, limit=limit, groups="true" if with_groups else None)
    for number, answer in pages(connection, "roster", first, scope=SCOPE, accept=MEDIA_TYPE):
        entries = _entries(answer, number)
        members = tuple(member for entry in entries if (member := _member(entry)))
        yield Page(number, members, len(entries) - len(members))


def _entries(answer: Answer, number: int) -> list[Any]:
    data = answer.json(f"page {number}")
    entries = data.get("members") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise answer.unreadable(f"page {number} has no list of members")
    return entries


def _member(entry: Any) -> Member | None:
    if not isinstance(entry, dict):
        return None
    subject, roles = entry.get("user_id"), entry.get("roles")
    if not is_identity(subject) or not isinstance(roles, list) or not all(isinstance(r, str) for r in roles):
        return None
    try:
        status = Status(str(entry.get("status") or "Active").capitalize())
    except ValueError:
        return None
    identity = Identity(
        subject=subject,
        name=_text(entry, "name"),
        given_name=_text(entry, "given_name"),
        family_name=_text(entry, "family_name"),
        email=_text(entry, "email"),
        locale=_text(entry, "locale", LOCALE_LENGTH),
    )
    return Member(identity, standing(roles), status, _groups(entry.get("group_enrollments")))


def _groups(enrolments: Any) -> tuple[str, ...]:
    """Course Groups 1.0: a list of objects, each with the id of a group."""
    stated = enrolments[:MOST_GROUPS] if isinstance(enrolments, list) else ()
    found = (group_id(enrolment.get("group_id")) for enrolment in stated if isinstance(enrolment, dict))
    return tuple(dict.fromkeys(id_ for id_ in found if id_))


def _text(entry: Mapping[str, Any], key: str, length: int = TEXT_LENGTH) -> str | None:
    value = entry.get(key)
    return plain(value, length) if isinstance(value, str) else None
