"""How long a search may go on. The clock is handed in, so that the algorithms have none of their own."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds that only grow, as ``time.monotonic`` gives them."""

Cancelled = Callable[[], bool]
"""Whether somebody wants the best so far at once."""


def never() -> bool:
    """Nobody cancels."""
    return False


class Budget:
    """Ends after a time, a number of iterations or a word, whichever comes first; None means no such limit."""

    def __init__(
        self, now: Clock, seconds: float | None, iterations: int | None, cancelled: Cancelled = never
    ) -> None:
        self.now = now
        self._start = now()
        self.seconds = seconds
        self._cancelled = cancelled
        self.iterations = iterations
        self.used = 0

    def elapsed(self) -> float:
        return self.now() - self._start

    def late(self) -> bool:
        return self._cancelled() or (self.seconds is not None and self.elapsed() >= self.seconds)

    def left(self) -> float | None:
        """Seconds that remain, none when somebody cancelled; None without a time limit."""
        if self._cancelled():
            return 0.0
        return None if self.seconds is None else max(0.0, self.seconds - self.elapsed())

    def share(self, part: float) -> Budget:
        """A budget of this part of the seconds that remain."""
        left = self.left()
        return Budget(self.now, None if left is None else left * part, None, self.late)

    def spent(self) -> float:
        """The share that is used up, 0 to 1: of the iterations when they are given, else of the time."""
        if self.late():
            return 1.0
        if self.iterations is not None:
            return self.used / self.iterations if self.iterations else 1.0
        return self.elapsed() / self.seconds if self.seconds else 0.0
