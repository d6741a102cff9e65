"""Which addresses this program may call: public https ones, unless a setting permits private ones.

An address comes from a registration or from a claim that a platform signed; either could point into the
network that the tool runs in (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import idna

# All that has been given out of IPv6: https://www.iana.org/assignments/ipv6-address-space
_UNICAST = ipaddress.IPv6Network("2000::/3")
# What a network without IPv4 calls an IPv4 address (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# A name, or an IPv6 address. Origins stand in headers, where anything else could say more than one origin.
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


class AddressError(ValueError):
    """An address that must not be called. The message says why."""


@lru_cache(maxsize=1024)
def origin(url: str) -> str | None:
    """Scheme, host and port of an http(s) address in one spelling (RFC 6454), or None if it has none.

    It is ASCII: a name in other letters is written as the DNS has it (RFC 5891).
    """
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        return None
    # To a browser a backslash ends the host, to Python it does not.
    if parts.scheme not in _DEFAULT_PORTS or "\\" in parts.netloc or not _HOST.fullmatch(host):
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def _ascii(host: str) -> str:
    """Raises ValueError for what is no host name."""
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def joined(url: str, reference: str) -> str:
    """Where a `reference` in an answer from `url` leads. Raises AddressError if it is none."""
    try:
        return urljoin(url, reference)
    except ValueError as error:
        raise AddressError("is not an http(s) address") from error


def check_form(url: str, *, allow_private: bool) -> None:
    """Raises AddressError for a wrong scheme, credentials or a missing host."""
    if not url.isprintable() or " " in url or origin(url) is None:
        raise AddressError("is not an http(s) address")
    parts = urlsplit(url)
    if parts.scheme == "http" and not allow_private:
        raise AddressError("must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise AddressError("must not carry a user name or password")


def public_addresses(host: str) -> list[str]:
    """The IP addresses that `host` resolves to, in the order in which to try them.

    Raises AddressError if any of them is not public, socket.gaierror if there is none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise AddressError("has a host name that cannot be resolved") from error
    resolved = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in resolved:
        if not _is_public(address):
            raise AddressError(f"leads to the private address {address}")
    return resolved


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast
