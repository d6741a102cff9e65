"""What a validated launch message says, as one frozen value. Claims stop at the edge of this room.

https://www.imsglobal.org/spec/lti/v1p3#resource-link-launch-request-message
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

LINK_PATH = "/lti/launch/"

RESOURCE_LINK = "LtiResourceLinkRequest"
DEEP_LINKING = "LtiDeepLinkingRequest"
SUBMISSION_REVIEW = "LtiSubmissionReviewRequest"


class Role(StrEnum):
    """What a person may be in a course. See `roles.py` for how the standard's names map to it."""

    INSTRUCTOR = "instructor"
    TEACHING_ASSISTANT = "ta"
    LEARNER = "learner"
    MENTOR = "mentor"
    NONE = "none"


STAFF = frozenset({Role.INSTRUCTOR, Role.TEACHING_ASSISTANT})


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's place in a course, from the roles that the platform stated."""

    role: Role
    is_test: bool = False
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a person is to the platform; all but `subject` depend on what the LMS shares."""

    subject: str
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    locale: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """The instance of an LMS (claim `tool_platform`)."""

    guid: str | None = None
    name: str | None = None
    family: str | None = None
    version: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The course (claim `context`)."""

    id: str
    label: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceLink:
    """The place in the course that was opened (claim `resource_link`)."""

    id: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class GradeService:
    """Where line items live and what may be done with them (claim `lti-ags/claim/endpoint`)."""

    line_items_url: str | None
    line_item_url: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class GroupService:
    """Where the groups of the course, and their sets, are read (claim `lti-gs/claim/groupsservice`)."""

    groups_url: str
    sets_url: str | None = None


@dataclass(frozen=True, slots=True)
class DeepLinking:
    """What an LMS takes as an answer (claim `deep_linking_settings`), and where.

    `data` must come back as it is. https://www.imsglobal.org/spec/lti-dl/v2p0#deep-linking-settings
    """

    return_url: str
    targets: tuple[str, ...]
    many: bool
    line_items: bool
    auto_create: bool
    title: str | None = None
    text: str | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """One validated launch message."""

    registration_id: int
    deployment_id: str
    message_type: str
    target_link_uri: str
    identity: Identity
    standing: Standing
    platform: Platform
    context: Context | None
    resource_link: ResourceLink | None
    memberships_url: str | None
    grades: GradeService | None
    return_url: str | None
    frame_origins: tuple[str, ...]
    groups: GroupService | None = None
    deep_linking: DeepLinking | None = None
    for_user: str | None = None
    section: str | None = None
    # What the platform's storage keeps for us of this browser, where no cookie can: a secret.
    stored_browser: str | None = field(default=None, repr=False)
    custom: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """What the address of the link names behind that of launches; empty for that address itself."""
        return urlsplit(self.target_link_uri).path.partition(LINK_PATH)[2]
