"""What a launch says about tenant, course, person and role, written into the caller's transaction.

This is on the way of every launch: one query tells what is known, and only what differs is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Connection, RowMapping, Table, and_, bindparam, select, update
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import Base
from lti_tool.lti.launch import Context, Launch, Role
from lti_tool.lti.tables import LtiRegistration
from lti_tool.roster import readings, tenants
from lti_tool.roster.names import made_up_name, stated_name
from lti_tool.roster.upserts import upsert

TENANT, COURSE, LINK, PERSON, ENROLMENT = (
    Base.metadata.tables[name] for name in ("tenant", "course", "course_link", "person", "enrolment")
)
# These rows belong to everybody: writing them at each launch would put all launches in one queue.
TENANT_EVERY = timedelta(minutes=1)
COURSE_EVERY = timedelta(hours=1)

_KNOWN = (
    select(*TENANT.c, *COURSE.c, *LINK.c, *PERSON.c, *ENROLMENT.c)
    .select_from(
        TENANT.outerjoin(
            COURSE, and_(COURSE.c.tenant_id == TENANT.c.id, COURSE.c.context_id == bindparam("context_id"))
        )
        .outerjoin(LINK, and_(LINK.c.course_id == COURSE.c.id, LINK.c.link_id == bindparam("link_id")))
        .outerjoin(PERSON, and_(PERSON.c.tenant_id == TENANT.c.id, PERSON.c.subject == bindparam("subject")))
        .outerjoin(ENROLMENT, and_(ENROLMENT.c.course_id == COURSE.c.id, ENROLMENT.c.person_id == PERSON.c.id))
    )
    .where(
        TENANT.c.registration_id == bindparam("registration_id"),
        TENANT.c.key.in_((bindparam("key"), bindparam("nameless_key"))),
    )
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)

_UPDATES = {
    table: update(table).where(table.c.id == bindparam("row_id"))
    for table in (TENANT, COURSE, LINK, PERSON, ENROLMENT)
}
_LAST_OPENED = (
    select(COURSE.c.id, COURSE.c.zone, COURSE.c.title)
    .where(COURSE.c.tenant_id == bindparam("tenant"))
    .order_by(COURSE.c.launched_at.desc().nulls_last(), COURSE.c.id)
    .limit(1)
)
_NOWHERE = Context("")  # no course has this id
_PLATFORM = select(LtiRegistration.name).where(LtiRegistration.id == bindparam("id"))


class NoCourseError(Exception):
    """The launch names no course (LTI context). Peerloop must be opened from a course."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a launch leads: what `web.visits.open_visit` needs to know, and what happened.

    `first_reading` says that the roster has never been read and that this launch asked for it. An administrator
    who is not in the course has no enrolment. `standing_changed` says that the person's last launch was in another
    role in this course, or as an administrator and this one is not.
    """

    tenant_id: int
    course_id: int
    link_id: int | None
    link_opens: str | None
    person_id: int
    person_name: str
    enrolment_id: int | None
    role: Role
    is_test: bool
    is_admin: bool
    zone: str
    locale: str | None
    course_title: str
    first_reading: bool
    standing_changed: bool


def record(session: Session, launch: Launch) -> Recorded:
    """Write down what `launch` says. Raises NoCourseError for one without a context."""
    if launch.context is None:
        raise NoCourseError
    now = clock.wall()
    connection = session.connection()
    known = _known(connection, launch, launch.context)
    tenant_id = _tenant(connection, launch, known, now)
    course = _course(connection, launch, launch.context, known.of(COURSE), tenant_id, now)
    known_person, known_enrolment = known.of(PERSON), known.of(ENROLMENT)
    person = _person(connection, launch, known_person, tenant_id)
    enrolment = _enrolment(connection, launch, known_enrolment, course["id"], person["id"], now)
    link = _link(connection, launch, known.of(LINK), course["id"])
    return Recorded(
        tenant_id=tenant_id,
        course_id=course["id"],
        link_id=link["id"] if link else None,
        link_opens=link["opens"] if link else None,
        person_id=person["id"],
        person_name=person["name"],
        enrolment_id=enrolment["id"],
        role=launch.standing.role,
        is_test=launch.standing.is_test,
        is_admin=launch.standing.is_admin,
        zone=person["zone"] or course["zone"],
        locale=person["locale"],
        course_title=course["title"],
        first_reading=_first_reading(session, launch, course),
        standing_changed=_is_demoted(known_person, person) or _has_other_role(known_enrolment, enrolment),
    )


def record_administrator(session: Session, launch: Launch) -> Recorded | None:
    """Write down an administrator who comes from a place that belongs to no course.

    They stay in the course of their institution that was opened last, without being anybody in it. None for
    everybody else, and where nobody has opened Peerloop from a course yet.
    """
    if not launch.standing.is_admin:
        return None
    connection = session.connection()
    known = _known(connection, launch, _NOWHERE)
    tenant = known.of(TENANT)
    course = connection.execute(_LAST_OPENED, {"tenant": tenant["id"]}).mappings().first() if tenant else None
    if tenant is None or course is None:
        return None
    person = _person(connection, launch, known.of(PERSON), tenant["id"])
    return Recorded(
        tenant_id=tenant["id"],
        course_id=course["id"],
        link_id=None,
        link_opens=None,
        person_id=person["id"],
        person_name=person["name"],
        enrolment_id=None,
        role=Role.NONE,
        is_test=launch.standing.is_test,
        is_admin=True,
        zone=person["zone"] or course["zone"],
        locale=person["locale"],
        course_title=course["title"],
        first_reading=False,
        standing_changed=False,
    )


Row = dict[str, Any]


class _Known:
    """The rows that a launch concerns, as they are; a table whose row is missing gives None."""

    def __init__(self, row: RowMapping | None, *, name_is_free: bool) -> None:
        self._row = row
        self.name_is_free = name_is_free  # no tenant has the key that the launch names

    def of(self, table: Table) -> Row | None:
        if self._row is None or self._row[f"{table.name}_id"] is None:
            return None
        return {column.name: self._row[f"{table.name}_{column.name}"] for column in table.c}


def _known(connection: Connection, launch: Launch, context: Context) -> _Known:
    values = {
        "registration_id": launch.registration_id,
        "key": tenants.key(launch),
        "nameless_key": tenants.nameless_key(launch),
        "context_id": context.id,
        "link_id": launch.resource_link.id if launch.resource_link else None,
        "subject": launch.identity.subject,
    }
    found = {row["tenant_key"]: row for row in connection.execute(_KNOWN, values).mappings()}
    return _Known(tenants.choose(connection, launch, found), name_is_free=tenants.key(launch) not in found)


def _store(connection: Connection, table: Table, known: Row | None, keys: Row, stated: Row, otherwise: Row) -> Row:
    """The row with these `keys`, holding what was `stated`; one that is new takes the rest from `otherwise`.

    Nothing is written where the row says so already.
    """
    if known is None:
        # Another launch may have made the row since we looked.
        query = upsert(connection.dialect.name, table, tuple(keys), tuple(stated or keys))
        return dict(connection.execute(query, {**otherwise, **keys, **stated}).mappings().one())
    changed = {name: value for name, value in stated.items() if known[name] != value}
    if changed:
        connection.execute(_UPDATES[table], {**changed, "row_id": known["id"]})
    return {**known, **changed}


def _given(**values: Any) -> Row:
    """The values that are there: what a launch leaves out changes nothing."""
    return {name: value for name, value in values.items() if value}


def _tenant(connection: Connection, launch: Launch, all_known: _Known, now: datetime) -> int:
    known = all_known.of(TENANT)
    stated = _given(name=launch.platform.name, family=launch.platform.family)
    if known is None or _is_older(known["launched_at"], now - TENANT_EVERY):
        stated["launched_at"] = now
    if known is not None and all_known.name_is_free:
        stated["key"] = tenants.key(launch)
    keys = {"registration_id": launch.registration_id, "key": tenants.key(launch)}
    otherwise = {} if known else {"name": connection.scalar(_PLATFORM, {"id": launch.registration_id})}
    tenant_id: int = _store(connection, TENANT, known, keys, stated, otherwise)["id"]
    return tenant_id


def _is_older(time: datetime | None, than: datetime) -> bool:
    return time is None or time < than


def _course(
    connection: Connection, launch: Launch, context: Context, known: Row | None, tenant_id: int, now: datetime
) -> Row:
    grades, groups = launch.grades, launch.groups
    stated = _given(
        deployment_id=launch.deployment_id,
        title=context.title,
        label=context.label,
        zone=launch.identity.zone if launch.standing.role is Role.INSTRUCTOR else None,
        memberships_url=launch.memberships_url,
        line_items_url=grades.line_items_url if grades else None,
        grade_scopes=sorted(grades.scopes) if grades else None,
        groups_url=groups.groups_url if groups else None,
        group_sets_url=groups.sets_url if groups else None,
    )
    if known is None or _is_older(known["launched_at"], now - COURSE_EVERY):
        stated["launched_at"] = now
    otherwise = {"title": context.label or context.id, "zone": "UTC", "grade_scopes": []}
    keys = {"tenant_id": tenant_id, "context_id": context.id}
    return _store(connection, COURSE, known, keys, stated, otherwise)


def _link(connection: Connection, launch: Launch, known: Row | None, course_id: int) -> Row | None:
    link = launch.resource_link
    if link is None:
        return None
    keys = {"course_id": course_id, "link_id": link.id}
    return _store(connection, LINK, known, keys, _given(title=link.title), {})


def _person(connection: Connection, launch: Launch, known: Row | None, tenant_id: int) -> Row:
    identity = launch.identity
    stated = _given(name=stated_name(identity), email=identity.email, locale=identity.locale, zone=identity.zone)
    stated["launched_as_admin"] = launch.standing.is_admin
    otherwise = {"name": made_up_name(identity.subject, launch.standing.role)}
    keys = {"tenant_id": tenant_id, "subject": identity.subject}
    return _store(connection, PERSON, known, keys, stated, otherwise)


def _enrolment(
    connection: Connection, launch: Launch, known: Row | None, course_id: int, person_id: int, now: datetime
) -> Row:
    standing = launch.standing
    role = standing.role.value
    launched_as = f"{role}+admin" if standing.is_admin else role
    stated: Row = {"role": role, "launched_as": launched_as, "is_test": standing.is_test, "launched_at": now}
    stated |= _given(section=launch.section)
    if known is not None and standing.role is Role.NONE:
        # A launch may say nothing about the course, an administrator's above all; that is no news about it.
        del stated["role"]
        if standing.is_admin:
            del stated["launched_as"]
    if known is not None and known["left_at"] is not None:
        stated |= {"left_at": None, "joined_at": now, "reading_id": None}
    if known is not None and "launched_as" in stated:
        # Written in any case: a launch in another role may have been recorded since we looked.
        known = {**known, "launched_as": None}
    keys = {"course_id": course_id, "person_id": person_id}
    return _store(connection, ENROLMENT, known, keys, stated, {"joined_at": now})


def _is_demoted(known: Row | None, person: Row) -> bool:
    return known is not None and known["launched_as_admin"] and not person["launched_as_admin"]


def _has_other_role(known: Row | None, enrolment: Row) -> bool:
    return known is not None and known["launched_as"] != enrolment["launched_as"]


def _first_reading(session: Session, launch: Launch, course: Row) -> bool:
    wanted = launch.standing.role is Role.INSTRUCTOR and course["roster_read_at"] is None
    if not wanted or course["memberships_url"] is None:
        return False
    readings.request(session, course["id"])
    return True
