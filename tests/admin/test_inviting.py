"""The operator invites LMSs in a browser, and decides about those that registered themselves."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.database import db, transaction
from lti_tool.lti import invitations, registrations, waiting
from lti_tool.lti.launch import Role
from lti_tool.lti.tables import LtiInvitation, LtiPendingRegistration
from lti_tool.lti.waiting import Agreement
from tests.admin.test_operating import enter, seen, send
from tests.support import factories

PAGE = "/operator/new"
LMS = Agreement(
    name="Northfield College",
    issuer="https://canvas.instructure.com",
    client_id="10000000000042",
    auth_url="https://canvas.northfield.test/api/lti/authorize_redirect",
    token_url="https://canvas.northfield.test/login/oauth2/token",
    jwks_url="https://canvas.northfield.test/api/lti/security/jwks",
    audience="https://canvas.northfield.test/login/oauth2/token",
    family="canvas",
    deployment_id=None,
)


def waits(agreement: Agreement = LMS, *, invitation: str | None = None, doubt: bool = False) -> str:
    """Let a registration wait; its reference."""
    with transaction() as session:
        pending = waiting.add(session, agreement, host="canvas.northfield.test", doubt=doubt, invitation=invitation)
        return pending.reference


def actions() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_the_operator_makes_an_invitation_and_sees_its_address_once(app: Flask) -> None:
    client = enter(app)
    assert "Invite an LMS" in seen(client)
    made = send(client, PAGE, PAGE, note="Northfield", host="https://lms.northfield.test/login", days="3")
    assert made.headers["Cache-Control"] == "no-store"
    found = re.search(r'value="(http[^"]+/lti/register\?invitation=([^"]+))"', made.get_data(as_text=True))
    assert found is not None
    assert client.get(found[1]).status_code == 200
    db.session.rollback()
    row = db.session.scalars(select(LtiInvitation)).one()
    assert (row.note, row.host) == ("Northfield", "lms.northfield.test")
    assert (row.expires_at - row.created_at).days in {2, 3}
    later = seen(client, PAGE)
    assert "Northfield" in later
    assert unescape(found[2]) not in later
    [entry] = db.session.scalars(select(AuditEntry))
    assert entry.action == "invitation.made"
    assert found[2] not in str(entry.after)


@pytest.mark.parametrize(
    ("field", "value"), [("note", "n" * 201), ("host", "north field"), ("days", "91"), ("days", "soon")]
)
def test_a_wrong_wish_is_sent_back_with_what_was_typed(app: Flask, field: str, value: str) -> None:
    fields = {"note": "For Northfield", "host": "lms.northfield.test", "days": "7", field: value}
    refused = send(enter(app), PAGE, PAGE, **fields)
    assert refused.status_code == 400
    page = unescape(refused.get_data(as_text=True))
    assert f'id="field-{field}-error"' in page
    assert f'href="#field-{field}"' in page
    assert fields["note"] in page
    assert fields["host"] in page
    assert actions() == []


def test_an_invitation_that_went_to_the_wrong_person_is_withdrawn(app: Flask) -> None:
    with transaction() as session:
        invitation, secret = invitations.invite(session, days=3, note="Northfield")
        number = invitation.id
    client = enter(app)
    page = send(client, f"/operator/invitations/{number}/withdraw", PAGE)
    assert "Northfield" not in page.get_data(as_text=True)
    db.session.rollback()
    assert not invitations.is_open(db.session(), secret)
    assert send(client, f"/operator/invitations/{number}/withdraw", PAGE).status_code == 409
    assert actions() == ["invitation.withdrawn"]


def test_the_operator_reads_what_is_needed_to_decide(app: Flask) -> None:
    client, reference = enter(app), waits(invitation="Northfield, Ms Okafor", doubt=True)
    assert "1 new LMS waits for approval" in seen(client)
    page = seen(client, PAGE)
    for fact in (reference, "Northfield, Ms Okafor", "canvas.northfield.test", "nothing shows whose LMS", LMS.issuer):
        assert fact in page
    assert LMS.client_id in page
    with transaction() as session:
        waiting.take(session, reference)
    waits()
    assert "Without an invitation" in seen(client, PAGE)


def test_the_operator_accepts_a_registration(app: Flask) -> None:
    client, reference = enter(app), waits()
    page = send(client, f"/operator/registrations/{reference}/approve", PAGE)
    assert "Northfield College" in page.get_data(as_text=True)
    db.session.rollback()
    [made] = registrations.every()
    assert (made.issuer, made.client_id) == (LMS.issuer, LMS.client_id)
    assert send(client, f"/operator/registrations/{reference}/approve", PAGE).status_code == 409
    assert actions() == ["registration.approved"]


def test_a_registration_that_was_made_meanwhile_says_so_and_still_waits(app: Flask) -> None:
    client, reference = enter(app), waits()
    with transaction() as session:
        waiting.conclude(session, LMS)
    refused = send(client, f"/operator/registrations/{reference}/approve", PAGE)
    assert refused.status_code == 409
    assert "registered already" in refused.get_data(as_text=True)
    assert reference in seen(client, PAGE)
    assert actions() == []


def test_the_operator_dismisses_a_registration(app: Flask) -> None:
    client, reference = enter(app), waits()
    page = send(client, f"/operator/registrations/{reference}/dismiss", PAGE)
    assert reference not in page.get_data(as_text=True)
    db.session.rollback()
    assert registrations.every() == []
    assert db.session.scalars(select(LtiPendingRegistration)).all() == []
    assert send(client, f"/operator/registrations/{reference}/dismiss", PAGE).status_code == 409
    assert actions() == ["registration.dismissed"]


def test_an_administrator_of_an_institution_sees_neither(app: Flask) -> None:
    waits(invitation="Northfield, Ms Okafor")
    course = factories.make_course()
    admin = factories.visit(app, course, factories.make_people(course, 1)[0], Role.NONE, is_admin=True)
    admin.bring_cookie()
    page = admin.get("/connection")
    assert page.status_code == 200
    assert "Northfield" not in page.get_data(as_text=True)
    assert admin.client.get(PAGE).status_code == 401
