"""The administrator's page: whether an institution's LMS and Peerloop know each other, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from lti_tool import settings
from lti_tool.database import db
from lti_tool.lti.families import family
from lti_tool.lti.tables import LtiDeployment, LtiRegistration
from lti_tool.roster.tables import Course, ReadingState, RosterReading, Tenant
from lti_tool.web.gate import Access, allow, current_visit

COURSES_SHOWN = 100

blueprint = Blueprint("connection", __name__, url_prefix="/v/<visit>/connection", template_folder="templates")


@dataclass(frozen=True, slots=True)
class CourseLine:
    """A course and the last reading of its roster, if there was any."""

    course: Course
    reading: RosterReading | None

    @property
    def has_problem(self) -> bool:
        stuck = {ReadingState.FAILED.value, ReadingState.HELD.value}
        return self.course.memberships_url is None or (self.reading is not None and self.reading.state in stuck)


@blueprint.get("")
@allow(Access.ADMIN)
def show() -> ResponseReturnValue:
    """This tenant's registration, deployments and rosters; nobody else's."""
    session = db.session()
    tenant = session.get_one(Tenant, current_visit().tenant_id)
    registration = session.get_one(LtiRegistration, tenant.registration_id)
    lines = _lines(session, tenant.id)
    return render_template(
        "roster/connection.html",
        tenant=tenant,
        registration=registration,
        roster_advice=family(registration.family).roster_advice,
        deployments=_deployments(session, tenant),
        lines=lines,
        course_count=session.scalar(select(func.count(Course.id)).where(Course.tenant_id == tenant.id)) or 0,
        problem_count=sum(line.has_problem for line in lines),
        base_url=settings.current().base_url,
    )


def _deployments(session: Session, tenant: Tenant) -> list[LtiDeployment]:
    """Those that this tenant's courses were launched from: a registration may serve other institutions too."""
    used = select(Course.deployment_id).where(Course.tenant_id == tenant.id)
    query = select(LtiDeployment).where(
        LtiDeployment.registration_id == tenant.registration_id, LtiDeployment.deployment_id.in_(used)
    )
    return list(session.scalars(query.order_by(LtiDeployment.id)))


def _lines(session: Session, tenant_id: int) -> list[CourseLine]:
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
