"""Invitations to register an LMS: a secret that is told once, and good for one registration within some days."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.lti.addresses import origin
from lti_tool.lti.states import digest
from lti_tool.lti.tables import ID_LENGTH, NAME_LENGTH, LtiInvitation

USUAL_DAYS = 14
MOST_DAYS = 90
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


def is_note(text: str) -> bool:
    """Whether a note can be kept: one line that is not too long."""
    return len(text) <= NAME_LENGTH and text.isprintable()


def host_in(text: str) -> str:
    """The host that an address names, or that stands alone; empty for nothing. Raises ValueError if it is none."""
    text = text.strip()
    if not text:
        return ""
    known = origin(text if "//" in text else f"https://{text}")
    host = urlsplit(known or "").hostname or ""
    if len(host) > ID_LENGTH or not _HOST.fullmatch(host):
        raise ValueError(f"{text[:80]!r} names no host")
    return host


def invite(session: Session, *, days: int, note: str = "", host: str = "") -> tuple[LtiInvitation, str]:
    """A new invitation, good for so many days, and its secret.

    The LMS at `host`, if one is named, needs no approval even where its addresses are not its issuer's own.
    """
    secret = secrets.token_urlsafe(24)
    expires_at = clock.wall() + timedelta(days=days)
    invitation = LtiInvitation(secret_hash=digest(secret), note=note, host=host, expires_at=expires_at)
    session.add(invitation)
    session.flush()
    return invitation, secret


def is_open(session: Session, secret: str) -> bool:
    """Whether this invitation can be used now."""
    return session.scalar(select(LtiInvitation.id).where(*_open(secret))) is not None


def is_for(session: Session, secret: str, host: str) -> bool:
    """Whether this invitation says that the LMS at `host` is the one that is meant."""
    return session.scalar(select(LtiInvitation.id).where(*_open(secret), LtiInvitation.host == host)) is not None


def use(session: Session, secret: str) -> LtiInvitation | None:
    """Use an invitation up in the caller's transaction. None if it has been used, or has expired, meanwhile."""
    used = update(LtiInvitation).where(*_open(secret)).values(used_at=clock.wall()).returning(LtiInvitation)
    return session.scalars(used).one_or_none()


def every(session: Session) -> Sequence[LtiInvitation]:
    """Those that can be used, the oldest first."""
    return session.scalars(select(LtiInvitation).where(*_usable(clock.wall())).order_by(LtiInvitation.id)).all()


def withdraw(session: Session, number: int) -> LtiInvitation | None:
    """Let nobody use the invitation with this number any more. None if there is none that can be used."""
    now = clock.wall()
    withdrawn = update(LtiInvitation).where(LtiInvitation.id == number, *_usable(now)).values(expires_at=now)
    return session.scalars(withdrawn.returning(LtiInvitation)).one_or_none()


def _open(secret: str) -> tuple[ColumnElement[bool], ...]:
    return LtiInvitation.secret_hash == digest(secret), *_usable(clock.wall())


def _usable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return LtiInvitation.used_at.is_(None), LtiInvitation.expires_at > now
