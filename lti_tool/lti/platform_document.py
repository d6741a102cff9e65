"""What an LMS says of itself when it is registered: its OpenID configuration, checked in form and in origin.

Anybody can write such a document and name any issuer in it. It counts for an issuer only when it comes from the
issuer's own address, or when all that launches and tokens come by lies with the vendor whose cloud has that issuer.
And an LMS may only name a token address and an audience of its own: with those of another LMS, and a client id that
this tool has there, it would be handed what opens the other one's rosters and grades. Where it takes registrations
does not matter: what is told there is public, and the client id that comes back opens nothing without the issuer.
Dynamic Registration 1.0, "OpenID configuration"; https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lti_tool.lti import addresses, families
from lti_tool.lti.claims import plain
from lti_tool.lti.families import Standard
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.tables import ID_LENGTH, NAME_LENGTH, URL_LENGTH

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
MOST_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class PlatformDocument:
    """An LMS's configuration; `url` is where it was read, `audience` the one for tokens.

    `messages` maps each type of message that the LMS says it sends to the placements that it names for it; `scopes`
    are those that it says it grants.
    """

    url: str
    name: str
    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    audience: str
    family: str
    messages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()

    @property
    def rules(self) -> Standard:
        return families.family(self.family)

    @property
    def host(self) -> str:
        """The host that the document was read from."""
        return urlsplit(self.url).hostname or ""

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the LMS's own pages, one of which shows ours in a frame."""
        named = (self.url, self.issuer, self.auth_url, self.registration_url)
        return tuple(dict.fromkeys(origin for url in named if (origin := addresses.origin(url))))


def read(url: str, values: Any, *, allow_private: bool) -> PlatformDocument:
    """The document with the JSON `values` that was read at `url`. Raises LaunchRefused naming what is wrong."""
    if not isinstance(values, dict):
        raise LaunchRefused("registration_unreadable", "not an object")
    about = values.get(PLATFORM_CONFIGURATION)
    platform = about if isinstance(about, dict) else {}
    code = platform.get("product_family_code")

    def address(name: str, length: int = URL_LENGTH) -> str:
        return _address(values, name, length, allow_private)

    family = families.named_by(code if isinstance(code, str) else None) or Standard.name
    rules = families.family(family)
    host = urlsplit(url).hostname or ""
    token_url = address("token_endpoint")
    return PlatformDocument(
        url=url,
        name=plain(rules.institution(platform) or host, NAME_LENGTH) or host,
        issuer=address("issuer", ID_LENGTH),
        auth_url=address("authorization_endpoint"),
        token_url=token_url,
        jwks_url=address("jwks_uri"),
        registration_url=address("registration_endpoint"),
        audience=_audience(rules, token_url, values.get("authorization_server")),
        family=family,
        messages=_messages(platform.get("messages_supported")),
        scopes=_scopes(values.get("scopes_supported")),
    )


def is_vouched_for(document: PlatformDocument) -> bool:
    """Whether the document counts for its issuer. If not, a person must look at it.

    Raises LaunchRefused where there is nothing to look at: it names an issuer that it has nothing to do with.
    """
    rules, named = document.rules, (document.token_url, document.audience)
    if addresses.origin(document.url) == addresses.origin(document.issuer):
        return all(_is_of_one_house(rules, document.issuer, url) for url in named)
    if document.issuer not in rules.cloud_issuers:
        raise LaunchRefused("registration_foreign_issuer", f"{document.issuer!r} at {document.host!r}")
    return all(_is_below(rules.cloud_domains, url) for url in (document.auth_url, document.jwks_url, *named))


def _is_of_one_house(rules: Standard, one: str, other: str) -> bool:
    """Whether two addresses have one origin, or lie with the vendor both."""
    same = addresses.origin(one) == addresses.origin(other)
    return same or (_is_below(rules.cloud_domains, one) and _is_below(rules.cloud_domains, other))


def _is_below(domains: Iterable[str], url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return url.startswith("https:") and any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _audience(rules: Standard, token_url: str, stated: Any) -> str:
    """The audience that is stated, if it has the token address's origin; otherwise the usual one of the family."""
    audience = rules.stated_audience(stated) if isinstance(stated, str) and len(stated) <= URL_LENGTH else None
    if audience and audience.isprintable() and addresses.origin(audience) == addresses.origin(token_url):
        return audience
    return rules.audience(token_url)


def _text(values: Mapping[str, Any], name: str, length: int) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= length or not value.isprintable():
        raise LaunchRefused("registration_unreadable", f"{name} is missing or wrong")
    return value


def _address(values: Mapping[str, Any], name: str, length: int, allow_private: bool) -> str:
    value = _text(values, name, length)
    try:
        addresses.check_form(value, allow_private=allow_private)
    except addresses.AddressError as error:
        raise LaunchRefused("registration_unreadable", f"{name} {error}") from None
    return value


def _scopes(stated: Any) -> frozenset[str]:
    return frozenset(scope for scope in stated if isinstance(scope, str)) if isinstance(stated, list) else frozenset()


def _messages(stated: Any) -> dict[str, frozenset[str]]:
    """The types of message with their placements. They come as objects (the standard) or as bare names (Moodle)."""
    found: dict[str, frozenset[str]] = {}
    for item in stated[:MOST_MESSAGES] if isinstance(stated, list) else ():
        kind = item.get("type") if isinstance(item, dict) else item
        places = item.get("placements") if isinstance(item, dict) else None
        if isinstance(kind, str):
            named = places if isinstance(places, list) else ()
            found[kind] = frozenset(place for place in named if isinstance(place, str))
    return found
