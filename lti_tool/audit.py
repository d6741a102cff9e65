"""Who changed what, when and why: one append-only table, written in the transaction of the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from lti_tool import clock
from lti_tool.database import Base


class AuditEntry(Base):
    """One change. `actor_id` is empty when Peerloop itself acted (a job, a command)."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject_subject_id", "subject", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    before: Mapped[Any] = mapped_column(JSON, nullable=True)
    after: Mapped[Any] = mapped_column(JSON, nullable=True)
    why: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[datetime]


def record(
    session: Session,
    action: str,
    subject: str,
    subject_id: int,
    *,
    course_id: int | None,
    actor_id: int | None,
    before: object = None,
    after: object = None,
    why: str | None = None,
) -> None:
    """Add an entry to the caller's transaction. `before` and `after` are plain JSON values."""
    session.add(
        AuditEntry(
            course_id=course_id,
            actor_id=actor_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            before=before,
            after=after,
            why=why,
            at=clock.wall(),
        )
    )
