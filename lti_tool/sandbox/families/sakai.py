"""Sakai. Sources: SAKAI is the documentation and the source of its LTI."""

from typing import ClassVar

from lti_tool.sandbox.families.standard import Addresses, Standard, several
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.refusals import OAuthError
from lti_tool.sandbox.vocabulary import MEMBERSHIP

EXTENSION = "https://www.sakailms.org/spec/lti-ags/v2p0/"


class Sakai(Standard):
    """Lists the columns of others too, and spells an assistant's role in a way of its own."""

    name = "sakai"
    product = "sakai"
    addresses = Addresses(  # SAKAI, external tools
        auth="/imsoidc/lti13/oidc_auth",
        token="/imsblis/lti13/token/1",  # noqa: S106  an address
        jwks="/imsblis/lti13/keyset",
        memberships="/imsblis/lti13/namesandroles/<course_id>",
        line_items="/imsblis/lti13/lineitems/<course_id>",
        line_item="/imsblis/lti13/lineitems/<course_id>/<int:item_id>",
    )
    role_uris: ClassVar = Standard.role_uris | {
        "ta": [f"{MEMBERSHIP}#Instructor#TeachingAssistant"],  # SAKAI, LTIROLES
    }
    longest_assertion = 660  # SAKAI, token validator: ten minutes, and one of patience
    storage = Storage.PARENT  # SAKAI, postMessage
    item_query = False
    link_filters = ("resource_link_id", "lti_link_id")  # SAKAI, gradebook
    foreign_column: ClassVar = {f"{EXTENSION}readOnly": True}  # SAKAI, whole-gradebook reading

    def check_audience(self, audience: object, token_url: str) -> None:
        """SAKAI, token validator: its token address must be among them."""
        if token_url not in several(audience):
            raise OAuthError("invalid_client", f"aud must contain {token_url}", self.refused_client)
