"""Logs help to find what happened and give nothing away."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from lti_tool import logs
from lti_tool.database import transaction
from lti_tool.roster.tables import Person
from tests.support import factories


@pytest.mark.parametrize(
    "text",
    [
        "GET /v/S3CRET-token/programs/1",
        "POST /lti/launch?state=S3CRET&x=1",
        "GET /lti/login/window?ticket=S3CRET",
        "id_token=S3CRET.abc.def",
        "token eyJhbGciOiJSUzI1NiJ9.S3CRET.signature",
        "Authorization: Bearer S3CRET",
        "GET /lti/register?invitation=S3CRET&registration_token=S3CRET",
        "openid_configuration=https%3A%2F%2Flms%2Fx%3Fregistration_token%3DS3CRET",
        "next=/v/S3CRET/people?notice=S3CRET",
    ],
)
def test_what_looks_like_a_token_is_blotted_out(text: str) -> None:
    entry = logs.blot_secrets(None, "info", {"event": text, "status": 200})
    assert "S3CRET" not in str(entry)
    assert entry["status"] == 200


def test_ordinary_words_stay() -> None:
    assert logs.blot_secrets(None, "info", {"event": "roster read: 3 pages"})["event"] == "roster read: 3 pages"


def test_an_error_of_the_database_names_nobody(any_app: Flask) -> None:  # noqa: ARG001 - its database
    course = factories.make_course()
    values = {
        "tenant_id": course.tenant_id,
        "subject": "s1",
        "name": "Maria Secretname",
        "email": "maria@example.edu",
    }
    with pytest.raises(IntegrityError) as refused, transaction() as session:
        session.execute(insert(Person), [values, values])
    assert "Secretname" not in str(refused.value)
    assert "maria@" not in str(refused.value)
