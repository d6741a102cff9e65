"""Where a column's scores go: its line item, the course's service, and the way to the LMS."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.gradebook.retries import later
from lti_tool.gradebook.tables import Column
from lti_tool.lti import registrations, wire
from lti_tool.lti.connection import Connection
from lti_tool.lti.grades import LineItem
from lti_tool.lti.launch import GradeService
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Tenant


@dataclass(frozen=True, slots=True)
class Place:
    """One column in its LMS; holds nothing of a database session, so that it may be used between transactions."""

    column_id: int
    course_id: int
    maximum: float
    item: LineItem
    service: GradeService
    connection: Connection
    review_url: str
    """To which a cell's id is added."""

    @property
    def url(self) -> str:
        """The line item's address. Raises LookupError while there is none."""
        if self.item.id is None:
            raise LookupError(f"column {self.column_id} has no line item yet")
        return self.item.id

    @property
    def in_flight(self) -> int:
        """How many calls this LMS takes at a time."""
        return self.connection.registration.rules.concurrency


def of(session: Session, column: Column) -> Place:
    """The place of `column`, read in the caller's transaction."""
    course, registration_id = session.execute(
        select(Course, Tenant.registration_id)
        .join(Tenant, Tenant.id == Course.tenant_id)
        .join(Program, Program.course_id == Course.id)
        .where(Program.id == column.program_id)
    ).one()
    registration = registrations.get(registration_id)
    if registration is None:
        raise LookupError(f"registration {registration_id} of course {course.id} is gone")
    return Place(
        column_id=column.id,
        course_id=course.id,
        maximum=column.maximum,
        item=LineItem(column.label, column.maximum, column.resource_id, column.tag, id=column.line_item_url),
        service=GradeService(course.line_items_url, None, frozenset(course.grade_scopes)),
        connection=wire.connect(registration, course.deployment_id),
        review_url=wire.link_url("review/"),
    )


def free(table: type, now: object) -> ColumnElement[bool]:
    """Rows that nobody works on."""
    return or_(table.leased_until.is_(None), table.leased_until <= now)  # type: ignore[attr-defined]  # both tables have it


def rest(session: Session, registration_id: int, seconds: float) -> None:
    """Let all columns of a platform rest."""
    courses = select(Program.id).join(Course).join(Tenant).where(Tenant.registration_id == registration_id)
    until = later(clock.wall(), seconds)
    session.execute(
        update(Column)
        .where(Column.program_id.in_(courses), Column.try_at < until)
        .values(try_at=until)
        .execution_options(synchronize_session=False)
    )
