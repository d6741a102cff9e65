"""What a reference on an error page stands for, kept for a month: what was wrong, no token, nothing about a person.

The log has the same. This is for those who have no log at hand: administrators and operators look it up.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import datetime, timedelta

import structlog
from flask import Flask, current_app, g
from sqlalchemy import ForeignKey, String, delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lti_tool import clock
from lti_tool.database import Base, transaction
from lti_tool.lti.tables import ID_LENGTH

KEPT = timedelta(days=30)
SWEEP_ONE_IN = 50
# A flood of refused requests must not become a flood of writes: what is beyond stands in the log alone.
MOST_A_MINUTE = 120
DETAIL_LENGTH = 300

log = structlog.get_logger(__name__)


class Incident(Base):
    """One error page that somebody saw. What is not known of the place is empty."""

    __tablename__ = "incident"

    reference: Mapped[str] = mapped_column(String(12), primary_key=True)
    code: Mapped[str] = mapped_column(String(60))
    detail: Mapped[str] = mapped_column(String(DETAIL_LENGTH))
    registration_id: Mapped[int | None] = mapped_column(
        ForeignKey("lti_registration.id", ondelete="CASCADE"), index=True
    )
    deployment_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(index=True)


class _Limit:
    """How many incidents this process has kept in the present minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute, self._count = 0, 0

    def allows(self) -> bool:
        minute = int(time.monotonic() // 60)
        with self._lock:
            self._count = self._count + 1 if minute == self._minute else 1
            self._minute = minute
            return self._count <= MOST_A_MINUTE


def register(app: Flask) -> None:
    """Give `app` its limit."""
    app.extensions["incidents"] = _Limit()


def keep(reference: str, code: str, detail: str) -> None:
    """Keep what the present request's error page says, in a transaction of its own; never fails."""
    if not current_app.extensions["incidents"].allows():
        return
    visit = g.get("visit")
    incident = Incident(
        reference=reference,
        code=code,
        detail=detail[:DETAIL_LENGTH],
        registration_id=g.get("lti_registration_id"),
        deployment_id=g.get("lti_deployment_id"),
        tenant_id=visit.tenant_id if visit is not None else None,
        at=clock.wall(),
    )
    try:
        with transaction() as session:
            # A deployment that waits is told by the same reference each time.
            session.merge(incident)
            if secrets.randbelow(SWEEP_ONE_IN) == 0:
                sweep(session)
    except SQLAlchemyError as error:
        # The page with the reference matters more, and the log has it too.
        log.warning("reference not kept", reference=reference, reason=type(error).__name__)


def sweep(session: Session) -> None:
    """Remove what is older than a month."""
    session.execute(delete(Incident).where(Incident.at < clock.wall() - KEPT))
