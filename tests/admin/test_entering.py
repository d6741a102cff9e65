"""The operator enters an LMS by hand."""

from __future__ import annotations

from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from lti_tool.audit import AuditEntry
from lti_tool.database import db
from lti_tool.lti import registrations
from tests.admin.test_operating import enter, send

PAGE = "/operator/new/by-hand"
FIELDS = {
    "name": "Northfield College",
    "family": "schoology",
    "issuer": "https://schoology.schoology.com",
    "client_id": "7021",
    "auth_url": "https://lti-service.svc.schoology.com/lti-service/authorize-redirect",
    "token_url": "https://lti-service.svc.schoology.com/lti-service/access-token",
    "jwks_url": "https://lti-service.svc.schoology.com/lti-service/.well-known/jwks",
    "deployment_id": "7021-1",
    "audience": "",
}


def test_an_lms_that_was_entered_stands_there_with_what_to_enter_in_it(app: Flask) -> None:
    client = enter(app)
    page = unescape(send(client, PAGE, PAGE, **FIELDS).get_data(as_text=True))
    db.session.rollback()
    [found] = registrations.of_issuer(FIELDS["issuer"], FIELDS["client_id"])
    assert (found.name, found.family, found.jwks_url) == ("Northfield College", "schoology", FIELDS["jwks_url"])
    assert [row.status for row in registrations.deployments(found.id)] == ["active"]
    assert f"/lti/login/{found.id}" in page
    assert db.session.scalars(select(AuditEntry.action)).all() == ["registration.entered"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("client_id", "7" * 300),
        ("issuer", "schoology.schoology.com"),
        ("token_url", "https://user:secret@lms.test/token"),
        ("auth_url", "javascript:alert(1)"),
        ("family", "unheard of"),
    ],
)
def test_what_cannot_be_is_sent_back_with_all_that_was_typed(app: Flask, field: str, value: str) -> None:
    fields = FIELDS | {field: value}
    refused = send(enter(app), PAGE, PAGE, **fields)
    assert refused.status_code == 400
    page = unescape(refused.get_data(as_text=True))
    assert f'id="field-{field}-error"' in page
    for name in ("name", "client_id", "jwks_url", "deployment_id"):
        assert fields[name] in page
    assert registrations.every() == []


def test_an_lms_that_is_there_is_not_entered_again(app: Flask) -> None:
    client = enter(app)
    send(client, PAGE, PAGE, **FIELDS)
    again = send(client, PAGE, PAGE, **FIELDS)
    assert again.status_code == 409
    assert "registered already" in again.get_data(as_text=True)
    assert len(registrations.every()) == 1
