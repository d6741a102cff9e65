"""Connections that go to the very address that was checked, so that no later answer of the DNS can lead elsewhere.

The name is resolved once for each connection. Host header, SNI and the certificate's check keep the name; a
pooled connection is not resolved again, and so costs nothing. However many addresses a name has, those that are
tried share the time for connecting.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from lti_tool.lti import addresses
from lti_tool.lti.timely import TimelyConnection

MOST_ADDRESSES = 4
LEAST_SECONDS = 0.01


class _PinnedConnection(TimelyConnection):
    def _new_conn(self) -> socket.socket:
        name, seconds = self._dns_host, self.timeout
        try:
            found = _some(addresses.public_addresses(name))
        except socket.gaierror as error:
            raise NameResolutionError(name, self, error) from error
        try:
            made = self._connect_to_any(found)
        finally:
            self._dns_host, self.timeout = name, seconds
        made.settimeout(seconds)
        return made

    def _connect_to_any(self, found: Sequence[str]) -> socket.socket:
        until = None if self.timeout is None else time.monotonic() + self.timeout
        *others, last = found
        for tried, address in enumerate(others):
            try:
                return self._connect_to(address, until, among=len(found) - tried)
            except (NewConnectionError, ConnectTimeoutError):
                continue
        return self._connect_to(last, until)

    def _connect_to(self, address: str, until: float | None, among: int = 1) -> socket.socket:
        """Connect in a fair share of the time that is left `among` so many addresses."""
        self._dns_host = address
        if until is not None:
            self.timeout = max(until - time.monotonic(), LEAST_SECONDS) / among
        return super()._new_conn()


def _some(found: Sequence[str]) -> list[str]:
    """The first few of these addresses, IPv6 and IPv4 in turn, as one of the two may lead nowhere (RFC 8305, 4)."""
    first = ":" in found[0]
    families = ([each for each in found if (":" in each) is is_first] for is_first in (first, not first))
    return [each for each in chain(*zip_longest(*families)) if each][:MOST_ADDRESSES]


class _PinnedPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedConnection


class PinnedAdapter(HTTPAdapter):
    """Speaks https to public addresses alone. A private one raises AddressError from within the request."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Make the pools, of pinned connections; there are none for http."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"https": _PinnedPool}
