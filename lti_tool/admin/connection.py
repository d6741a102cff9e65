"""The page of an institution's administrator: whether its LMS and Peerloop work together, in plain words."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import settings
from lti_tool.admin import browser, checking, references, view
from lti_tool.admin.checking import Target
from lti_tool.database import db
from lti_tool.roster.tables import Course, Tenant
from lti_tool.web.gate import Access, allow, current_visit, row_id

blueprint = Blueprint("connection", __name__, url_prefix="/v/<visit>/connection", template_folder="templates")


@blueprint.get("")
@allow(Access.ADMIN)
def show() -> ResponseReturnValue:
    """This tenant's registration, deployments, launches, checks and rosters; nobody else's."""
    visit, session = current_visit(), db.session()
    seen = view.of_tenant(session, session.get_one(Tenant, visit.tenant_id))
    return render_template(
        "admin/connection.html",
        view=seen,
        browser=browser.lines(visit),
        check_action=url_for("connection.check"),
        lookup_action=url_for("connection.reference"),
        refusals=references.lately_of_tenant(session, seen.tenant),
        usual_course_id=_usual_course_id(session),
        base_url=settings.current().base_url,
    )


@blueprint.post("/check")
@allow(Access.ADMIN)
def check() -> ResponseReturnValue:
    """Ask for a check in one of this tenant's courses."""
    session, tenant_id = db.session(), current_visit().tenant_id
    tenant = session.get_one(Tenant, tenant_id)
    checking.request(session, Target(tenant.registration_id, tenant_id), chosen_course(session, tenant_id).id)
    return redirect(url_for("connection.show"), code=303)


@blueprint.get("/reference")
@allow(Access.ADMIN)
def reference() -> ResponseReturnValue:
    """What a reference stands for that somebody of this institution read on an error page."""
    session, text = db.session(), request.args.get("reference", "")
    return render_template(
        "admin/reference.html",
        told=references.look_up(session, text, session.get_one(Tenant, current_visit().tenant_id)),
        text=text,
        lookup_action=url_for("connection.reference"),
        trail=[(_("LMS connection"), url_for("connection.show"))],
    )


def chosen_course(session: Session, tenant_id: int) -> Course:
    """The course that a form names. Answers 404 unless it is one of this tenant's."""
    try:
        course = session.get(Course, row_id(request.form.get("course", "")))
    except ValueError:
        course = None
    if course is None or course.tenant_id != tenant_id:
        abort(404)
    return course


def _usual_course_id(session: Session) -> int:
    """The course from which the administrator came, if it has something to check; else another of theirs."""
    visit = current_visit()
    here = session.get_one(Course, visit.course_id)
    if here.line_items_url is not None and here.memberships_url is not None:
        return here.id
    usual = checking.usual_course(session, visit.tenant_id)
    return usual.id if usual else here.id
