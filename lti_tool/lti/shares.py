"""What one process has of one platform's budget: its lanes, who waits for them, what was counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from lti_tool.lti.lanes import LEASE_SECONDS, CountKey, LaneKey, Pace

IDLE_SECONDS = 1.0  # a lane that was not used for so long is given up
MARGIN_SECONDS = 1.0  # no call begins in a lane that ends so soon


@dataclass
class Lane:
    """A lane in our hands. Times are those of `time.monotonic`; its next call begins at `begins_at` or later."""

    number: int
    until: float
    used_at: float
    begins_at: float = 0.0
    is_busy: bool = False
    is_wanted: bool = False

    def wait_for_turn(self) -> None:
        """Wait until the lane's part of a second is over since its last call began."""
        if (left := self.begins_at - time.monotonic()) > 0:
            time.sleep(left)


class Share:
    """Everything in it is guarded by `lock`."""

    def __init__(self, registration_id: int) -> None:
        self.registration_id = registration_id
        self.lock = threading.Lock()
        self.lanes: dict[int, Lane] = {}
        self.limit = 1
        self.per_second = 1.0
        self.is_asking = False
        self.ask_at = 0.0
        self.rests_until = 0.0
        self.on_trial = False
        self.failures = 0
        self._known_at = 0.0
        self._queue: deque[threading.Condition] = deque()
        self._counts: dict[CountKey, tuple[int, float]] = {}

    @contextmanager
    def queueing(self) -> Iterator[threading.Condition]:
        """A place in the queue for a lane, with the lock: who comes first gets the first lane."""
        place = threading.Condition(self.lock)
        with self.lock:
            self._queue.append(place)
            try:
                yield place
            finally:
                self._queue.remove(place)
                self._wake_first()

    @property
    def waiting(self) -> int:
        """How many calls wait for a lane."""
        return len(self._queue)

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Give the lock away for as long as this takes."""
        self.lock.release()
        try:
            yield
        finally:
            self.lock.acquire()

    def begin(self, place: threading.Condition) -> Lane | None:
        """Put the call of the first in the queue into the lane that may have one soonest."""
        now = time.monotonic()
        free = [lane for lane in self._open(now) if not lane.is_busy]
        if not free or self._queue[0] is not place:
            return None
        lane = min(free, key=lambda lane: lane.begins_at)
        lane.is_busy, lane.begins_at = True, max(now, lane.begins_at)
        return lane

    def may_ask(self) -> bool:
        """Whether there may be one more lane, and nobody asks for it yet."""
        now = time.monotonic()
        return (
            not self.is_asking and now >= self.ask_at and len(self._open(now)) < (1 if self.on_trial else self.limit)
        )

    def end(self, lane: Lane) -> bool:
        """Take the call out of its lane. True if the lane must be given up: somebody waits for it."""
        lane.is_busy, lane.used_at = False, time.monotonic()
        self._wake_first()
        return lane.is_wanted and self.lanes.pop(lane.number, None) is lane

    def count(self, service: str, outcome: str, lane: Lane) -> None:
        """Count the call that just ended in `lane`, which has its next one when its part of a second is over."""
        key = (self.registration_id, service, outcome)
        calls, seconds = self._counts.get(key, (0, 0.0))
        self._counts[key] = (calls + 1, seconds + lane.used_at - lane.begins_at)
        lane.begins_at += self.limit / self.per_second

    def learn(self, pace: Pace, at: float) -> None:
        """Note what the database said `at` that time, unless something later is known."""
        if at < self._known_at:
            return
        self._known_at = at
        self.rests_until, self.on_trial = time.monotonic() + pace.rest_seconds, pace.on_trial
        for place in self._queue:
            place.notify()

    def want_all(self) -> None:
        """Give up every lane as soon as its call has ended."""
        with self.lock:
            for lane in self.lanes.values():
                lane.is_wanted = True

    def drop_unneeded(self) -> list[LaneKey]:
        """Take out the lanes that others may have."""
        with self.lock:
            least = time.monotonic() - IDLE_SECONDS
            lanes = [lane for lane in self.lanes.values() if not lane.is_busy]
            unneeded = [lane.number for lane in lanes if lane.is_wanted or lane.used_at < least]
            for number in unneeded:
                del self.lanes[number]
        return [(self.registration_id, number) for number in unneeded]

    def is_used(self) -> bool:
        """Whether there are lanes, or counts to write down."""
        with self.lock:
            return bool(self.lanes or self._counts)

    def held(self) -> list[LaneKey]:
        """The lanes that we have."""
        with self.lock:
            return [(self.registration_id, number) for number in self.lanes]

    def note(self, held: Mapping[LaneKey, bool], began: float) -> None:
        """Note which lanes were prolonged by a transaction that `began` then, and which are wanted by others."""
        with self.lock:
            for number, lane in list(self.lanes.items()):
                if (key := (self.registration_id, number)) in held:
                    lane.until, lane.is_wanted = began + LEASE_SECONDS, lane.is_wanted or held[key]
                elif lane.until < began and not lane.is_busy:
                    del self.lanes[number]

    def take_counts(self) -> dict[CountKey, tuple[int, float]]:
        """What was counted since the last time."""
        with self.lock:
            counts, self._counts = self._counts, {}
        return counts

    def _open(self, now: float) -> list[Lane]:
        """The lanes that may have calls; on trial there is only the first."""
        return [
            lane
            for lane in self.lanes.values()
            if lane.until > now + MARGIN_SECONDS and not lane.is_wanted and not (self.on_trial and lane.number)
        ]

    def _wake_first(self) -> None:
        if self._queue:
            self._queue[0].notify()
