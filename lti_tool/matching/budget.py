"""How long a search may go on. The clock is handed in, so that the algorithms have none of their own."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds that only grow, as ``time.monotonic`` gives them."""


class Budget:
    """Ends after a time or a number of iterations, whichever comes first; None means no such limit."""

    BATCH = 64

    def __init__(self, now: Clock, seconds: float | None, iterations: int | None) -> None:
        self._now = now
        self._start = now()
        self._seconds = seconds
        self._iterations = iterations
        self.used = 0

    def elapsed(self) -> float:
        return self._now() - self._start

    def late(self) -> bool:
        return self._seconds is not None and self.elapsed() >= self._seconds

    def spent(self) -> float:
        """The share that is used up, 0 to 1: of the iterations when they are given, else of the time."""
        if self.late():
            return 1.0
        if self._iterations is not None:
            return self.used / self._iterations if self._iterations else 1.0
        return self.elapsed() / self._seconds if self._seconds else 0.0

    def take_batch(self) -> range:
        """The next few iterations, to be made before asking for the time again."""
        left = self.BATCH if self._iterations is None else min(self.BATCH, self._iterations - self.used)
        self.used += left
        return range(left)
