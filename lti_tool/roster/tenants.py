"""Which institution a launch belongs to.

A tenant is the deployments of one registration that name the same instance of the LMS (`tool_platform.guid`); a
deployment that names none is a tenant of its own. It stays that tenant when it begins to name its instance: its
courses and people are found again, and only if no other deployment has that name does it take it.

https://www.imsglobal.org/spec/lti/v1p3#platform-instance-claim
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from lti_tool.lti.deployments import SEVERAL
from lti_tool.lti.launch import Launch
from lti_tool.lti.tables import LtiDeployment


def key(launch: Launch) -> str:
    """The key of the tenant that a launch names."""
    guid = launch.platform.guid
    return f"guid:{guid}" if guid else nameless_key(launch)


def nameless_key(launch: Launch) -> str:
    """The key of the tenant that its deployment is while it names no instance."""
    return f"deployment:{launch.deployment_id}"


def choose(connection: Connection, launch: Launch, found: Mapping[str, Any]) -> Any | None:
    """The one of the rows `found`, by key, that is the tenant of `launch`; None if there is none yet."""
    nameless = found.get(nameless_key(launch))
    if nameless is None or not launch.platform.guid or _names_several(connection, launch):
        return found.get(key(launch))
    return nameless


def _names_several(connection: Connection, launch: Launch) -> bool:
    """Several institutions behind one deployment: none of them is what it was while it named none."""
    query = select(LtiDeployment.guid).where(
        LtiDeployment.registration_id == launch.registration_id, LtiDeployment.deployment_id == launch.deployment_id
    )
    return connection.scalar(query) == SEVERAL
