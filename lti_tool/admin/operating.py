"""The operator's pages: every LMS and every institution, reached by `peerloop admin link`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lti_tool import settings
from lti_tool.admin import checking, overview, references, standing, view
from lti_tool.admin.checking import Target
from lti_tool.admin.connection import chosen_course
from lti_tool.database import db, transaction
from lti_tool.lti import registrations, waiting
from lti_tool.lti.deployments import NotWaitingError
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import LtiDeployment
from lti_tool.roster import admission
from lti_tool.roster.tables import Tenant
from lti_tool.web import operators
from lti_tool.web.gate import Access, allow
from lti_tool.web.navigation import Link

blueprint = Blueprint("operator", __name__, url_prefix="/operator", template_folder="templates")


@blueprint.get("/enter/<secret>")
@allow(Access.PUBLIC)
def enter(secret: str) -> ResponseReturnValue:
    """The link from the terminal: good once."""
    if request.method == "HEAD":
        return ""  # whoever only looks where the link leads must not use it up
    with transaction() as session:
        cookie = operators.open_link(session, secret)
    response = make_response(redirect(url_for("operator.show"), code=303))
    response.headers["Cache-Control"] = "no-store"
    operators.set_cookie(response, cookie)
    return response


@blueprint.post("/leave")
@allow(Access.OPERATOR)
def leave() -> ResponseReturnValue:
    """End the visit."""
    operators.leave(db.session(), g.operator)
    return page("admin/operator/left.html")


@blueprint.get("/")
@allow(Access.OPERATOR)
def show() -> ResponseReturnValue:
    """Every registered LMS, a page at a time."""
    text = "".join(letter for letter in request.args.get("q", "")[:100] if letter.isprintable()).strip()
    found = overview.platforms(db.session(), text=text, page=request.args.get("page", 1, type=int))
    return page("admin/operator/platforms.html", found=found, text=text, new=waiting.count(db.session()))


@blueprint.get("/platforms/<int:registration_id>")
@allow(Access.OPERATOR)
def platform(registration_id: int) -> ResponseReturnValue:
    """One registration: its addresses, deployments and institutions."""
    session, registration = db.session(), _registration(registration_id)
    return page(
        "admin/operator/platform.html",
        registration=registration,
        deployments=registrations.deployments(registration_id),
        tenants=overview.tenants(session, registration_id),
        checked=view.checked(session, registration),
        refusals=references.lately(session, registration_id),
        standing=standing.of_platform(session, registration_id),
        base_url=settings.current().base_url,
    )


@blueprint.post("/platforms/<int:registration_id>/check")
@allow(Access.OPERATOR)
def check_platform(registration_id: int) -> ResponseReturnValue:
    """Ask for a check of a registration from which nobody has been launched yet."""
    checking.request(db.session(), Target(_registration(registration_id).id), None)
    return redirect(url_for("operator.platform", registration_id=registration_id), code=303)


@blueprint.post("/deployments/<reference>/approve")
@allow(Access.OPERATOR)
def approve(reference: str) -> ResponseReturnValue:
    """Accept the deployment that waits under this reference."""
    return _decided(admission.approve, reference)


@blueprint.post("/deployments/<reference>/dismiss")
@allow(Access.OPERATOR)
def dismiss(reference: str) -> ResponseReturnValue:
    """Take it off the list; nothing of it was kept, and its next launch waits anew."""
    return _decided(admission.dismiss, reference)


def _decided(decide: Callable[[Session, str], LtiDeployment], reference: str) -> ResponseReturnValue:
    try:
        row = decide(db.session(), reference)
    except NotWaitingError:
        abort(409)  # another operator was quicker
    return redirect(url_for("operator.platform", registration_id=row.registration_id), code=303)


@blueprint.get("/institutions/<int:tenant_id>")
@allow(Access.OPERATOR)
def tenant(tenant_id: int) -> ResponseReturnValue:
    """One institution, as its own administrators see it."""
    session, row = db.session(), _tenant(tenant_id)
    usual = checking.usual_course(session, row.id)
    return page(
        "admin/operator/tenant.html",
        view=view.of_tenant(session, row),
        refusals=references.lately_of_tenant(session, row),
        usual_course_id=usual.id if usual else None,
        base_url=settings.current().base_url,
    )


@blueprint.post("/institutions/<int:tenant_id>/check")
@allow(Access.OPERATOR)
def check_tenant(tenant_id: int) -> ResponseReturnValue:
    """Ask for a check in one of the institution's courses."""
    session, row = db.session(), _tenant(tenant_id)
    checking.request(session, Target(row.registration_id, row.id), chosen_course(session, row.id).id)
    return redirect(url_for("operator.tenant", tenant_id=tenant_id), code=303)


@blueprint.get("/reference")
@allow(Access.OPERATOR)
def reference() -> ResponseReturnValue:
    """What a reference stands for that somebody read on an error page."""
    text = request.args.get("reference", "")
    return page(
        "admin/reference.html",
        told=references.look_up(db.session(), text, None),
        text=text,
        lookup_action=url_for("operator.reference"),
        trail=[(_("LMSs"), url_for("operator.show"))],
    )


def _registration(registration_id: int) -> Registration:
    return registrations.get(registration_id) or abort(404)


def _tenant(tenant_id: int) -> Tenant:
    return db.session.get(Tenant, tenant_id) or abort(404)


def page(template: str, **values: Any) -> str:
    """One of the operator's pages, with the way to the others."""
    on_new = request.endpoint in {"operator.new", "operator.invite"}
    links = [
        Link(str(_("LMSs")), url_for("operator.show"), current=not on_new),
        Link(str(_("New LMSs")), url_for("operator.new"), current=on_new),
    ]
    return render_template(template, nav=links, program_name="Peerloop", **values)
