"""What a page or a command tells about one tenant's LMS: registration, deployments, launches, checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from lti_tool import settings
from lti_tool.admin import checking, words
from lti_tool.admin.checking import Target
from lti_tool.admin.tables import Checkup
from lti_tool.admin.words import About, Line
from lti_tool.gradebook.tables import Column
from lti_tool.lti import registrations
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiDeployment
from lti_tool.programs.tables import Program
from lti_tool.roster.tables import Course, Enrolment, ReadingState, RosterReading, Tenant

COURSES_SHOWN = 100
LAUNCHES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CourseLine:
    """A course and the last reading of its roster, if there was any."""

    course: Course
    reading: RosterReading | None

    @property
    def has_problem(self) -> bool:
        stuck = {ReadingState.FAILED.value, ReadingState.HELD.value}
        return self.course.memberships_url is None or (self.reading is not None and self.reading.state in stuck)


@dataclass(frozen=True, slots=True)
class LaunchLine:
    """The last launch of somebody: when, from which course, in what role; not who."""

    at: datetime
    course_title: str
    role: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class BookLine:
    """The gradebook of a course with a program: when it was last read, and what stands in the way if anything."""

    course_title: str
    read_at: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """The last result of a check, in words, and whether another check is under way, or waits in vain."""

    at: datetime | None
    course_title: str | None
    lines: Sequence[Line]
    is_running: bool
    is_stuck: bool

    @property
    def problem_count(self) -> int:
        """How many steps went wrong."""
        return sum(line.sign == "need" for line in self.lines)


@dataclass(frozen=True, slots=True)
class TenantView:
    """All that is told about a tenant."""

    tenant: Tenant
    registration: Registration
    deployments: Sequence[LtiDeployment]
    launches: Sequence[LaunchLine]
    courses: Sequence[CourseLine]
    course_count: int
    books: Sequence[BookLine]
    checked: Checked

    @property
    def choices(self) -> list[tuple[int, str]]:
        """The courses that a check can be made in, as a form offers them."""
        return [(line.course.id, line.course.title) for line in self.courses]

    @property
    def problem_count(self) -> int:
        """How many things somebody should look at."""
        pending = sum(deployment.status != "active" for deployment in self.deployments)
        rosters = sum(line.has_problem for line in self.courses)
        books = sum(line.problem is not None for line in self.books)
        return self.checked.problem_count + rosters + books + pending


def of_tenant(session: Session, tenant: Tenant) -> TenantView:
    """Gather a tenant's page by a fixed number of queries."""
    registration = known_registration(tenant.registration_id)
    return TenantView(
        tenant=tenant,
        registration=registration,
        deployments=deployments(session, tenant),
        launches=_launches(session, tenant.id),
        courses=_courses(session, tenant.id),
        course_count=session.scalar(select(func.count(Course.id)).where(Course.tenant_id == tenant.id)) or 0,
        books=_books(session, tenant.id),
        checked=checked(session, registration, tenant.id),
    )


def known_registration(registration_id: int) -> Registration:
    """A registration to which a row points. Raises LookupError if it is gone."""
    registration = registrations.get(registration_id)
    if registration is None:
        raise LookupError(f"registration {registration_id} is gone")
    return registration


def checked(session: Session, registration: Registration, tenant_id: int | None = None) -> Checked:
    """The last check of a tenant, or of a registration without one, in words."""
    known = checking.standing(session, Target(registration.id, tenant_id))
    if known.last is None:
        return Checked(None, None, (), known.is_running, known.is_stuck)
    title = course_title(session, known.last)
    lines = lines_of(known.last, registration, title)
    return Checked(known.last.finished_at, title, lines, known.is_running, known.is_stuck)


def course_title(session: Session, checkup: Checkup) -> str | None:
    """The course that a check tried."""
    if checkup.course_id is None:
        return None
    return session.scalar(select(Course.title).where(Course.id == checkup.course_id))


def lines_of(checkup: Checkup, registration: Registration, title: str | None) -> list[Line]:
    """The findings of a check in the viewer's words."""
    about = About(registration, settings.current().base_url, title)
    return words.lines(checking.findings(checkup), about)


def deployments(session: Session, tenant: Tenant) -> Sequence[LtiDeployment]:
    """Those that this tenant's courses were launched from: a registration may serve other institutions too."""
    used = select(Course.deployment_id).where(Course.tenant_id == tenant.id)
    query = select(LtiDeployment).where(
        LtiDeployment.registration_id == tenant.registration_id, LtiDeployment.deployment_id.in_(used)
    )
    return session.scalars(query.order_by(LtiDeployment.id)).all()


def _launches(session: Session, tenant_id: int) -> list[LaunchLine]:
    query = (
        select(Enrolment.launched_at, Course.title, Enrolment.role, Enrolment.is_test)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Course.tenant_id == tenant_id, Enrolment.launched_at.is_not(None))
        .order_by(Enrolment.launched_at.desc())
        .limit(LAUNCHES_SHOWN)
    )
    return [
        LaunchLine(at, title, role, is_test) for at, title, role, is_test in session.execute(query) if at is not None
    ]


def _courses(session: Session, tenant_id: int) -> list[CourseLine]:
    """The courses that were opened last."""
    readings = select(func.max(RosterReading.id)).where(RosterReading.course_id == Course.id)
    last = readings.correlate(Course).scalar_subquery()
    query = (
        select(Course, RosterReading)
        .outerjoin(RosterReading, and_(RosterReading.course_id == Course.id, RosterReading.id == last))
        .where(Course.tenant_id == tenant_id)
        .order_by(Course.launched_at.desc().nulls_last(), Course.id)
        .limit(COURSES_SHOWN)
    )
    return [CourseLine(course, reading) for course, reading in session.execute(query)]


def _books(session: Session, tenant_id: int) -> list[BookLine]:
    """The gradebooks that programs are kept in, those of the last opened courses first."""
    query = (
        select(Course.title, func.max(Column.read_at), func.max(Column.problem))
        .join(Program, Program.course_id == Course.id)
        .join(Column, Column.program_id == Program.id)
        .where(Course.tenant_id == tenant_id)
        .group_by(Course.id, Course.title, Course.launched_at)
        .order_by(Course.launched_at.desc().nulls_last(), Course.id)
        .limit(COURSES_SHOWN)
    )
    return [BookLine(title, read_at, problem) for title, read_at, problem in session.execute(query)]
