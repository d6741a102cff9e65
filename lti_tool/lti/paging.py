"""Walking a service's pages by their Link headers. RFC 8288."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lti_tool.lti.addresses import AddressError, joined, origin
from lti_tool.lti.client import Answer
from lti_tool.lti.connection import Connection

MAX_PAGES = 10_000

# Moodle writes rel=“next” with typographic quotes.
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|“[^”]*”|[^;,"“]*))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*["“”]?([^"“”;,]*)', re.IGNORECASE)


def pages(connection: Connection, service: str, url: str, *, scope: str, accept: str) -> Iterator[tuple[int, Answer]]:
    """Every page with its number from 1, each read when it is asked for.

    Next links are followed as they are given, on the origin of `url` alone. Raises Unreadable for a walk that
    leads elsewhere, in a circle, or on and on; and what `Connection.call` raises.
    """
    home = origin(url)
    seen: set[str] = set()
    for number in range(1, MAX_PAGES + 1):
        seen.add(url)
        answer = connection.call(service, "GET", url, scopes=(scope,), accept=accept)
        yield number, answer
        following = next_link(answer.headers.get("Link", ""))
        if following is None:
            return
        try:
            url = joined(url, following)
        except AddressError as error:
            raise answer.unreadable(f"page {number} names a next page whose address {error}") from error
        if origin(url) != home:
            raise answer.unreadable(f"page {number} names a next page on another server")
        if url in seen:
            raise answer.unreadable(f"page {number} leads back to a page that was read before")
    raise answer.unreadable(f"there are more than {MAX_PAGES} pages")


def next_link(header: str) -> str | None:
    """The target of the link `rel="next"`, whatever kind of quotes surround it."""
    with suppress(UnicodeError):
        # Header bytes arrive as Latin-1; the typographic quotes in them are UTF-8.
        header = header.encode("latin-1").decode("utf-8")
    for target, parameters in _LINK.findall(header):
        rel = _REL.search(parameters)
        if rel and "next" in rel.group(1).lower().split():
            return str(target).strip() or None
    return None


def with_query(url: str, **values: str | int | None) -> str:
    """`url` with `values` added to its query, replacing those of the same name."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if values.get(pair[0]) is None]
    added = [(name, str(value)) for name, value in values.items() if value is not None]
    return urlunsplit(parts._replace(query=urlencode(kept + added)))
