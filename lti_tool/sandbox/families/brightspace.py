"""Brightspace, by D2L. Sources: D2L is its Knowledge Base, the developer FAQ of LTI Advantage above all."""

import time
from dataclasses import replace
from typing import Any, ClassVar

from lti_tool.sandbox.families.standard import Addresses, Grade, Standard
from lti_tool.sandbox.refusals import OAuthError
from lti_tool.sandbox.score import Score
from lti_tool.sandbox.vocabulary import MEMBERSHIP, PERSON

AUDIENCE = "https://api.brightspace.com/auth/token"


class Brightspace(Standard):
    """Has an audience of its own for tokens, and may hide people in the roster (see `tools.known_only`)."""

    name = "brightspace"
    product = "desire2learn"
    addresses = Addresses(  # D2L, registration
        auth="/d2l/lti/authenticate",
        token="/core/connect/token",  # noqa: S106  an address
        jwks="/d2l/.well-known/jwks",
        memberships="/d2l/api/lti/nrps/2.0/deployment/1/orgunit/<course_id>/memberships",
        line_items="/d2l/api/lti/ags/2.0/deployment/1/orgunit/<course_id>/lineitems",
        line_item="/d2l/api/lti/ags/2.0/deployment/1/orgunit/<course_id>/lineitems/<int:item_id>",
    )
    admin_roles: ClassVar = [f"{MEMBERSHIP}#Administrator", f"{PERSON}#Administrator"]
    shown_audience = AUDIENCE
    refused_client = 400
    reads_jti_once = False  # D2L, developer FAQ
    unknown_variables = frozenset({"$Person.address.timezone"})  # D2L, list of variables
    item_query = False
    ungradable = 422  # D2L, developer FAQ: for a role without "Can be graded in Grades"

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        """D2L, launch: a token is not valid before it is made."""
        return claims | {"nbf": int(time.time())}

    def key_set(self, keys: dict[str, Any]) -> dict[str, Any]:
        """D2L, key set: keys without `alg`."""
        return {"keys": [{name: value for name, value in key.items() if name != "alg"} for key in keys["keys"]]}

    def check_audience(self, audience: object, _token_url: str) -> None:
        """D2L, registration: the string that the page shows; several in a list end in an error of the server."""
        if isinstance(audience, list) and len(audience) > 1:
            raise OAuthError("server_error", "internal server error", 500)
        if audience not in (AUDIENCE, [AUDIENCE]):
            raise OAuthError("invalid_client", f"aud must be {AUDIENCE}", self.refused_client)

    def graded(self, score: Score, maximum: float, before: Grade) -> Grade:
        """D2L, grades: unless "Can Exceed" is on, no more than the maximum."""
        grade = super().graded(score, maximum, before)
        return grade if grade.score is None else replace(grade, score=min(grade.score, maximum))
