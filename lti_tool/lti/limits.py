"""How many refused logins and launches of one address are looked at before it has to wait.

Only refusals count, since a whole campus may come from one address. Each process counts for itself: a flood is
met where it arrives, and asks the database for nothing.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter

WINDOW_SECONDS = 60
# Somebody who has a great many addresses must not fill the memory; those beyond are let through uncounted.
MOST_ADDRESSES = 100_000
IPV6_CUSTOMER_BITS = 64  # what a provider gives to one customer (RFC 6177)


class Refusals:
    """Counts of the present minute. Safe for threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._window = -1
        self._counts: Counter[str] = Counter()

    def note(self, address: str | None) -> None:
        """One more refusal of this address."""
        key = _customer(address)
        with self._lock:
            window = int(time.monotonic() // WINDOW_SECONDS)
            if window != self._window:
                self._window, self._counts = window, Counter()
            if key in self._counts or len(self._counts) < MOST_ADDRESSES:
                self._counts[key] += 1

    def seconds_to_wait(self, address: str | None) -> int:
        """How long until this address is heard again; 0 if it is heard now."""
        now = time.monotonic()
        if int(now // WINDOW_SECONDS) != self._window or self._counts[_customer(address)] < self._most:
            return 0
        return math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)


def _customer(address: str | None) -> str:
    """The address that counts: an IPv6 customer has a great many, which are one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_CUSTOMER_BITS), strict=False))
