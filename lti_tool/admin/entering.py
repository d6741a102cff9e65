"""Entering an LMS by hand, for those that take no registration address or show what to enter elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lti_tool import settings
from lti_tool.admin.operating import blueprint, page
from lti_tool.database import db
from lti_tool.lti import addresses
from lti_tool.lti.families import FAMILIES, Standard
from lti_tool.lti.registrations import ADDRESSES, LENGTHS, DuplicateRegistrationError
from lti_tool.roster import admission
from lti_tool.web.gate import Access, allow

OPTIONAL = frozenset({"audience", "deployment_id"})


@blueprint.get("/new/by-hand")
@allow(Access.OPERATOR)
def by_hand() -> ResponseReturnValue:
    """The form for what an LMS shows of itself."""
    return _show({}, {})


@blueprint.post("/new/by-hand")
@allow(Access.OPERATOR)
def enter_by_hand() -> ResponseReturnValue:
    """Register the LMS that is described by the fields of `LENGTHS` and `family`."""
    typed = {name: request.form.get(name, "").strip() for name in (*LENGTHS, "family")}
    errors = _errors(typed)
    if errors:
        return _show(typed, errors), 400
    try:
        described = {name: value or None for name, value in typed.items()}
        deployment_id = described.pop("deployment_id")
        made = admission.enter(db.session(), **described, deployment_ids=[deployment_id] if deployment_id else [])
    except DuplicateRegistrationError:
        db.session.rollback()
        return _show(typed, {"client_id": _("This issuer and client id are registered already.")}), 409
    return redirect(url_for("operator.platform", registration_id=made.id), code=303)


def _errors(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by field."""
    errors = {}
    for name, longest in LENGTHS.items():
        value = typed[name]
        if not value and name in OPTIONAL:
            continue
        if not value or not value.isprintable() or len(value) > longest:
            errors[name] = _("Write one line of 1 to %(longest)s characters.", longest=longest)
        elif name in ADDRESSES and not _is_address(value):
            errors[name] = _("Paste the whole address, which begins with https://.")
    if typed["family"] not in FAMILIES:
        errors["family"] = _("Choose one of these.")
    return errors


def _is_address(value: str) -> bool:
    try:
        addresses.check_form(value, allow_private=settings.current().allow_private_platforms)
    except addresses.AddressError:
        return False
    return True


def _show(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return page(
        "admin/operator/by_hand.html",
        typed=typed,
        families=[(name, name.capitalize() if name != Standard.name else _("another one")) for name in FAMILIES],
        errors=errors,
        summary=[(f"field-{name}", words) for name, words in errors.items()],
    )
