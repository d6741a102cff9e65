"""Registrations that wait for a person's word: nobody was invited to make them, or whose LMS it is is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.lti import registrations
from lti_tool.lti.addresses import origin
from lti_tool.lti.refusals import REFERENCE_LETTERS, LaunchRefused, new_reference, spelled
from lti_tool.lti.registrations import DuplicateRegistrationError, Registration
from lti_tool.lti.tables import LtiPendingRegistration as Pending
from lti_tool.lti.tables import LtiRegistration

# What strangers may leave here: a few from each host, not without end from all, and not for ever.
MOST_OF_A_HOST = 3
MOST = 100
LONGEST = timedelta(days=30)


class NothingWaitsError(Exception):
    """No registration waits under this reference."""


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
    _require_tokens_of_its_own(session, agreement)
    values = asdict(agreement)
    deployment_id = values.pop("deployment_id")
    named = () if deployment_id is None else (deployment_id,)
    return registrations.add(session, **values, deployment_ids=named, expects_deployment=deployment_id is None)


def _require_tokens_of_its_own(session: Session, agreement: Agreement) -> None:
    """Whoever has client id and token server of another LMS here would be handed that one's tokens.

    An address has too many spellings to be compared as a whole.
    """
    asked = select(LtiRegistration.token_url, LtiRegistration.audience)
    known = session.execute(asked.where(LtiRegistration.client_id == agreement.client_id))
    theirs = {origin(address) or address for row in known for address in row}
    if theirs & {origin(address) or address for address in (agreement.token_url, agreement.audience)}:
        raise DuplicateRegistrationError(agreement.issuer, agreement.client_id)


def require_room(session: Session, host: str) -> None:
    """Raises LaunchRefused while too many wait already without an invitation, from this host or from all."""
    of_host = func.count().filter(Pending.host == host)
    counted = select(of_host, func.count()).where(_alive(), Pending.invitation.is_(None))
    from_here, in_all = session.execute(counted).one()
    if from_here >= MOST_OF_A_HOST or in_all >= MOST:
        raise LaunchRefused("registration_full", f"{from_here} of {host!r}, {in_all} in all")


def add(session: Session, agreement: Agreement, *, host: str, doubt: bool, invitation: str | None) -> Pending:
    """Let an agreement wait; those that nobody looked at for too long go. `invitation` is the used one's note."""
    session.execute(delete(Pending).where(Pending.created_at <= clock.wall() - LONGEST))
    reference = new_reference(REFERENCE_LETTERS)
    pending = Pending(reference=reference, host=host, doubt=doubt, invitation=invitation, **asdict(agreement))
    session.add(pending)
    session.flush()
    return pending


def every(session: Session) -> Sequence[Pending]:
    """All that wait, the oldest first."""
    return session.scalars(select(Pending).where(_alive()).order_by(Pending.id)).all()


def count(session: Session) -> int:
    """How many wait."""
    return session.scalar(select(func.count()).where(_alive())) or 0


def reference_of(session: Session, issuer: str, client_id: str) -> str | None:
    """Under which reference a registration of this client waits, if one does. Empty where several do.

    Anybody may let one wait for a client of somebody else, and theirs is not the one to be passed on.
    """
    asked = select(Pending.reference).where(Pending.issuer == issuer, Pending.client_id == client_id, _alive())
    found = session.scalars(asked.limit(2)).all()
    return found[0] if len(found) == 1 else "" if found else None


def waits(session: Session, reference: str) -> bool:
    """Whether something waits under this reference."""
    return session.scalar(select(Pending.id).where(Pending.reference == spelled(reference), _alive())) is not None


def approve(session: Session, reference: str) -> Registration:
    """Make a registration of what waits. Raises NothingWaitsError, DuplicateRegistrationError."""
    pending = take(session, reference)
    return conclude(session, Agreement(**{field.name: getattr(pending, field.name) for field in fields(Agreement)}))


def take(session: Session, reference: str) -> Pending:
    """Remove what waits under this reference. Raises NothingWaitsError."""
    asked = select(Pending).where(Pending.reference == spelled(reference), _alive())
    pending = session.scalars(asked.with_for_update()).one_or_none()
    if pending is None:
        raise NothingWaitsError(reference)
    session.delete(pending)
    session.flush()
    return pending


def _alive() -> ColumnElement[bool]:
    return Pending.created_at > clock.wall() - LONGEST
