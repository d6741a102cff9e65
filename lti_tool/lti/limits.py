"""How many refused logins and launches of one address are explained before it is asked to wait.

A whole campus may come from one address, or everybody from that of a proxy. So only refusals count, and a good
launch goes through whatever else comes from there: beyond the limit a refusal is no longer logged or looked up,
only answered with the time to wait. Each process counts for itself, in memory.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter

WINDOW_SECONDS = 60
# Somebody who has a great many addresses must not fill the memory; those beyond are not counted.
MOST_ADDRESSES = 100_000
IPV6_CUSTOMER_BITS = 64  # what a provider gives to one customer (RFC 6177)


class Refusals:
    """Counts of the present minute. Safe for threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._window = -1
        self._counts: Counter[str] = Counter()

    def note(self, address: str | None) -> int:
        """One more refusal of this address. Answers for how many seconds it should wait, 0 within the limit."""
        key, now = _customer(address), time.monotonic()
        with self._lock:
            window = int(now // WINDOW_SECONDS)
            if window != self._window:
                self._window, self._counts = window, Counter()
            if key in self._counts or len(self._counts) < MOST_ADDRESSES:
                self._counts[key] += 1
            is_within = self._counts[key] <= self._most
        return 0 if is_within else math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)


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
