"""Blackboard Learn, by Anthology. Sources: BB is its developer documentation."""

from typing import Any, ClassVar

from lti_tool.sandbox.families.standard import Addresses, Standard
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.refusals import OAuthError, ServiceError
from lti_tool.sandbox.vocabulary import MEDIA_ITEM, MEDIA_SCORE, MEMBERSHIP, NRPS_CLAIM, SCOPE_ROSTER

AUDIENCE = "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken"
READ_ONLY = ("id", "resourceLinkId")


class Blackboard(Standard):
    """One issuer, one client id and one token address for every institution."""

    name = "blackboard"
    product = "BlackboardLearn"  # BB, sample JWT content
    issuer = "https://blackboard.com"
    takes_address = False  # BB, registration: on the developer portal
    addresses = Addresses(  # BB, registration and sample JWT content
        auth="/api/v1/gateway/oidcauth",
        token="/api/v1/gateway/oauth2/jwttoken",  # noqa: S106  an address
        jwks="/api/v1/management/applications/<client_id>/jwks.json",
        memberships="/learn/api/v1/lti/external/namesandroles/<course_id>",
        line_items="/learn/api/v1/lti/courses/<course_id>/lineItems",
        line_item="/learn/api/v1/lti/courses/<course_id>/lineItems/_<int:item_id>_1",
        groups="/learn/api/v1/lti/courses/<course_id>/groups",
        group_sets="/learn/api/v1/lti/courses/<course_id>/groupsets",
    )
    role_uris: ClassVar = Standard.role_uris | {
        # The standard lets a platform name a sub-role alone.
        "ta": [f"{MEMBERSHIP}/Instructor#TeachingAssistant"],
    }
    algorithms = ("RS256", "RS512")  # BB, OAuth 2
    refused_client = 400
    unknown_variables = frozenset({"$Person.address.timezone"})
    storage = Storage.APART  # BB, postMessage: the frame's name is in the answer to lti.capabilities
    item_query = False
    score_types = (MEDIA_ITEM, MEDIA_SCORE)  # BB, grades: the examples send a score as a line item

    def login(self, fields: dict[str, str]) -> dict[str, str]:
        """BB, login: the client need not be named."""
        return {name: value for name, value in fields.items() if name not in ("client_id", "lti_deployment_id")}

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        """BB, names and roles: the service names its scope."""
        if NRPS_CLAIM in claims:
            claims[NRPS_CLAIM]["scope"] = [SCOPE_ROSTER]
        return claims

    def check_audience(self, audience: object, _token_url: str) -> None:
        """BB, OAuth 2: the same for every institution, wherever the token is asked for."""
        if audience not in (AUDIENCE, [AUDIENCE]):
            raise OAuthError("invalid_request", f"aud must be {AUDIENCE}")

    def check_new_item(self, body: dict[str, Any]) -> None:
        """BB, line items: no link can be named, and points are whole."""
        if "resourceLinkId" in body:
            raise ServiceError(400, "resourceLinkId cannot be set")
        if not isinstance(body["scoreMaximum"], int):
            raise ServiceError(400, "scoreMaximum must be an integer")

    def check_changed_item(self, body: dict[str, Any]) -> None:
        """BB, line items: members that can only be read must not be sent."""
        for name in READ_ONLY:
            if name in body:
                raise ServiceError(400, f"{name} is read-only")

    def result(self, result: dict[str, Any]) -> dict[str, Any]:
        """BB, results: an empty comment where there is none."""
        return {"comment": ""} | result
