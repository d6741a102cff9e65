"""Moodle. Sources: MOODLE is the source of its mod_lti."""

from typing import Any, ClassVar

from lti_tool.sandbox.families.standard import Addresses, Standard
from lti_tool.sandbox.refusals import ServiceError
from lti_tool.sandbox.times import now_text
from lti_tool.sandbox.vocabulary import MEMBERSHIP, MESSAGE_TYPES, PERSON, PLATFORM_CONFIGURATION, SYSTEM

MEDIA_OLD_ROSTER = "application/vnd.ims.lis.v2.membershipcontainer+json"


class Moodle(Standard):
    """Its roles come from capabilities, its lists from PHP, and its clock has whole seconds."""

    name = "moodle"
    product = "moodle"
    addresses = Addresses(  # MOODLE, the type's details and services.php
        auth="/mod/lti/auth.php",
        token="/mod/lti/token.php",  # noqa: S106  an address
        jwks="/mod/lti/certs.php",
        memberships="/mod/lti/services.php/CourseSection/<course_id>/bindings/1/memberships",
        line_items="/mod/lti/services.php/<course_id>/lineitems",
        line_item="/mod/lti/services.php/<course_id>/lineitems/<int:item_id>/lineitem",
        groups="/mod/lti/services.php/<course_id>/groups",  # MOODLE, contextgroups
        group_sets="/mod/lti/services.php/<course_id>/groupsets",
    )
    # A parent is no participant of a course, and the student view is the teacher with another role.
    kinds = frozenset({"learner", "instructor", "ta"})
    # MOODLE, memberships: bare names, by a capability that a non-editing teacher lacks.
    role_uris: ClassVar = {"learner": ["Learner"], "instructor": ["Instructor"], "ta": ["Learner"]}
    admin_roles: ClassVar = [f"{MEMBERSHIP}#Instructor", f"{SYSTEM}#Administrator", f"{PERSON}#Administrator"]
    refused_client = 400  # MOODLE, token.php
    unknown_variables = frozenset({"$Person.address.timezone"})
    one_launch_at_a_time = True  # MOODLE, auth.php: one pending hint for each session
    roster_page = None  # MOODLE, memberships: everybody, unless limit says otherwise
    largest_page = None
    wrong_content = 400  # MOODLE, line items
    ungradable = 400  # MOODLE, scores

    def configuration(self, document: dict[str, Any]) -> dict[str, Any]:
        """MOODLE, openid-configuration.php: messages are bare names."""
        platform = document[PLATFORM_CONFIGURATION] | {"messages_supported": list(MESSAGE_TYPES)}
        return document | {PLATFORM_CONFIGURATION: platform}

    def privacy(self, tool: dict[str, Any]) -> str:
        """MOODLE, registration_helper: names and e-mail only where the tool asks for these claims."""
        asked = tool.get("claims", ())
        names, email = "name" in asked, "email" in asked
        return {(True, True): "public", (True, False): "name_only", (False, True): "email_only"}.get(
            (names, email), "anonymous"
        )

    def launch_roles(self, role: str, *, test_user: bool) -> list[str]:  # noqa: ARG002 - it has no test users
        """MOODLE, lti_get_ims_role: by a capability that a non-editing teacher has, unlike in the roster."""
        return [f"{MEMBERSHIP}#{'Learner' if role == 'learner' else 'Instructor'}"]

    def check_audience(self, audience: object, token_url: str) -> None:
        """MOODLE, token.php: not looked at."""

    def roster(self, container: dict[str, Any], *, accepted: bool) -> tuple[dict[str, Any], str]:
        """MOODLE, memberships: who does not ask for the present form gets the one of version 1."""
        return super().roster(container, accepted=True) if accepted else (_old_roster(container), MEDIA_OLD_ROSTER)

    def member(self, member: dict[str, Any]) -> dict[str, Any]:
        """MOODLE, memberships: no custom parameters in the message of a member."""
        for message in member.get("message", []):
            message.pop("https://purl.imsglobal.org/spec/lti/claim/custom", None)
        return member

    def next_page(self, service: str, url: str) -> str:
        """MOODLE, line items and results: the quotes around the relation are typographic."""
        if service == "memberships":
            return super().next_page(service, url)
        return f"<{url}>; rel=“next”"

    def check_time(self, timestamp: int, last: int) -> None:
        """MOODLE, scores: whole seconds are compared, so a second score within one is refused."""
        if timestamp // 1_000_000 <= last // 1_000_000:
            raise ServiceError(409, "Refusing score with an earlier timestamp for this item and user")

    def result(self, result: dict[str, Any]) -> dict[str, Any]:
        """MOODLE, results: PHP takes a grade of 0 for an empty one; each row has a time of its own."""
        shown = {name: value for name, value in result.items() if (name, value) != ("resultScore", 0)}
        return shown | {"timestamp": now_text()}


def _old_roster(container: dict[str, Any]) -> dict[str, Any]:
    """Membership service 1.0, as JSON-LD."""
    return {
        "@context": "http://purl.imsglobal.org/ctx/lis/v2/MembershipContainer",
        "@type": "Page",
        "@id": container["id"],
        "pageOf": {
            "@type": "LISMembershipContainer",
            "membershipSubject": {
                "@type": "Context",
                "contextId": container["context"]["id"],
                "membership": [
                    {"status": "Active", "role": member["roles"], "member": {"userId": member["user_id"]}}
                    for member in container["members"]
                ],
            },
        },
    }
