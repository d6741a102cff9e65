"""The groups of a course in the LMS: with each page of a reading what it tells, at its end nothing older stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Dialect, and_, bindparam, delete, select
from sqlalchemy.orm import Session

from lti_tool.database import Base
from lti_tool.lti.course_groups import Group
from lti_tool.lti.memberships import Member
from lti_tool.roster.tables import CourseGroup, Enrolment, GroupMember, RosterReading
from lti_tool.roster.upserts import ManyTimes, insert_into

GROUP, MEMBER = (Base.metadata.tables[name] for name in ("course_group", "course_group_member"))
PERSON = Base.metadata.tables["person"]

GROUP_KEYS = ("course_id", "lms_id", "name", "set_name", "reading_id")
MEMBER_KEYS = ("course", "tenant", "reading", "who", "which")
TITLE_LENGTH = 60
NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class GroupSet:
    """Groups of a course that belong together; `name` is empty for those in no set.

    `title` is what being in one of them is called among the attributes of a person. `members` has the names of their
    groups by person id, in order: an LMS may let people be in several. No two sets have one title, and no two groups
    of a set one name: where they have in the LMS, they are numbered.
    """

    name: str | None
    title: str
    members: Mapping[int, tuple[str, ...]]


def sets_of(session: Session, course_id: int) -> list[GroupSet]:
    """The sets of groups that people of a course are in, by name; those without a set come first."""
    return sections_and_sets(session, course_id)[1]


def sections_and_sets(session: Session, course_id: int) -> tuple[dict[int, str], list[GroupSet]]:
    """What the LMS tells of people's places in a course, in one query: sections by person id, and as `sets_of`."""
    query = (
        select(Enrolment.person_id, Enrolment.section, CourseGroup.set_name, CourseGroup.id, CourseGroup.name)
        .outerjoin(GroupMember, GroupMember.person_id == Enrolment.person_id)
        .outerjoin(CourseGroup, and_(CourseGroup.id == GroupMember.group_id, CourseGroup.course_id == course_id))
        .where(Enrolment.course_id == course_id)
        .order_by(CourseGroup.name, CourseGroup.id)
    )
    sections: dict[int, str] = {}
    found: dict[str | None, _Gathered] = {}
    for person_id, section, set_name, group_id, name in session.execute(query):
        if section:
            sections[person_id] = section
        if group_id is not None:
            found.setdefault(set_name, _Gathered()).add(person_id, group_id, name)
    titles: set[str] = set()
    in_order = sorted(found.items(), key=lambda item: item[0] or "")
    return sections, [GroupSet(name, _title(name, titles), group.members) for name, group in in_order]


class _Gathered:
    """The groups of a set, as their members are found in the order of the groups."""

    def __init__(self) -> None:
        self.members: dict[int, tuple[str, ...]] = {}
        self._names: dict[int, str] = {}
        self._taken: set[str] = set()

    def add(self, person_id: int, group_id: int, name: str) -> None:
        if group_id not in self._names:
            self._names[group_id] = _distinct(name, self._taken, NAME_LENGTH)
        self.members[person_id] = (*self.members.get(person_id, ()), self._names[group_id])


def _title(set_name: str | None, taken: set[str]) -> str:
    return _distinct(f"Group ({set_name})"[:TITLE_LENGTH] if set_name else "Group", taken, TITLE_LENGTH)


def _distinct(name: str, taken: set[str], most: int) -> str:
    """The name, with a number at its end where it is taken; whatever it is then is taken too.

    >>> taken = {"group (lab)"}
    >>> _distinct("Group (Lab)", taken, 12), _distinct("Group (Lab)", taken, 15)
    ('Group (Lab 2', 'Group (Lab) 2')
    """
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        end = f" {number}"
        free = name[: most - len(end)] + end
    taken.add(free.casefold())
    return free


def store(session: Session, groups: Sequence[Group], *, course_id: int, reading_id: int) -> None:
    """Add or update groups as seen by this reading."""
    rows = [
        {
            "course_id": course_id,
            "lms_id": group.id,
            "name": group.name,
            "set_name": group.set_name,
            "reading_id": reading_id,
        }
        for group in groups
    ]
    if rows:
        _groups(session.get_bind().dialect).execute(session, rows)


def store_members(
    session: Session, members: Sequence[Member], *, course_id: int, tenant_id: int, reading_id: int
) -> None:
    """Put people who are stored already into their groups; a group that the LMS did not list is passed over."""
    rows = [
        {
            "course": course_id,
            "tenant": tenant_id,
            "reading": reading_id,
            "who": member.identity.subject,
            "which": group,
        }
        for member in members
        for group in member.groups
    ]
    if rows:
        _members(session.get_bind().dialect).execute(session, rows)


@cache
def _groups(dialect: Dialect) -> ManyTimes:
    query = insert_into(dialect.name, GROUP)
    query = query.values({name: bindparam(name, type_=GROUP.c[name].type) for name in GROUP_KEYS})
    query = query.on_conflict_do_update(
        index_elements=["course_id", "lms_id"],
        set_={name: query.excluded[name] for name in ("name", "set_name", "reading_id")},
    )
    return ManyTimes.compiled(query, dialect, GROUP_KEYS)


@cache
def _members(dialect: Dialect) -> ManyTimes:
    seen = select(GROUP.c.id, PERSON.c.id, bindparam("reading", type_=MEMBER.c.reading_id.type)).where(
        GROUP.c.course_id == bindparam("course"),
        GROUP.c.lms_id == bindparam("which"),
        PERSON.c.tenant_id == bindparam("tenant"),
        PERSON.c.subject == bindparam("who"),
    )
    query = insert_into(dialect.name, MEMBER).from_select(["group_id", "person_id", "reading_id"], seen)
    query = query.on_conflict_do_update(
        index_elements=["group_id", "person_id"], set_={"reading_id": query.excluded.reading_id}
    )
    return ManyTimes.compiled(query, dialect, MEMBER_KEYS)


def settle(session: Session, reading: RosterReading) -> None:
    """After a complete walk with groups: groups that are no longer there go, and memberships that are none any more.

    Whoever was not seen keeps theirs until the reading marks them as gone.
    """
    of_course = select(CourseGroup.id).where(CourseGroup.course_id == reading.course_id)
    seen = select(Enrolment.person_id).where(
        Enrolment.course_id == reading.course_id, Enrolment.reading_id == reading.id
    )
    session.execute(
        delete(GroupMember)
        .where(
            GroupMember.group_id.in_(of_course),
            GroupMember.reading_id != reading.id,
            GroupMember.person_id.in_(seen),
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(CourseGroup)
        .where(CourseGroup.course_id == reading.course_id, CourseGroup.reading_id != reading.id)
        .execution_options(synchronize_session=False)
    )


def forget_departed(session: Session, course_id: int) -> None:
    """Take people who have left a course out of its groups."""
    of_course = select(CourseGroup.id).where(CourseGroup.course_id == course_id)
    departed = select(Enrolment.person_id).where(Enrolment.course_id == course_id, Enrolment.left_at.is_not(None))
    session.execute(
        delete(GroupMember)
        .where(GroupMember.group_id.in_(of_course), GroupMember.person_id.in_(departed))
        .execution_options(synchronize_session=False)
    )
