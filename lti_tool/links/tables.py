"""Tables of links. What a link opens is stored with the link itself (see the room of the roster)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from lti_tool.database import Base
from lti_tool.lti.tables import ID_LENGTH, URL_LENGTH


class Copying(StrEnum):
    """What an instructor wants of a copied course."""

    TAKEN_OVER = "taken over"  # the plan and texts of the old course's program
    AFRESH = "afresh"


class CourseCopy(Base):
    """A course that is a copy of one with a program, and what its instructor decided (empty: not yet).

    `origin_id` is the course about which they decided; before, the first that anybody was offered.
    """

    __tablename__ = "course_copy"
    __table_args__ = (
        CheckConstraint("decision IN ('taken over','afresh')", name="decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
    )

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), primary_key=True)
    origin_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    decision: Mapped[str | None] = mapped_column(String(20))
    decided_at: Mapped[datetime | None]


class DeepLinkingRequest(Base):
    """An LMS's wish that somebody choose links, and what they chose. It can be answered once.

    `data` is the LMS's own and goes back with the answer. `chosen` holds what the links open, as texts.
    """

    __tablename__ = "deep_linking_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("lti_registration.id", ondelete="CASCADE"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    deployment_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    return_url: Mapped[str] = mapped_column(String(URL_LENGTH))
    targets: Mapped[list[str]] = mapped_column(JSON)
    many: Mapped[bool]
    line_items: Mapped[bool]
    auto_create: Mapped[bool]
    title: Mapped[str | None] = mapped_column(String(255))
    text: Mapped[str | None] = mapped_column(String(255))
    data: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    chosen: Mapped[list[str]] = mapped_column(JSON, default=list)
