"""Blackboard Learn, by Anthology."""

from __future__ import annotations

import math
from typing import Any

from lti_tool.lti.families.standard import Standard


class Blackboard(Standard):
    """One issuer, one client id and one token address for every institution."""

    name = "blackboard"
    codes = ("blackboard", "blackboardlearn")

    def audience(self, _token_url: str) -> str:
        """The audience is the same for every institution, and also the token address.

        Source: BB, OAuth 2.
        """
        return "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken"

    def new_line_item(self, body: dict[str, Any]) -> dict[str, Any]:
        """A new column names no link and no review, and its maximum is a whole number.

        Source: BB, line items.
        """
        kept = {name: value for name, value in body.items() if name not in ("resourceLinkId", "submissionReview")}
        return kept | {"scoreMaximum": math.ceil(body["scoreMaximum"])}
