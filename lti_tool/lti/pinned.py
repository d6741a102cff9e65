"""Connections that go to the very address that was checked, so that no later answer of the DNS can lead elsewhere.

The name is resolved once for each connection. Host header, SNI and the certificate's check keep the name; a
pooled connection is not resolved again, and so costs nothing.
"""

from __future__ import annotations

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from lti_tool.lti import addresses
from lti_tool.lti.timely import TimelyConnection


class _PinnedConnection(TimelyConnection):
    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            *others, last = addresses.public_addresses(name)
        except socket.gaierror as error:
            raise NameResolutionError(name, self, error) from error
        try:
            for address in others:
                try:
                    return self._connect_to(address)
                except (NewConnectionError, ConnectTimeoutError):
                    continue
            return self._connect_to(last)
        finally:
            self._dns_host = name

    def _connect_to(self, address: str) -> socket.socket:
        self._dns_host = address
        return super()._new_conn()


class _PinnedPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedConnection


class PinnedAdapter(HTTPAdapter):
    """Speaks https to public addresses alone. A private one raises AddressError from within the request."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Make the pools, of pinned connections; there are none for http."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"https": _PinnedPool}
