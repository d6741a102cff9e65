"""How many calls a platform gets at a time and a second, from all processes together, and when it gets none.

Each call goes through one of the platform's lanes (see `lanes.py`), of which its family says how many there are. A
platform that throttles us, or has given no whole answer some times in a row, is left alone by everybody; then one
call at a time tries whether it is well again, and the first that succeeds opens all lanes.
"""

from __future__ import annotations

import atexit
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lti_tool.database import writing
from lti_tool.lti import lanes
from lti_tool.lti.failures import LmsError, Resting, Retryable, Throttled
from lti_tool.lti.lanes import Pace
from lti_tool.lti.registrations import Registration
from lti_tool.lti.shares import Lane, Share

WAIT_SECONDS = 5.0  # a call that finds no lane for so long is put off
BUSY_SECONDS = 2.0  # for so long then
ASK_AGAIN_SECONDS = 0.1
TICK_SECONDS = 1.0
FAILURES = 6  # in a row; then the platform is down

log = structlog.get_logger(__name__)


class Budget:
    """One for each process; its methods may be called from many threads, with no app context."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owner = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._shares: dict[int, Share] = {}
        self._keeper: threading.Thread | None = None
        self._closing = threading.Event()

    @contextmanager
    def call(self, registration: Registration, service: str) -> Iterator[None]:
        """Wait until a call of `service` may be made, and note how it ended. Not within a transaction.

        Raises Resting where the platform is to be left alone, or is busy for longer than WAIT_SECONDS.
        """
        share = self._share(registration)
        lane = self._enter(share)
        error: LmsError | None = None
        try:
            lane.wait_for_turn()
            yield
        except LmsError as raised:
            error = raised
            raise
        finally:
            self._leave(share, lane, service, error)

    def close(self) -> None:
        """Give up all lanes and write down what was counted."""
        self._closing.set()
        for share in self._all():
            share.want_all()
        if (keeper := self._keeper) is not None:
            keeper.join(timeout=TICK_SECONDS)
        self._tick()
        atexit.unregister(self.close)

    def _share(self, registration: Registration) -> Share:
        with self._lock:
            share = self._shares.setdefault(registration.id, Share(registration.id))
        share.limit, share.per_second = registration.rules.concurrency, registration.rules.calls_per_second
        return share

    def _all(self) -> list[Share]:
        with self._lock:
            return list(self._shares.values())

    def _enter(self, share: Share) -> Lane:
        """Queue up for a lane; ask for one more where there may be one."""
        give_up_at = time.monotonic() + WAIT_SECONDS
        with share.queueing() as place:
            while True:
                if (left := share.rests_until - time.monotonic()) > 0:
                    raise Resting("budget", "the LMS is left alone for a while", retry_after=left)
                if (lane := share.begin(place)) is not None:
                    return lane
                if time.monotonic() >= give_up_at:
                    raise Resting("budget", "the LMS is busy with other calls of ours", retry_after=BUSY_SECONDS)
                if share.may_ask():
                    self._ask(share)
                else:
                    place.wait(ASK_AGAIN_SECONDS)

    def _ask(self, share: Share) -> None:
        began, number, waiting = time.monotonic(), None, share.waiting
        share.is_asking = True
        try:
            with share.unlocked(), writing(self._engine) as connection:
                pace, number = lanes.take(connection, self._owner, share.registration_id, share.limit, waiting)
            share.learn(pace, began)
        finally:
            share.is_asking = False
            share.ask_at = time.monotonic() + (0.0 if number is not None else ASK_AGAIN_SECONDS)
        if number is not None:
            share.lanes[number] = Lane(number, until=began + lanes.LEASE_SECONDS, used_at=began)
            self._keep()

    def _leave(self, share: Share, lane: Lane, service: str, error: LmsError | None) -> None:
        is_silent = isinstance(error, Retryable) and not isinstance(error, Throttled)
        with share.lock:
            must_give_up = share.end(lane)
            share.count(service, "ok" if error is None else type(error).__name__.lower(), lane)
            share.failures = share.failures + 1 if is_silent else 0
            on_trial, is_down = share.on_trial, share.failures >= FAILURES
        if must_give_up:
            with writing(self._engine) as connection:
                lanes.give_up(connection, self._owner, [(share.registration_id, lane.number)])
        if isinstance(error, Throttled):
            self._rest(share, "throttled", error)
        elif isinstance(error, Retryable) and (is_down or on_trial):
            self._rest(share, "down", error)
        elif on_trial and not is_silent:
            self._recover(share)

    def _rest(self, share: Share, cause: str, error: Retryable) -> None:
        with writing(self._engine) as connection:
            seconds = lanes.rest(connection, share.registration_id, cause, error.retry_after)
        log.warning("the LMS is left alone", platform=share.registration_id, cause=cause, seconds=round(seconds))
        with share.lock:
            share.failures = 0
            share.learn(Pace(seconds, on_trial=True), time.monotonic())

    def _recover(self, share: Share) -> None:
        with writing(self._engine) as connection:
            pace = lanes.recover(connection, share.registration_id)
        log.info("the LMS answers again", platform=share.registration_id)
        with share.lock:
            share.learn(pace, time.monotonic())

    def _keep(self) -> None:
        """See to it that a thread prolongs our lanes for as long as there are any."""
        with self._lock:
            if self._keeper is not None or self._closing.is_set():
                return
            self._keeper = threading.Thread(target=self._keep_lanes, name="lanes", daemon=True)
            self._keeper.start()
        atexit.unregister(self.close)
        atexit.register(self.close)

    def _keep_lanes(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            self._tick()
            with self._lock:
                if not any(share.lanes for share in self._shares.values()):
                    self._keeper = None
                    return

    def _tick(self) -> None:
        """Prolong our lanes, give up what is not needed, learn what others found out, write down what was counted."""
        shares = [share for share in self._all() if share.is_used()]
        if not shares:
            return
        try:
            with writing(self._engine) as connection:
                began = time.monotonic()
                held = lanes.prolong(connection, self._owner, [key for share in shares for key in share.held()])
                for share in shares:
                    share.note(held, began)
                lanes.give_up(connection, self._owner, [key for share in shares for key in share.drop_unneeded()])
                paces = lanes.paces(connection, [share.registration_id for share in shares])
                counts = dict(each for share in shares for each in share.take_counts().items())
                # An LMS that was removed in the meantime has no pace, and nothing to count.
                lanes.count(connection, {key: counted for key, counted in counts.items() if key[0] in paces})
        except SQLAlchemyError as error:
            # Lanes that nobody prolongs run out by themselves; only the counts of this moment are lost.
            log.warning("lanes could not be prolonged", error=type(error).__name__)
            return
        for share in shares:
            with share.lock:
                share.learn(paces.get(share.registration_id, Pace()), began)
