"""From claims, whose every type may be wrong, to values that the rest of the program can rely on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lti_tool.lti import addresses, roles
from lti_tool.lti.launch import (
    DEEP_LINKING,
    SUBMISSION_REVIEW,
    Context,
    DeepLinking,
    GradeService,
    GroupService,
    Identity,
    Launch,
    Platform,
    ResourceLink,
)
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tables import ID_LENGTH, URL_LENGTH

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DEEP_LINKING_SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
GROUPS = "https://purl.imsglobal.org/spec/lti-gs/claim/groupsservice"
GRADES = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
TEXT_LENGTH = 255
FAMILY_LENGTH = 100
LOCALE_LENGTH = 35
CUSTOM_LENGTH = 4096

# Control characters and lone surrogates, which databases refuse, and marks that turn the text around them.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufeff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# A variable that the platform does not know comes back as it was written.
_UNRESOLVED = re.compile(r"\$[A-Za-z][\w.]*")


def plain(value: str, length: int = TEXT_LENGTH) -> str | None:
    """`value` as a text for people, cut to `length`; None if nothing is left."""
    if not value.isprintable():  # what is unwanted is not, and a roster asks for many texts
        value = _UNWANTED.sub(" ", value)
    return value.strip()[:length].rstrip() or None


class Claims:
    """Typed access to a claim's members. A wrong type refuses the launch and names the claim."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def name(self, key: str) -> str:
        """The claim's name for people: short, and with the claim that it is part of."""
        short = key.rpartition("/")[2]
        return f"{self._path}.{short}" if self._path else short

    def text(self, key: str, length: int = TEXT_LENGTH) -> str | None:
        """A text for people, cut to `length`."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise LaunchRefused("claim_invalid", self.name(key))
        return plain(value, length)

    def identifier(self, key: str, length: int = ID_LENGTH) -> str:
        """A text that must come whole, of at least one and at most `length` printable characters."""
        value = self._values.get(key)
        if value is None:
            raise LaunchRefused("claim_missing", self.name(key))
        if not isinstance(value, str) or not 0 < len(value) <= length or not value.isprintable():
            raise LaunchRefused("claim_invalid", self.name(key))
        return value

    def address(self, key: str) -> str | None:
        """An http(s) address."""
        if self._values.get(key) in (None, ""):
            return None
        value = self.identifier(key, URL_LENGTH)
        if addresses.origin(value) is None:
            raise LaunchRefused("claim_invalid", self.name(key))
        return value

    def part(self, key: str) -> Claims | None:
        """A claim that is an object."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise LaunchRefused("claim_invalid", self.name(key))
        return Claims(value, self.name(key))

    def texts(self, key: str) -> list[str]:
        """A claim that is a list of texts; absent is an empty one."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise LaunchRefused("claim_invalid", self.name(key))
        return value

    def flag(self, key: str) -> bool | None:
        """A yes or no; None where nothing is said. Some platforms write it as a text."""
        value = self._values.get(key)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise LaunchRefused("claim_invalid", self.name(key))
        return value

    def opaque(self, key: str) -> str | None:
        """A text that means nothing to us and must stay as it is; any that a database can hold."""
        value = self._values.get(key)
        if value is not None and (not isinstance(value, str) or _UNSTORABLE.search(value)):
            raise LaunchRefused("claim_invalid", self.name(key))
        return value

    def seconds(self, key: str) -> float | None:
        """A time as a number of seconds since 1970."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LaunchRefused("claim_invalid", self.name(key))
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise LaunchRefused("claim_invalid", self.name(key))
        return number

    def custom(self) -> Mapping[str, str]:
        """The custom parameters that have a value; an unresolved variable is none."""
        part = self.part(LTI + "custom")
        values = part._values if part else {}
        return MappingProxyType(
            {
                key[:TEXT_LENGTH]: text
                for key, value in values.items()
                if isinstance(value, str)
                and not _UNRESOLVED.fullmatch(value)
                and (text := plain(value, CUSTOM_LENGTH))
            }
        )


def read_launch(claims: Claims, registration: Registration) -> Launch:
    """The launch that validated claims describe. Raises LaunchRefused for a claim of the wrong form."""
    presentation = claims.part(LTI + "launch_presentation") or Claims({})
    memberships = claims.part(MEMBERSHIPS)
    platform = _platform(claims)
    custom = claims.custom()
    context = _context(claims)
    grades = _grades(claims)
    message_type = claims.identifier(LTI + "message_type")
    return_url = presentation.address("return_url")
    memberships_url = memberships.address("context_memberships_url") if memberships else None
    frame_origins = _origins(registration.issuer, registration.auth_url, platform.url, return_url)
    return Launch(
        registration_id=registration.id,
        deployment_id=claims.identifier(LTI + "deployment_id"),
        message_type=message_type,
        target_link_uri=claims.identifier(LTI + "target_link_uri", URL_LENGTH),
        identity=_identity(claims, presentation, custom),
        standing=roles.standing(claims.texts(LTI + "roles")),
        platform=platform,
        context=context,
        resource_link=_resource_link(claims),
        memberships_url=memberships_url,
        grades=grades,
        groups=_groups(claims),
        return_url=return_url,
        frame_origins=frame_origins,
        deep_linking=_deep_linking(claims, (*frame_origins, *_origins(memberships_url, *_addresses(grades))))
        if message_type == DEEP_LINKING
        else None,
        for_user=_for_user(claims, grades) if message_type == SUBMISSION_REVIEW else None,
        section=section_of(custom.get("section"), context),
        custom=custom,
    )


def section_of(stated: str | None, context: Context | None) -> str | None:
    """The section of the course that the person belongs to; several are told together, in the order of their names.

    Where an LMS has no sections it names the course itself, which tells nothing.

    >>> section_of("North", None), section_of('["South", "North"]', None), section_of("[]", None)
    ('North', 'North + South', None)
    >>> section_of("Giving feedback", Context("1", title="Giving feedback"))
    """
    named = {name for name in _listed(stated or "") if name}
    if context is not None:
        named -= {context.title, context.label, context.id}
    return " + ".join(sorted(named))[:TEXT_LENGTH] or None


def _listed(stated: str) -> list[str]:
    try:
        several = json.loads(stated)
    except (ValueError, RecursionError):
        several = stated
    return [str(name).strip() for name in several] if isinstance(several, list) else [stated.strip()]


def _identity(claims: Claims, presentation: Claims, custom: Mapping[str, str]) -> Identity:
    return Identity(
        subject=claims.identifier("sub"),
        name=claims.text("name"),
        given_name=claims.text("given_name"),
        family_name=claims.text("family_name"),
        email=claims.text("email"),
        locale=claims.text("locale", LOCALE_LENGTH) or presentation.text("locale", LOCALE_LENGTH),
        zone=zone(custom.get("tz") or claims.text("zoneinfo")),
    )


def is_identity(value: Any) -> TypeGuard[str]:
    """Could this be a person's id? Up to 255 ASCII characters (LTI Core, claim `sub`)."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= ID_LENGTH
        and value.isascii()
        and value.isprintable()
        and not value.isspace()
    )


def zone(name: str | None) -> str | None:
    """`name` if it is a time zone of the IANA database."""
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _platform(claims: Claims) -> Platform:
    part = claims.part(LTI + "tool_platform")
    if part is None:
        return Platform()
    return Platform(
        guid=part.identifier("guid") if part.text("guid") else None,
        name=part.text("name"),
        family=part.text("product_family_code", FAMILY_LENGTH),
        version=part.text("version"),
        url=part.text("url", URL_LENGTH),
    )


def _context(claims: Claims) -> Context | None:
    part = claims.part(LTI + "context")
    return Context(part.identifier("id"), part.text("label"), part.text("title")) if part else None


def _resource_link(claims: Claims) -> ResourceLink | None:
    part = claims.part(LTI + "resource_link")
    return ResourceLink(part.identifier("id"), part.text("title")) if part else None


def _grades(claims: Claims) -> GradeService | None:
    part = claims.part(GRADES)
    if part is None:
        return None
    return GradeService(part.address("lineitems"), part.address("lineitem"), frozenset(part.texts("scope")))


def _groups(claims: Claims) -> GroupService | None:
    part = claims.part(GROUPS)
    groups_url = part.address("context_groups_url") if part else None
    if part is None or groups_url is None:
        return None
    return GroupService(groups_url, part.address("context_group_sets_url"))


def _addresses(grades: GradeService | None) -> tuple[str | None, ...]:
    return (grades.line_items_url, grades.line_item_url) if grades else ()


def _deep_linking(claims: Claims, known_origins: tuple[str, ...]) -> DeepLinking:
    """What the platform asks to be answered, at an address that is its own: the answer is signed by us.

    https://www.imsglobal.org/spec/lti-dl/v2p0#deep-linking-settings
    """
    part = claims.part(DEEP_LINKING_SETTINGS)
    if part is None:
        raise LaunchRefused("claim_missing", "deep_linking_settings")
    return_url = part.identifier("deep_link_return_url", URL_LENGTH)
    if addresses.origin(return_url) not in known_origins:
        raise LaunchRefused("foreign_return", "deep_link_return_url")
    if "ltiResourceLink" not in part.texts("accept_types"):
        raise LaunchRefused("no_links_accepted", "accept_types")
    targets = part.texts("accept_presentation_document_targets")
    if not targets:
        raise LaunchRefused("claim_missing", "accept_presentation_document_targets")
    return DeepLinking(
        return_url=return_url,
        targets=tuple(targets),
        many=part.flag("accept_multiple") is True,
        line_items=part.flag("accept_lineitem") is not False,
        auto_create=part.flag("auto_create") is True,
        title=part.text("title"),
        text=part.text("text"),
        data=part.opaque("data"),
    )


def _for_user(claims: Claims, grades: GradeService | None) -> str:
    """Whose work is to be reviewed. The platform must say in which column, too."""
    if grades is None or grades.line_item_url is None:
        raise LaunchRefused("claim_missing", "lineitem")
    part = claims.part(LTI + "for_user")
    if part is None:
        raise LaunchRefused("claim_missing", "for_user")
    return part.identifier("user_id")


def _origins(*urls: str | None) -> tuple[str, ...]:
    """The origins that may frame us, each once. Only what the registration or the signed message names."""
    found = (addresses.origin(url) for url in urls if url)
    return tuple(dict.fromkeys(origin for origin in found if origin))
