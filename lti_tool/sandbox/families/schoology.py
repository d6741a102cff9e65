"""Schoology, by PowerSchool. Sources: SCHO is its developer documentation."""

from typing import ClassVar

from lti_tool.sandbox.families.standard import Addresses, Standard


class Schoology(Standard):
    """One service for all schools; what its grades do differently is not known."""

    name = "schoology"
    product = "schoology"
    issuer = "https://schoology.schoology.com"  # SCHO, security
    takes_address = False  # SCHO: entered by hand
    addresses = Addresses(  # SCHO, security
        auth="/lti-service/authorize-redirect",
        token="/lti-service/access-token",  # noqa: S106  an address
        jwks="/lti-service/.well-known/jwks",
        memberships="/lti-service/courses/<course_id>/memberships",
        line_items="/lti-service/courses/<course_id>/lineitems",
        line_item="/lti-service/courses/<course_id>/lineitems/<int:item_id>",
    )
    custom: ClassVar = {}  # SCHO, deep linking: only what a deep-linked item brought
    item_query = False
    roster_page = 100
    largest_page = 100  # SCHO, names and roles
