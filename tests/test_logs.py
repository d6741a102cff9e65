"""Logs help to find what happened and give nothing away."""

from __future__ import annotations

import pytest

from lti_tool import logs


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
