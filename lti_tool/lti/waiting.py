"""Registrations that wait for a person's word, since nobody had been invited to make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.lti import registrations
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiPendingRegistration as Pending

# What strangers may leave here: a few from each host, not without end from all, and not for ever.
MOST_OF_A_HOST = 3
MOST = 100
LONGEST = timedelta(days=30)


class NothingWaitsError(Exception):
    """No registration with this number waits."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What an LMS and this tool have agreed on; `deployment_id` is None where the LMS named none."""

    name: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    audience: str
    family: str
    deployment_id: str | None


def conclude(session: Session, agreement: Agreement) -> Registration:
    """Make the registration that was agreed on. Raises DuplicateRegistrationError.

    Where the LMS named no deployment, the first launch brings it.
    """
    values = asdict(agreement)
    deployment_id = values.pop("deployment_id")
    named = () if deployment_id is None else (deployment_id,)
    return registrations.add(session, **values, deployment_ids=named, expects_deployment=deployment_id is None)


def require_room(session: Session, host: str) -> None:
    """Raises LaunchRefused while too many wait already, from this host or from all."""
    of_host = func.count().filter(Pending.host == host)
    alive = Pending.created_at > clock.wall() - LONGEST
    from_here, in_all = session.execute(select(of_host, func.count()).where(alive)).one()
    if from_here >= MOST_OF_A_HOST or in_all >= MOST:
        raise LaunchRefused("registration_full", f"{from_here} of {host!r}, {in_all} in all")


def add(session: Session, agreement: Agreement, *, host: str, doubt: bool) -> Pending:
    """Let an agreement wait; those that nobody looked at for too long go."""
    session.execute(delete(Pending).where(Pending.created_at <= clock.wall() - LONGEST))
    pending = Pending(host=host, doubt=doubt, **asdict(agreement))
    session.add(pending)
    session.flush()
    return pending


def every(session: Session) -> Sequence[Pending]:
    """All that wait, the oldest first."""
    alive = Pending.created_at > clock.wall() - LONGEST
    return session.scalars(select(Pending).where(alive).order_by(Pending.id)).all()


def knows(session: Session, issuer: str, client_id: str) -> bool:
    """Whether a registration of this client waits."""
    asked = select(Pending.id).where(Pending.issuer == issuer, Pending.client_id == client_id)
    return session.scalars(asked.limit(1)).first() is not None


def approve(session: Session, number: int) -> Registration:
    """Make a registration of what waits. Raises NothingWaitsError, DuplicateRegistrationError."""
    pending = take(session, number)
    return conclude(session, Agreement(**{field.name: getattr(pending, field.name) for field in fields(Agreement)}))


def take(session: Session, number: int) -> Pending:
    """Remove what waits under this number. Raises NothingWaitsError."""
    pending = session.get(Pending, number)
    if pending is None:
        raise NothingWaitsError(number)
    session.delete(pending)
    session.flush()
    return pending
