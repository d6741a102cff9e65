"""The operator's page of new LMSs: the registrations that wait for approval, and the invitations to register one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from lti_tool import settings
from lti_tool.admin.operating import blueprint, page
from lti_tool.database import db
from lti_tool.lti import invitations, offer, waiting
from lti_tool.lti.registrations import DuplicateRegistrationError
from lti_tool.lti.tables import NAME_LENGTH
from lti_tool.lti.waiting import NothingWaitsError
from lti_tool.roster import admission
from lti_tool.web.gate import Access, allow

DAYS = (1, 3, 7, invitations.USUAL_DAYS, 30, invitations.MOST_DAYS)


@blueprint.get("/new")
@allow(Access.OPERATOR)
def new() -> ResponseReturnValue:
    """What waits for approval, and the invitations that can be used."""
    return _show()


@blueprint.post("/new")
@allow(Access.OPERATOR)
def invite() -> ResponseReturnValue:
    """Make an invitation. Its address stands on this page alone. Fields: `note`, `host`, `days`."""
    session, errors = db.session(), _errors(request.form)
    if errors:
        return _show(form=request.form, errors=errors), 400
    invitation, secret = admission.invite(
        session,
        days=int(request.form["days"]),
        note=request.form["note"].strip(),
        host=invitations.host_in(request.form["host"]),
    )
    return _show(made=invitation, address=offer.registration_address(settings.current().base_url, secret))


@blueprint.post("/invitations/<int:number>/withdraw")
@allow(Access.OPERATOR)
def withdraw(number: int) -> ResponseReturnValue:
    """Let nobody use this invitation any more."""
    if not admission.withdraw(db.session(), number):
        abort(409)  # it has been used, or another operator was quicker
    return redirect(url_for("operator.new"), code=303)


@blueprint.post("/registrations/<reference>/approve")
@allow(Access.OPERATOR)
def approve_registration(reference: str) -> ResponseReturnValue:
    """Make a registration of what waits under this reference."""
    try:
        made = admission.approve_registration(db.session(), reference)
    except NothingWaitsError:
        abort(409)
    except DuplicateRegistrationError:
        abort(409, _("An LMS with this client id and these addresses is registered already. Dismiss this one."))
    return redirect(url_for("operator.platform", registration_id=made.id), code=303)


@blueprint.post("/registrations/<reference>/dismiss")
@allow(Access.OPERATOR)
def dismiss_registration(reference: str) -> ResponseReturnValue:
    """Forget what waits under this reference; the tool may still stand in that LMS."""
    try:
        admission.dismiss_registration(db.session(), reference)
    except NothingWaitsError:
        abort(409)
    return redirect(url_for("operator.new"), code=303)


def _errors(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a wish for an invitation, by field."""
    errors = {}
    if not invitations.is_note(form.get("note", "").strip()):
        errors["note"] = _("Write one line of at most %(longest)s characters.", longest=NAME_LENGTH)
    try:
        invitations.host_in(form.get("host", ""))
    except ValueError:
        errors["host"] = _("Write the host alone, such as lms.example.edu, or paste an address of that LMS.")
    if form.get("days") not in {str(days) for days in DAYS}:
        errors["days"] = _("Choose one of these.")
    return errors


def _show(*, form: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, **values: Any) -> str:
    session = db.session()
    return page(
        "admin/operator/new.html",
        pending=waiting.every(session),
        invitations=invitations.every(session),
        day_choices=[(days, ngettext("%(num)s day", "%(num)s days", days)) for days in DAYS],
        usual_days=invitations.USUAL_DAYS,
        longest_note=NAME_LENGTH,
        form=form or {},
        errors=errors or {},
        summary=[(f"field-{name}", words) for name, words in (errors or {}).items()],
        **values,
    )
