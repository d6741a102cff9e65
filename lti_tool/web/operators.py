"""Whoever runs Peerloop, in a browser: a link from the terminal, good once, and then a cookie for some hours.

The operator's pages are opened in a tab of their own and never in a frame, so an ordinary cookie serves. They show
every tenant, so nothing that an LMS says can open them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request
from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.exceptions import Unauthorized

from lti_tool import clock, settings
from lti_tool.database import Base, db
from lti_tool.web.proofs import digest

LINK_LIFETIME = timedelta(minutes=15)
VISIT_LIFETIME = timedelta(hours=4)


class OperatorVisitRow(Base):
    """A link that was made, and the visit that it opened. Only hashes of their secrets are kept."""

    __tablename__ = "operator_visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    link_hash: Mapped[str] = mapped_column(String(64), unique=True)
    cookie_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator who is here. `cookie` is a secret: never log it."""

    id: int
    cookie: str


class LinkNeeded(Unauthorized):
    """Nobody is known to be an operator in this browser, or the link was used before or is too old."""


def make_link(session: Session) -> str:
    """The secret of a new link, in the caller's transaction; older links and visits that have ended go."""
    secret, now = secrets.token_urlsafe(32), clock.wall()
    session.execute(delete(OperatorVisitRow).where(OperatorVisitRow.expires_at <= now))
    session.add(OperatorVisitRow(link_hash=digest(secret), expires_at=now + LINK_LIFETIME))
    return secret


def open_link(session: Session, secret: str) -> str:
    """Use up a link in the caller's transaction; returns what the cookie holds. Raises LinkNeeded."""
    query = select(OperatorVisitRow).where(
        OperatorVisitRow.link_hash == digest(secret),
        OperatorVisitRow.cookie_hash.is_(None),
        OperatorVisitRow.expires_at > clock.wall(),
    )
    row = session.scalars(query.with_for_update()).one_or_none()
    if row is None:
        raise LinkNeeded
    cookie = secrets.token_urlsafe(32)
    row.cookie_hash, row.expires_at = digest(cookie), clock.wall() + VISIT_LIFETIME
    return cookie


def find() -> Operator:
    """The operator of this request. Raises LinkNeeded where there is none."""
    cookie = request.cookies.get(_cookie_name(), "")
    query = select(OperatorVisitRow.id).where(
        OperatorVisitRow.cookie_hash == digest(cookie), OperatorVisitRow.expires_at > clock.wall()
    )
    found = db.session.scalar(query)
    if found is None:
        raise LinkNeeded
    return Operator(found, cookie)


def leave(session: Session, operator: Operator) -> None:
    """End the visit at once."""
    session.execute(delete(OperatorVisitRow).where(OperatorVisitRow.id == operator.id))


def set_cookie(response: Response, cookie: str) -> None:
    """Give the browser what `find` looks for."""
    https = settings.current().is_https
    response.set_cookie(
        _cookie_name(), cookie, max_age=VISIT_LIFETIME, path="/", httponly=True, secure=https, samesite="Lax"
    )


def _cookie_name() -> str:
    return "__Host-operator" if settings.current().is_https else "operator"
