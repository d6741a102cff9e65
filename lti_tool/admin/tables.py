"""Tables of the administrators: what the last check of an LMS found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from lti_tool.database import Base


class CheckupState(StrEnum):
    """How far a check has come."""

    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"


class Checkup(Base):
    """One check of a tenant's LMS, or of a registration from which nobody has been launched yet.

    `attempts` is also the holder's proof, as with a reading of the roster. `findings` are those of `lti.checkup`.
    """

    __tablename__ = "checkup"
    __table_args__ = (
        CheckConstraint("state IN ('requested','running','done')", name="state"),
        Index("ix_checkup_registration_id_tenant_id", "registration_id", "tenant_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("lti_registration.id", ondelete="CASCADE"))
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id", ondelete="SET NULL"))
    may_write: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10))
    asked_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
