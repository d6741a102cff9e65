"""Connections on which an answer ends in time, however slowly it drips.

A socket's timeout begins anew with each byte that arrives, so a server that sends one now and then would hold a
thread for hours. Here status line and headers have the time of one timeout together, and so has the content.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _TimelyReader(io.RawIOBase):
    """What arrives at a socket until its time is over; raises TimeoutError then."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._socket = sock
        self._seconds = sock.gettimeout()
        self.begin()

    def begin(self) -> None:
        """Let the time run from now."""
        self._until = None if self._seconds is None else time.monotonic() + self._seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimelyResponse(HTTPResponse):
    """An answer whose parts end in time."""

    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self._reader = _TimelyReader(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read status line and headers; the content's time begins when they are there."""
        super().begin()
        self._reader.begin()


class _HttpConnection(HTTPConnection):
    response_class = TimelyResponse


class TimelyConnection(HTTPSConnection):
    """An https connection whose answers end in time."""

    response_class = TimelyResponse


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = TimelyConnection


class TimelyAdapter(HTTPAdapter):
    """Speaks http and https to whatever address, with answers that end in time."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Make the pools, of such connections."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
