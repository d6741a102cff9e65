"""Tables of the roster. A person is (tenant, subject); what they are in a course is an enrolment."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, false
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lti_tool.database import Base, unique_where
from lti_tool.lti.launch import Role
from lti_tool.lti.tables import URL_LENGTH


class Tenant(Base):
    """One institution: the deployments of a registration that share a `tool_platform.guid`.

    `key` is `guid:<guid>`, or `deployment:<deployment id>` where the platform names no instance.
    """

    __tablename__ = "tenant"
    __table_args__ = (UniqueConstraint("registration_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("lti_registration.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(300))
    name: Mapped[str] = mapped_column(String(255))
    family: Mapped[str | None] = mapped_column(String(100))
    launched_at: Mapped[datetime]


class Course(Base):
    """A course (LTI context), with the addresses of its services as the last launch stated them."""

    __tablename__ = "course"
    __table_args__ = (UniqueConstraint("tenant_id", "context_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    context_id: Mapped[str] = mapped_column(String(255))
    deployment_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(255))
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    memberships_url: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    line_items_url: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    grade_scopes: Mapped[list[str]] = mapped_column(JSON)
    groups_url: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    group_sets_url: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    # Kept to the hour: a course is read daily only while people still open it.
    launched_at: Mapped[datetime | None]
    roster_read_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship(lazy="raise_on_sql")


class CourseLink(Base):
    """A place in the course from which Peerloop is opened (LTI resource link).

    `opens` is what it leads to, in the words of the room of links; empty while nobody has said.
    """

    __tablename__ = "course_link"
    __table_args__ = (UniqueConstraint("course_id", "link_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    link_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(255))
    opens: Mapped[str | None] = mapped_column(String(100))


class Person(Base):
    """Somebody known to a tenant. What else is known of them depends on what the LMS shares."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("tenant_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    locale: Mapped[str | None] = mapped_column(String(35))
    zone: Mapped[str | None] = mapped_column(String(64))
    launched_as_admin: Mapped[bool] = mapped_column(server_default=false())


class Enrolment(Base):
    """What a person is in a course. Who has left keeps the row, with `left_at`, and keeps the work.

    `role` is what the LMS said last. A launch and the roster may differ for good (Moodle lists a non-editing
    teacher as a learner), so the roster changes it only with news: a role other than its last, `roster_role`.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("course_id", "person_id"),
        CheckConstraint("role IN ('instructor','ta','learner','mentor','none')", name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    roster_role: Mapped[str | None] = mapped_column(String(20))
    is_test: Mapped[bool]
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    launched_at: Mapped[datetime | None]
    launched_as: Mapped[str | None] = mapped_column(String(20))  # as what the last launch came: role, "+admin"
    section: Mapped[str | None] = mapped_column(String(255))  # of the course, as the last launch said
    # The last reading of the roster in which the person was seen; empty for one known by launch alone.
    reading_id: Mapped[int | None] = mapped_column(ForeignKey("roster_reading.id", ondelete="SET NULL"))
    # The reading that saw the person for the first time, or again after they had left.
    joined_reading_id: Mapped[int | None] = mapped_column(ForeignKey("roster_reading.id", ondelete="SET NULL"))

    person: Mapped[Person] = relationship(lazy="raise_on_sql")

    @hybrid_property
    def may_learn(self) -> bool:
        """Whether this person is placed in cohorts and graded. Works in queries too."""
        return self.role == Role.LEARNER and not self.is_test and self.left_at is None

    @may_learn.inplace.expression
    @classmethod
    def _may_learn(cls) -> ColumnElement[bool]:
        return and_(cls.role == Role.LEARNER.value, cls.is_test.is_(False), cls.left_at.is_(None))


class CourseGroup(Base):
    """A group of the course in the LMS, as the reading that saw it last tells; `set_name` names the group set."""

    __tablename__ = "course_group"
    __table_args__ = (UniqueConstraint("course_id", "lms_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    lms_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    set_name: Mapped[str | None] = mapped_column(String(255))
    reading_id: Mapped[int] = mapped_column(ForeignKey("roster_reading.id", ondelete="CASCADE"), index=True)


class GroupMember(Base):
    """A person in a group of the LMS. Who leaves the group or the course has no row."""

    __tablename__ = "course_group_member"

    group_id: Mapped[int] = mapped_column(ForeignKey("course_group.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("roster_reading.id", ondelete="CASCADE"), index=True)


class PersonAttribute(Base):
    """Something that the LMS does not say and cohorts are formed by: department, site, experience."""

    __tablename__ = "person_attribute"
    __table_args__ = (UniqueConstraint("course_id", "person_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(120))


class ReadingState(StrEnum):
    """How far a reading of the roster has come."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    HELD = "held"  # it would mark too many as gone; a person must say that this is right
    DISMISSED = "dismissed"  # it was held, and nobody was marked as gone


class RosterReading(Base):
    """One walk over the roster. `members` counts rows read, `leaving` those marked gone, or who would be.

    `attempts` is also the holder's proof: who claims the reading raises it, and a holder whose number is no
    longer the row's has lost the lease.
    """

    __tablename__ = "roster_reading"
    __table_args__ = (
        CheckConstraint("state IN ('requested','running','complete','failed','held','dismissed')", name="state"),
        unique_where("uq_roster_reading_one_open", "course_id", condition="state IN ('requested','running')"),
        Index("ix_roster_reading_state_try_at", "state", "try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime]
    pages: Mapped[int] = mapped_column(default=0)
    members: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    leaving: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(500))
    # Why the groups of the LMS were not read, though it offers them; the people were.
    groups_problem: Mapped[str | None] = mapped_column(String(500))
