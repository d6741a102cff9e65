"""Invitations to register an LMS: a secret that is told once, and good for one registration within some days."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.lti.states import digest
from lti_tool.lti.tables import LtiInvitation


def invite(session: Session, *, days: int, note: str = "") -> tuple[LtiInvitation, str]:
    """A new invitation, good for so many days, and its secret."""
    secret = secrets.token_urlsafe(24)
    expires_at = clock.wall() + timedelta(days=days)
    invitation = LtiInvitation(secret_hash=digest(secret), note=note, expires_at=expires_at)
    session.add(invitation)
    session.flush()
    return invitation, secret


def is_open(session: Session, secret: str) -> bool:
    """Whether this invitation can be used now."""
    return session.scalar(select(LtiInvitation.id).where(*_open(secret))) is not None


def use(session: Session, secret: str) -> bool:
    """Use an invitation up in the caller's transaction. False if it has been used, or has expired, meanwhile."""
    used = update(LtiInvitation).where(*_open(secret)).values(used_at=clock.wall()).returning(LtiInvitation.id)
    return session.execute(used).one_or_none() is not None


def every(session: Session) -> Sequence[LtiInvitation]:
    """Those that can be used, the oldest first."""
    usable = LtiInvitation.used_at.is_(None), LtiInvitation.expires_at > clock.wall()
    return session.scalars(select(LtiInvitation).where(*usable).order_by(LtiInvitation.id)).all()


def withdraw(session: Session, number: int) -> bool:
    """Let nobody use the invitation with this number. False if there is none."""
    withdrawn = delete(LtiInvitation).where(LtiInvitation.id == number).returning(LtiInvitation.id)
    return session.execute(withdrawn).one_or_none() is not None


def _open(secret: str) -> tuple[ColumnElement[bool], ...]:
    return (
        LtiInvitation.secret_hash == digest(secret),
        LtiInvitation.used_at.is_(None),
        LtiInvitation.expires_at > clock.wall(),
    )
