"""Blackboard Learn, by Anthology."""

from __future__ import annotations

import math
from typing import Any

from flask_babel import gettext as _

from lti_tool.lti.families.places import Places
from lti_tool.lti.families.standard import Standard


class Blackboard(Standard):
    """One issuer, one client id and one token address for every institution."""

    name = "blackboard"
    codes = ("blackboard", "blackboardlearn")

    @property
    def places(self) -> Places:
        """An administrator finds Peerloop under LTI Tool Providers; its addresses lie in the developer portal.

        Source: BB, registration; setup guides of Instructure and other tool makers.
        """
        return Places(
            tool=_("Administrator Panel → Integrations → LTI Tool Providers → Peerloop → Edit"),
            addresses=_(
                "the client id; the addresses of both sides stand in the application at developer.blackboard.com"
            ),
            roster=_("Institution Policies → “Allow Membership Service Access”: Yes"),
            grades=_("Institution Policies → “Allow grade service access”: Yes"),
        )

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
