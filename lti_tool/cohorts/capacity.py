"""How much is computed in requests at a time: a second each for a few, and a clear answer for the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
WAIT_SECONDS = 3.0

_free = threading.BoundedSemaphore(AT_ONCE)


class BusyError(Exception):
    """This process computes for others now."""


@contextmanager
def turn() -> Iterator[None]:
    """Compute as soon as one of the few in this process is free. Raises BusyError after a short wait."""
    if not _free.acquire(timeout=WAIT_SECONDS):
        raise BusyError
    try:
        yield
    finally:
        _free.release()
