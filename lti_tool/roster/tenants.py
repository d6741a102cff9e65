"""Which institution a launch belongs to.

A tenant is the deployments of one registration that name the same instance of the LMS (`tool_platform.guid`); a
deployment that names none is a tenant of its own. When it begins to name its instance it takes that name, or joins
the tenant that has it; but where people have worked in it already it stays the tenant that it was, so that their
work is found again.

https://www.imsglobal.org/spec/lti/v1p3#platform-instance-claim
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Select, delete, exists, select, update
from sqlalchemy.orm import Session

from lti_tool.database import Base
from lti_tool.lti.deployments import SEVERAL
from lti_tool.lti.launch import Launch
from lti_tool.lti.tables import LtiDeployment
from lti_tool.web.incidents import Incident

TENANT, COURSE, LINK, PERSON = (Base.metadata.tables[name] for name in ("tenant", "course", "course_link", "person"))
GUID = "guid:"
# What an LMS has said and will say again, and what ends anyway. All else is somebody's work. (Whoever answers an
# LMS's wish for links leaves an entry of the audit.)
HEARSAY = frozenset(
    {
        "checkup",
        "course",
        "course_group",
        "course_group_member",
        "course_link",
        "deep_linking_request",
        "enrolment",
        "person",
        "roster_reading",
        "visit",
    }
)
WORKED_ON = frozenset({"course", "course_link", "person"})


def key(launch: Launch) -> str:
    """The key of the tenant that a launch names."""
    guid = launch.platform.guid
    return f"{GUID}{guid}" if guid else nameless_key(launch)


def nameless_key(launch: Launch) -> str:
    """The key of the tenant that its deployment is while it names no instance."""
    return f"deployment:{launch.deployment_id}"


def choose(connection: Connection, launch: Launch, found: Mapping[str, Any]) -> Any | None:
    """The one of the rows `found`, by key, that is the tenant of `launch`; None if there is none yet."""
    named, nameless = found.get(key(launch)), found.get(nameless_key(launch))
    if nameless is None or nameless is named or _names_several(connection, launch):
        return named
    if named is None or _holds_work(connection, nameless["tenant_id"]):
        return nameless
    return named if _join(connection, nameless["tenant_id"], named["tenant_id"]) else nameless


def named(session: Session, guids: Sequence[str]) -> dict[tuple[int, str | None], str]:
    """The names of the tenants that are one of these instances, by registration and guid."""
    keys = [f"{GUID}{guid}" for guid in guids]
    rows = session.execute(
        select(TENANT.c.registration_id, TENANT.c.key, TENANT.c.name).where(TENANT.c.key.in_(keys))
    )
    return {(registration, key_.removeprefix(GUID)): name for registration, key_, name in rows}


def _join(connection: Connection, old: int, new: int) -> bool:
    """Make one tenant of two, unless somebody is at work in the old one in this very moment, who is waited for.

    A reference that somebody was given in the old one can be looked up in the new.
    """
    for rows in _worked_on(old).values():
        connection.execute(rows.with_for_update())
    if _holds_work(connection, old):
        return False
    connection.execute(update(Incident).where(Incident.tenant_id == old).values(tenant_id=new))
    connection.execute(delete(TENANT).where(TENANT.c.id == old))
    return True


def _names_several(connection: Connection, launch: Launch) -> bool:
    """Several institutions behind one deployment: none of them is what it was while it named none."""
    query = select(LtiDeployment.guid).where(
        LtiDeployment.registration_id == launch.registration_id, LtiDeployment.deployment_id == launch.deployment_id
    )
    return connection.scalar(query) == SEVERAL


def _holds_work(connection: Connection, tenant_id: int) -> bool:
    """Whether anything hangs on the courses, links and people of a tenant that an LMS would not say again."""
    ours = _worked_on(tenant_id)
    return any(
        connection.scalar(select(exists().where(column.in_(ours[table])))) for column, table in _work_columns()
    )


def _worked_on(tenant_id: int) -> Mapping[str, Select[Any]]:
    """The ids of a tenant's rows on which work hangs, by table."""
    courses = select(COURSE.c.id).where(COURSE.c.tenant_id == tenant_id)
    return {
        "course": courses,
        "course_link": select(LINK.c.id).where(LINK.c.course_id.in_(courses)),
        "person": select(PERSON.c.id).where(PERSON.c.tenant_id == tenant_id),
    }


@cache
def _work_columns() -> list[tuple[Column[Any], str]]:
    """The columns, of whatever room, in which work names a course, a link or a person, with the table they name."""
    tables = [table for name, table in Base.metadata.tables.items() if name not in HEARSAY]
    keys = (foreign for table in tables for foreign in table.foreign_keys)
    return [(foreign.parent, name) for foreign in keys if (name := foreign.column.table.name) in WORKED_ON]
