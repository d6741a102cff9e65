"""Whom operators let in, written down for the record: invitations, new LMSs, and new places in known ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.lti import deployments, families, invitations, registrations, waiting
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiDeployment, LtiInvitation, LtiPendingRegistration, LtiRegistration
from lti_tool.roster.tables import Course, Person, Tenant


def approve(session: Session, reference: str) -> LtiDeployment:
    """Accept the deployment that waits under `reference`. Raises deployments.NotWaitingError."""
    return _of_deployment(session, "deployment.approved", deployments.approve(session, reference))


def dismiss(session: Session, reference: str) -> LtiDeployment:
    """Take it off the list; its next launch waits anew. Raises deployments.NotWaitingError."""
    return _of_deployment(session, "deployment.dismissed", deployments.dismiss(session, reference))


def invite(session: Session, *, days: int, note: str, host: str) -> tuple[LtiInvitation, str]:
    """Make an invitation; returns it and its secret, which is kept nowhere."""
    invitation, secret = invitations.invite(session, days=days, note=note, host=host)
    _of_invitation(session, "invitation.made", invitation)
    return invitation, secret


def withdraw(session: Session, number: int) -> bool:
    """Let nobody use this invitation any more. False if nobody could."""
    invitation = invitations.withdraw(session, number)
    if invitation is not None:
        _of_invitation(session, "invitation.withdrawn", invitation)
    return invitation is not None


def approve_registration(session: Session, reference: str) -> Registration:
    """Make a registration of what waits. Raises waiting.NothingWaitsError, DuplicateRegistrationError."""
    made = waiting.approve(session, reference)
    about = {"issuer": made.issuer, "client": made.client_id, "reference": reference}
    _write(session, "registration.approved", "registration", made.id, about)
    return made


def dismiss_registration(session: Session, reference: str) -> LtiPendingRegistration:
    """Forget what waits under `reference`. Raises waiting.NothingWaitsError."""
    gone = waiting.take(session, reference)
    about = {"issuer": gone.issuer, "client": gone.client_id, "reference": gone.reference}
    _write(session, "registration.dismissed", "waiting registration", gone.id, about)
    return gone


def enter(session: Session, **values: Any) -> Registration:
    """Register an LMS by what it shows of itself (see registrations.add). Raises DuplicateRegistrationError."""
    made = registrations.add(session, **values)
    about = {"issuer": made.issuer, "client": made.client_id}
    _write(session, "registration.entered", "registration", made.id, about)
    return made


def correct(session: Session, registration: LtiRegistration, values: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Set these fields; an audience that was the usual one stays so. Returns what became of what, by field."""
    is_usual = registration.audience == _usual_audience(registration)
    before = {name: getattr(registration, name) for name in (*values, "audience")}
    for name, value in values.items():
        setattr(registration, name, value)
    if is_usual and "audience" not in values:
        registration.audience = _usual_audience(registration)
    changes = {name: (was, now) for name, was in before.items() if (now := getattr(registration, name)) != was}
    if changes:
        was, now = ({name: pair[at] for name, pair in changes.items()} for at in (0, 1))
        _write(session, "registration.corrected", "registration", registration.id, now, before=was)
    return changes


def in_use(session: Session, registration_id: int) -> tuple[int, int]:
    """How many courses and how many people a registration has."""

    def count(table: type[Course] | type[Person]) -> int:
        query = select(func.count(table.id)).join(Tenant, Tenant.id == table.tenant_id)
        return session.scalar(query.where(Tenant.registration_id == registration_id)) or 0

    return count(Course), count(Person)


def remove(session: Session, registration: LtiRegistration) -> None:
    """Remove an LMS, and with it everything that was done in its courses."""
    courses, people = in_use(session, registration.id)
    about = {"issuer": registration.issuer, "client": registration.client_id, "courses": courses, "people": people}
    session.execute(delete(LtiRegistration).where(LtiRegistration.id == registration.id))
    _write(session, "registration.removed", "registration", registration.id, about)


def _usual_audience(registration: LtiRegistration) -> str:
    return families.family(registration.family).audience(registration.token_url)


def _of_deployment(session: Session, action: str, row: LtiDeployment) -> LtiDeployment:
    about = {"registration": row.registration_id, "deployment": row.deployment_id, "guid": row.guid}
    _write(session, action, "deployment", row.id, about)
    return row


def _of_invitation(session: Session, action: str, invitation: LtiInvitation) -> None:
    _write(session, action, "invitation", invitation.id, {"note": invitation.note, "host": invitation.host})


def _write(
    session: Session, action: str, subject: str, subject_id: int, about: object, *, before: object = None
) -> None:
    audit.record(session, action, subject, subject_id, course_id=None, actor_id=None, before=before, after=about)
