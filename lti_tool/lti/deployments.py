"""Deployments of a registration: accepted ones enter, unknown ones wait until somebody accepts them.

Whoever can place the tool somewhere in an LMS makes deployments, and where institutions share an issuer (Canvas,
Blackboard) that is everybody. So nothing of a launch is kept before its deployment is accepted but the deployment
itself, and of one registration no more than `MOST_WAITING` wait at once.

https://www.imsglobal.org/spec/lti/v1p3#tool-deployment
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from sqlalchemy import Table, bindparam, case, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti import registrations
from lti_tool.lti.launch import Launch
from lti_tool.lti.refusals import REFERENCE_LETTERS, LaunchRefused, new_reference, spelled
from lti_tool.lti.tables import LtiDeployment, LtiRegistration

MOST_WAITING = 20
LONGEST_WAIT = timedelta(days=30)
# What `guid` holds where the launches of one deployment have named several instances of the LMS.
SEVERAL = ""

_table = cast(Table, LtiDeployment.__table__)
_WHICH = (
    _table.c.registration_id == bindparam("registration"),
    _table.c.deployment_id == bindparam("deployment"),
)
_FIND = select(_table.c.status, _table.c.reference, _table.c.guid).where(*_WHICH)
_STATED = bindparam("stated", type_=_table.c.guid.type)
_LEARN = (
    update(_table)
    .where(*_WHICH)
    .values(guid=case((func.coalesce(_table.c.guid, _STATED) == _STATED, _STATED), else_=SEVERAL))
)


class NotWaitingError(Exception):
    """No deployment waits under this reference."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is kept of a deployment. `guid` names the instance of the LMS, once a launch has."""

    status: str
    reference: str | None
    guid: str | None


def admit(launch: Launch, known: Deployment | None) -> Deployment:
    """The accepted deployment of a launch that is right in everything else; `known` is what is kept of it.

    Raises LaunchRefused: `deployment_pending`, with the reference under which the deployment waits, or
    `too_many_waiting`. An unknown one is noted in a transaction of its own.
    """
    found = known or _note(launch)
    if found.status != "active":
        raise LaunchRefused("deployment_pending", _detail(launch), reference=found.reference)
    return found


def completed(launch: Launch, deployment: Deployment) -> Launch:
    """`launch` with the instance that its deployment is known to be, where the platform has left it out."""
    if launch.platform.guid or not deployment.guid:
        return launch
    return replace(launch, platform=replace(launch.platform, guid=deployment.guid))


def learn_instance(session: Session, launch: Launch, deployment: Deployment) -> None:
    """Note the instance that a launch names; nothing is written where it is known, or known to be one of several."""
    stated = launch.platform.guid
    if stated and deployment.guid not in (stated, SEVERAL):
        session.execute(_LEARN, {**_names(launch), "stated": stated})


def waiting(session: Session) -> Sequence[tuple[LtiDeployment, LtiRegistration]]:
    """The deployments that wait for approval, with their registrations, the longest waiting first."""
    query = (
        select(LtiDeployment, LtiRegistration)
        .join(LtiRegistration, LtiRegistration.id == LtiDeployment.registration_id)
        .where(LtiDeployment.status == "pending")
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(LtiDeployment.id))]


def waits(session: Session, reference: str) -> bool:
    """Whether a deployment waits under this reference."""
    asked = select(LtiDeployment.id).where(
        LtiDeployment.status == "pending", LtiDeployment.reference == spelled(reference)
    )
    return session.scalar(asked) is not None


def approve(session: Session, reference: str) -> LtiDeployment:
    """Accept the deployment that waits under `reference`. Raises NotWaitingError."""
    row = _waiting_under(session, reference)
    row.status, row.reference = "active", None
    return row


def dismiss(session: Session, reference: str) -> LtiDeployment:
    """Let the deployment that waits under `reference` wait no more; another launch begins anew. NotWaitingError."""
    row = _waiting_under(session, reference)
    session.delete(row)
    return row


def _find(launch: Launch) -> Deployment | None:
    row = db.session.execute(_FIND, _names(launch)).one_or_none()
    return Deployment(*row) if row else None


def _note(launch: Launch) -> Deployment:
    """Let an unknown deployment wait, unless it is the one that its registration expects, or too many wait."""
    try:
        with transaction() as session:
            expected = registrations.take_expected(session, launch.registration_id)
            if not expected:
                _make_room(session, launch)
            session.add(
                LtiDeployment(
                    registration_id=launch.registration_id,
                    deployment_id=launch.deployment_id,
                    status="active" if expected else "pending",
                    reference=None if expected else new_reference(REFERENCE_LETTERS),
                    guid=launch.platform.guid,
                    institution=launch.platform.name,
                )
            )
    except IntegrityError:
        # Another launch of the same deployment noted it in this moment.
        db.session.rollback()
    return _find(launch) or _note(launch)


def _make_room(session: Session, launch: Launch) -> None:
    waits = (_table.c.registration_id == launch.registration_id, _table.c.status == "pending")
    session.execute(delete(_table).where(*waits, _table.c.created_at < clock.wall() - LONGEST_WAIT))
    if (session.scalar(select(func.count()).where(*waits)) or 0) >= MOST_WAITING:
        raise LaunchRefused("too_many_waiting", _detail(launch))


def _waiting_under(session: Session, reference: str) -> LtiDeployment:
    waits = LtiDeployment.status == "pending", LtiDeployment.reference == spelled(reference)
    found = session.scalars(select(LtiDeployment).where(*waits).with_for_update()).one_or_none()
    if found is None:
        raise NotWaitingError(reference)
    return found


def _names(launch: Launch) -> dict[str, object]:
    return {"registration": launch.registration_id, "deployment": launch.deployment_id}


def _detail(launch: Launch) -> str:
    return f"registration {launch.registration_id}, deployment {launch.deployment_id!r}"
